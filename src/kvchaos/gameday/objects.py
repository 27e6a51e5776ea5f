"""The objects of a game day in a cluster: those of ``deploy/gameday``, with the plan in them.

The plan, and what it names beside it, stands in a ConfigMap that is mounted as the folder that it
was read from; what ships with kvchaos is in the image. Rights are those of ``deploy/runner``.

The rule guarded here: what is installed is what ``deploy/`` says, which is what its tests look at.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kvchaos.assets import asset
from kvchaos.cluster.kinds import Object
from kvchaos.errors import UsageError
from kvchaos.gameday.plan import Plan
from kvchaos.plain_yaml import documents

NAME = "kvchaos-gameday"
RUNNER = "kvchaos-runner"
APP_LABEL = "app.kubernetes.io/name"
PLAN_LABEL = "kvchaos.io/gameday"
FILES = ("rbac.yaml", "plan.yaml", "volume.yaml", "cronjob.yaml")
LARGEST = 900 * 1024  # bytes of a ConfigMap's texts; the API takes 1 MiB in all
DAY = 4 * 3600.0
MARGIN = 900.0
"""Seconds beyond what the plan may take, for its last run to recover and to report."""
UNFIT = re.compile(r"[^-._a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how it is installed; ``files`` are texts by their path from the working folder."""

    namespace: str
    image: str
    schedule: str
    plan_file: str
    files: Mapping[str, str]
    storage: str = "1Gi"
    storage_class: str = ""
    secret: str = ""


def name_of(plan: str) -> str:
    """What all objects of a plan are called."""
    return f"{NAME}-{plan}"


def selector(plan: str = "") -> str:
    """The label selector of one plan's objects, or of all plans'."""
    return f"{PLAN_LABEL}={plan}" if plan else PLAN_LABEL


def objects(plan: Plan, place: Place) -> list[Object]:
    """All of them, in the order in which they are made."""
    size = sum(len(text.encode()) for text in place.files.values())
    if size > LARGEST:
        raise UsageError("the plan's files", wanted=f"{LARGEST} bytes in all", saw=f"{size}")
    shipped = [_role(), *(each for name in FILES for each in _read("gameday", name))]
    made = [_named(each, plan.name, place.namespace) for each in shipped]
    change = {"ConfigMap": _configmap, "PersistentVolumeClaim": _volume, "CronJob": _cronjob}
    for each in made:
        if each["kind"] in change:
            change[each["kind"]](each, plan, place)
    first = ("ServiceAccount", "Role")  # what a binding names is there before it
    return sorted(made, key=lambda each: first.index(each["kind"]) if each["kind"] in first else 2)


def deadline(plan: Plan) -> int:
    """Seconds that its Job may take in all."""
    waits = [plan.wait if plan.windows and plan.outside == "wait" else 0.0]
    waits += [plan.hold_wait if plan.hold == "wait" else 0.0]
    pauses = plan.pause * sum(play.repeat for play in plan.plays)
    return int((plan.budget.time or DAY) + sum(waits) + pauses + MARGIN)


def _read(*parts: str) -> list[Object]:
    return [*documents(asset("deploy", *parts).read_text(encoding="utf-8"))]


def _role() -> Object:
    (role,) = (each for each in _read("runner", "rbac.yaml") if each["kind"] == "Role")
    return role


def _named(body: Object, plan: str, namespace: str) -> Object:
    """The object under the plan's name, with the labels that say so wherever labels are."""
    made: Object = _renamed(copy.deepcopy(body), name_of(plan))
    made["metadata"]["namespace"] = namespace
    labels = {APP_LABEL: NAME, PLAN_LABEL: plan}
    made["metadata"]["labels"] = dict(labels)
    for subject in made.get("subjects", ()):
        subject["namespace"] = namespace
    if made["kind"] == "CronJob":
        job = made["spec"]["jobTemplate"]
        job["metadata"]["labels"] = dict(labels)
        job["spec"]["template"]["metadata"]["labels"] = dict(labels)
    return made


def _renamed(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, name) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, name) for each in value]
    return name if value in (NAME, RUNNER) else value


def _configmap(body: Object, _: Plan, place: Place) -> None:
    body["data"] = {_key(n, path): text for n, (path, text) in enumerate(_files(place))}


def _volume(body: Object, _: Plan, place: Place) -> None:
    body["spec"]["resources"]["requests"]["storage"] = place.storage
    if place.storage_class:
        body["spec"]["storageClassName"] = place.storage_class


def _cronjob(body: Object, plan: Plan, place: Place) -> None:
    spec = body["spec"]
    spec["schedule"] = place.schedule
    spec["timeZone"] = plan.windows.zone.key if plan.windows else "Etc/UTC"
    spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] = deadline(plan)
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["image"] = place.image
    container["args"][0] = place.plan_file
    if place.secret:
        container["envFrom"] = [{"secretRef": {"name": place.secret}}]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "plan")
    items = [{"key": _key(n, path), "path": path} for n, (path, _) in enumerate(_files(place))]
    volume["configMap"]["items"] = items


def _files(place: Place) -> list[tuple[str, str]]:
    return sorted(place.files.items())


def _key(number: int, path: str) -> str:
    """A key that a ConfigMap takes, and that tells the file."""
    return f"{number}-{UNFIT.sub('-', path)}"[:200]
