"""What is pushed, with Prometheus' own programs at the other end: its push gateway, promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from kvchaos.clock import SystemClock
from kvchaos.errors import KVChaosError
from kvchaos.lab.apiserver.identity import make_identity
from kvchaos.report.json import as_json
from kvchaos.report.metrics import metrics
from kvchaos.report.push import push
from kvchaos.verdict.verdict import judge
from tests.builders import (
    Json,
    altered,
    run_that_preflight_refused,
    run_that_recovered,
    run_with_a_pod_killed,
)
from tests.docs.console import FENCE
from tests.docs.reader import TOP

Samples = set[tuple[str, frozenset[tuple[str, str]], float]]
NAMES = ("pushgateway", "prometheus-pushgateway")  # the second: Debian's
PROGRAM = next((found for name in NAMES if (found := shutil.which(name))), None)
LISTENS = re.compile(r"address=(127\.0\.0\.1:\d+)")
OF_THE_GATEWAY = frozenset({"job", "instance"})
PASSWORD = "pa%20ss%3Aw%2Fx"  # as an address has it; below by bcrypt
WEB = """
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {ci: '$2b$10$xeDJAfKPDM0Ppr5.YX6G5u29PlAs9x7zUTI1P3N7HIOIWCeNk6LaW'}
"""
ODD = ("..", "a/b", "100% +?#;=", 'say "no"\\', "\u00e9 \U0001f600", "x" * 2000)

needs_gateway = pytest.mark.skipif(PROGRAM is None, reason="no pushgateway on PATH")
pytestmark = pytest.mark.lab


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[str]:
    """A gateway of its own, which keeps nothing on disk; gives ``HOST:PORT``."""
    own = ("--web.listen-address=127.0.0.1:0", "--persistence.file=", *flags)
    with subprocess.Popen(
        [str(PROGRAM), *own], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        found = (LISTENS.search(line) for line in process.stderr)
        listens = next((each[1] for each in found if each), None)
        rest = threading.Thread(target=process.stderr.read)
        rest.start()  # lest it waits for someone to read its log
        try:
            assert listens, f"it ended with {process.poll()}"
            yield listens
        finally:
            process.kill()
            rest.join()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as place:
        yield place


def record(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def of_runs(text: str) -> Samples:
    """The samples of kvchaos, without the labels that a gateway adds; it writes 10 for 10.0."""
    return {
        (sample.name, _own(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("kvchaos_")
    }


def _own(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    own = {name: value for name, value in labels.items() if name not in OF_THE_GATEWAY}
    return frozenset((own | {"le": str(float(own["le"]))} if "le" in own else own).items())


def kept(place: str) -> Samples:
    return of_runs(requests.get(f"http://{place}/metrics", timeout=10).text)


@needs_gateway
def test_a_gateway_gives_back_what_was_pushed(gateway: str) -> None:
    """Every sample of both experiments, also when they are pushed once more."""
    records = [record(run_that_recovered()), record(run_with_a_pod_killed())]

    assert [push(records, f"http://{gateway}/") for _ in range(2)] == [2, 2]

    assert kept(gateway) == of_runs(metrics(records))


@needs_gateway
def test_what_is_no_longer_known_is_not_kept(gateway: str) -> None:
    """A run that was refused has no recovery: that of the run before would be taken for its own."""
    killed = record(run_with_a_pod_killed())
    push([record(run_that_recovered()), killed], f"http://{gateway}")
    refused = record(run_that_preflight_refused())

    push([refused], f"http://{gateway}")

    assert kept(gateway) == of_runs(metrics([refused])) | of_runs(metrics([killed]))


@needs_gateway
def test_a_gateway_takes_any_name(gateway: str) -> None:
    """Of an experiment, a context or a namespace, also an empty one."""
    histories = [
        altered(run_that_recovered(), "run_started", experiment=name, context=name, namespace="")
        for name in ODD
    ]
    records = [record(each) for each in histories]

    assert push(records, f"http://{gateway}") == len(ODD)

    assert kept(gateway) == of_runs(metrics(records))


@needs_gateway
def test_a_gateway_that_refuses_says_why(gateway: str) -> None:
    """It has another's metric of that name and another type."""
    body = "# TYPE kvchaos_runs counter\nkvchaos_runs 3\n"
    requests.post(f"http://{gateway}/metrics/job/other", data=body, timeout=10).raise_for_status()

    with pytest.raises(KVChaosError, match=r"HTTP 400 .*kvchaos_runs.* is not a (COUNTER|GAUGE)"):
        push([record(run_that_recovered())], f"http://{gateway}")


@needs_gateway
def test_an_address_that_is_not_the_gateways_own_is_told(gateway: str) -> None:
    """That of its metrics is what people have at hand."""
    with pytest.raises(KVChaosError, match="at /metrics/job below that, saw HTTP 404 Not Found"):
        push([record(run_that_recovered())], f"http://{gateway}/metrics")


@needs_gateway
def test_a_gateway_behind_tls_and_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown authority is refused before the password is sent; a wrong password is told."""
    identity = make_identity(now=SystemClock().wall())
    files = {"ca.pem": identity.ca_pem, "cert.pem": identity.certificate_pem}
    for name, text in {**files, "key.pem": identity.key_pem, "web.yml": WEB}.items():
        (tmp_path / name).write_text(text)
    records = [record(run_that_recovered())]
    with serving(tmp_path, "--web.config.file=web.yml") as place:
        port = place.rpartition(":")[2]

        with pytest.raises(KVChaosError, match="certificate"):
            push(records, f"https://ci:{PASSWORD}@localhost:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with pytest.raises(KVChaosError, match="HTTP 401 Unauthorized"):
            push(records, f"https://ci:other@localhost:{port}")
        assert push(records, f"https://ci:{PASSWORD}@localhost:{port}") == 1


def promtool(*asked: str, given: str) -> tuple[int, str, str]:
    """What it says of that: exit code, output, errors."""
    program = shutil.which("promtool") or pytest.skip("no promtool on PATH")
    done = subprocess.run(
        [program, *asked], input=given, capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stdout, done.stderr


def test_promtool_finds_nothing_wrong() -> None:
    """Names, units, helps and labels are as Prometheus asks for them."""
    records = [record(run_that_recovered()), record(run_with_a_pod_killed())]

    assert promtool("check", "metrics", given=metrics(records)) == (0, "", "")


def test_the_rules_that_the_guide_shows_are_rules(tmp_path: Path) -> None:
    """Which promtool takes, and which ask for metrics that there are."""
    guide = (TOP / "docs/guides/reports.md").read_text(encoding="utf-8")
    [rules] = [text for kind, text in FENCE.findall(guide) if kind == "yaml"]
    (tmp_path / "rules.yml").write_text(rules, encoding="utf-8")
    names = {name for name, _, _ in of_runs(metrics([record(run_that_recovered())]))}

    assert set(re.findall(r"kvchaos_\w+", rules)) <= names
    code, said, _ = promtool("check", "rules", str(tmp_path / "rules.yml"), given="")
    assert (code, said.strip().rpartition("\n")[2].strip()) == (0, "SUCCESS: 2 rules found")
