"""``kvchaos gameday install|status|uninstall``: a plan played in the cluster, by a CronJob."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import yaml

from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import JOBS, PERSISTENTVOLUMECLAIMS, PODS, Object
from kvchaos.commands.gameday_files import carried, looked_at, read
from kvchaos.commands.options import context_option, namespace_option
from kvchaos.errors import NotFound, UsageError
from kvchaos.gameday.installing import (
    apply,
    ensure_served,
    installed,
    is_over,
    remove,
)
from kvchaos.gameday.objects import PLAN_LABEL, Place, objects, selector
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.status import BY_CODE

JOB_LABELS = ("batch.kubernetes.io/job-name", "job-name")  # of a pod: Kubernetes sets both
PATIENCE = 360.0  # seconds: a little more than a pod is given to end


@click.command()
@click.argument("plan_file", metavar="PLAN.yaml", type=click.Path(path_type=Path))
@click.option("--image", required=True, help="With kvchaos in it, where the cluster can pull it.")
@click.option("--schedule", default="", help="When, as cron says it; else the plan's schedule.")
@click.option("--secret", default="", help="A Secret whose keys become environment variables.")
@click.option("--storage", default="1Gi", show_default=True, help="Of the volume for reports.")
@click.option("--storage-class", default="", help="Of that volume; else the cluster's default.")
@click.option("--print", "printed", is_flag=True, help="Print the objects, and ask no cluster.")
@click.option("--dry-run", is_flag=True, help="Let the server check the objects, change nothing.")
@context_option
@namespace_option
def install(
    plan_file: Path,
    *,
    image: str,
    schedule: str,
    secret: str,
    storage: str,
    storage_class: str,
    printed: bool,
    dry_run: bool,
    context: str,
    namespace: str,
) -> None:
    """Have the plan played in the cluster: a CronJob with rights and a volume of its own.

    The plan, its experiments and their templates go with it, from the folder you are in.
    Installing again changes what is there. Nobody is asked for leave in the cluster.
    """
    plan = read(plan_file)
    _ensure_fits(plan, namespace, secret)
    place = Place(
        namespace,
        image,
        _schedule(schedule or plan.schedule),
        carried_name(plan_file),
        carried(plan, plan_file, looked_at(plan, plan_file)),
        storage=storage,
        storage_class=storage_class,
        secret=secret,
    )
    made = objects(plan, place)
    if printed:
        click.echo(yaml.safe_dump_all(made, sort_keys=False), nl=False)
        return
    with Cluster.connect(context) as cluster:
        ensure_served(cluster, context)
        for done in apply(cluster, made, dry_run=dry_run):
            click.echo(done.text)
    if dry_run:
        click.echo("the server would take all of it; nothing was changed")
        return
    where = f"--context {context} --namespace {namespace}"
    click.echo(f"{plan.name} is played at {place.schedule!r}, {_zone(made)} time")
    click.echo(f"look at it: kvchaos gameday status {plan.name} {where}")
    name = made[-1]["metadata"]["name"]
    click.echo(f"play it now: kubectl -n {namespace} create job --from=cronjob/{name} {name}-now")


@click.command()
@click.argument("name", metavar="[NAME]", default="")
@context_option
@namespace_option
def status(name: str, context: str, namespace: str) -> None:
    """Say which game days are installed, when they run, and how the last ones ended.

    NAME is that of a plan; without it, all in the namespace are told.
    """
    with Cluster.connect(context) as cluster:
        ensure_served(cluster, context)
        found = installed(cluster, namespace, name)
        if not found:
            click.echo(f"no game day{f' {name}' if name else ''} in {namespace} of {context}")
        for cronjob in found:
            for line in _told(cluster, namespace, cronjob):
                click.echo(line)


@click.command()
@click.argument("name")
@click.option("--delete-reports", is_flag=True, help="Remove the volume, and all reports in it.")
@click.option(
    "--patience", default=PATIENCE, show_default=True, help="Seconds that a run has to end."
)
@context_option
@namespace_option
def uninstall(
    name: str, *, delete_reports: bool, patience: float, context: str, namespace: str
) -> None:
    """Take the game day of the plan NAME out of the cluster.

    A run that is under way is stopped, and recovers its fault first. The volume stays.
    """
    with Cluster.connect(context) as cluster:
        ensure_served(cluster, context)
        for done in remove(
            cluster, namespace, name, patience=patience, volume=delete_reports, clock=SystemClock()
        ):
            click.echo(done.text)


def carried_name(plan_file: Path) -> str:
    """The plan's path from the working folder, which is its path in the pod."""
    try:
        return plan_file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError as error:
        wanted = f"a file below {Path.cwd()}, which goes with it"
        raise UsageError(str(plan_file), wanted=wanted) from error


def _ensure_fits(plan: Plan, namespace: str, secret: str) -> None:
    """UsageError for what would only fail once it is due."""
    if plan.namespace and plan.namespace != namespace:
        raise UsageError(
            "--namespace",
            wanted=f"{plan.namespace}, as the plan says: its rights reach no other",
            saw=namespace,
        )
    names = sorted(
        {name for each in plan.notify for name in (each.url_env, each.token_env) if name}
    )
    if names and not secret:
        literals = " ".join(f"--from-literal={name}=..." for name in names)
        raise UsageError(
            "notify",
            wanted=f"--secret, the name of a Secret with {', '.join(names)}",
            look=f"kubectl -n {namespace} create secret generic kvchaos-gameday {literals}",
        )


def _schedule(text: str) -> str:
    if len(text.split()) != 5:
        raise UsageError("--schedule", wanted="five fields, such as '0 10 * * 2'", saw=repr(text))
    return text


def _zone(made: Sequence[Object]) -> str:
    return str(made[-1]["spec"]["timeZone"])


def _told(cluster: Cluster, namespace: str, cronjob: Object) -> Iterator[str]:
    metadata, spec, seen = cronjob["metadata"], cronjob["spec"], cronjob.get("status") or {}
    plan = metadata["labels"][PLAN_LABEL]
    state = "suspended" if spec.get("suspend") else "on"
    when = f"{spec['schedule']!r} {spec.get('timeZone', '')}"
    yield f"{plan}: CronJob {metadata['name']}, {when}, {state}"
    yield f"  last begun {seen.get('lastScheduleTime', 'never')}"
    yield f"  {_volume(cluster, namespace, metadata['name'])}"
    labels = selector(plan)
    pods = cluster.list(PODS, namespace=namespace, labels=labels)
    jobs = cluster.list(JOBS, namespace=namespace, labels=labels)
    for job in sorted(jobs, key=lambda body: str(body["metadata"].get("creationTimestamp"))):
        yield f"  {_job(job, pods)}"


def _volume(cluster: Cluster, namespace: str, name: str) -> str:
    try:
        claim = cluster.get(PERSISTENTVOLUMECLAIMS, name, namespace=namespace)
    except NotFound:
        return "its volume is not there"
    asked = claim["spec"]["resources"]["requests"]["storage"]
    return f"volume {name}: {(claim.get('status') or {}).get('phase', 'unknown')}, {asked}"


def _job(job: Object, pods: Sequence[Object]) -> str:
    name, began = job["metadata"]["name"], (job.get("status") or {}).get("startTime", "not yet")
    codes = [
        ended["exitCode"]
        for pod in pods
        if name in map((pod["metadata"].get("labels") or {}).get, JOB_LABELS)
        for each in (pod.get("status") or {}).get("containerStatuses") or ()
        if (ended := (each.get("state") or {}).get("terminated"))
    ]
    if codes:
        outcome = str(BY_CODE.get(codes[-1], f"unknown, exit code {codes[-1]}"))
    else:
        outcome = "over, its pod is gone" if is_over(job) else "under way"
    return f"{name}: began {began}, {outcome}"


__all__ = ["install", "status", "uninstall"]
