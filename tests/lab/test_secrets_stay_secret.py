"""A run that meets its secrets everywhere leaves them nowhere."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from kvchaos.redact import MARK
from tests.chaosrun import Outcome, chaos_run, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

INLINE, ENV, KEY = "inline/pa ss+word", "env-s3cr3t-value", "k3y-of-the-configuration"
SECRETS = (INLINE, ENV, KEY)
SHOW = (
    "import base64, sys; a = sys.argv[1]; print(a, base64.b64encode(b'me:' + a.encode()).decode())"
)
EXPERIMENT: dict[str, Any] = {
    "title": "secrets",
    "description": "no fault, only secrets",
    "configuration": {"api_key": KEY, "kubernetes_context": "kvchaos-lab"},
    "secrets": {
        "inline": {"password": INLINE},
        "env": {"token": {"type": "env", "key": "KVCHAOS_TEST_SECRET"}},
    },
    "runtime": {"rollbacks": {"strategy": "always"}},
    "controls": [
        {"name": "kvchaos", "provider": {"type": "python", "module": "kvchaos.control"}},
    ],
    "steady-state-hypothesis": {
        "title": "a probe whose tolerance has a secret",
        "probes": [
            {
                "type": "probe",
                "name": "shown",
                "tolerance": 0,
                "provider": {
                    "type": "process",
                    "path": sys.executable,
                    "arguments": ["-c", SHOW, "${password}"],
                },
            }
        ],
    },
    "method": [
        {
            "type": "probe",
            "name": f"echo of {key}",
            "provider": {
                "type": "process",
                "path": sys.executable,
                "arguments": ["-c", SHOW, f"${{{key}}}"],
            },
        }
        for key in ("password", "token", "api_key")
    ]
    + [
        {
            "type": "probe",
            "name": "fails with the secret in its message",
            "provider": {
                "type": "python",
                "module": "importlib",
                "func": "import_module",
                "arguments": {"name": "${token}"},
            },
        },
        {
            "type": "action",
            "name": "an action of ours that fails with it",
            "provider": {
                "type": "python",
                "module": "kvchaos.actions",
                "func": "warm_engines",
                "arguments": {"prefixes": "${token}"},
            },
        },
    ],
    "rollbacks": [],
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A lab of this module's own, and a secret in the environment."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KVCHAOS_TEST_SECRET": ENV,
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@pytest.fixture(scope="module")
def token(environment: dict[str, str]) -> str:
    """What the client shows the lab's API."""
    kubeconfig = yaml.safe_load(Path(environment["KVCHAOS_LAB_DIR"], "kubeconfig").read_text())
    return str(kubeconfig["users"][0]["user"]["token"])


@pytest.fixture(scope="module")
def played(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Path]:
    """The run, by ``chaos run``, and its folder."""
    folder = tmp_path_factory.mktemp("played")
    path = tmp_path_factory.mktemp("experiment") / "secrets.json"
    path.write_text(json.dumps(EXPERIMENT))
    return chaos_run(path, folder, environment), folder


def forms(secret: str) -> list[str]:
    """How a secret may have been written."""
    inside = base64.b64encode(b"me:" + secret.encode()).decode()
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], inside, inside[6:-4]]


def test_no_file_and_no_stream_has_a_secret(played: tuple[Outcome, Path], token: str) -> None:
    """Not the run's folder, the journal, the log; not what was printed."""
    outcome, folder = played
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {str(path): path.read_text(errors="replace") for path in files}
    texts["printed"] = outcome.said
    found = [
        (place, secret)
        for place, text in texts.items()
        for secret in (*SECRETS, token)
        for form in forms(secret)
        if form in text
    ]

    assert found == []
    names = {path.name for path in files}
    assert {"history.jsonl", "journal.json", "chaostoolkit.log", "record.json"} <= names


def test_the_secrets_were_there_to_be_seen(played: tuple[Outcome, Path]) -> None:
    """Else the test above proves nothing: every echo and error has the mark in its place."""
    outcome, folder = played
    echoes = [each.get("output") for each in outcome.journal["run"][:3]]

    assert [echo["stdout"].count(MARK) for echo in echoes] == [2, 2, 2]
    assert MARK in json.dumps(outcome.journal["run"][3]["exception"])
    assert MARK in (folder / "chaostoolkit.log").read_text()
    assert outcome.journal["experiment"]["secrets"] == {
        "inline": {"password": MARK},
        "env": EXPERIMENT["secrets"]["env"],
    }
    assert outcome.journal["experiment"]["configuration"]["api_key"] == MARK


def test_the_files_of_a_run_are_its_owner_s(played: tuple[Outcome, Path]) -> None:
    """Folders 0700, what is in them 0600."""
    _, folder = played
    (run,) = (folder / "kvchaos-runs").iterdir()

    parts = [run, *run.rglob("*")]
    modes = {str(path.relative_to(run)): S_IMODE(path.stat().st_mode) for path in parts}

    assert {"logs", "experiment.json", "report.html"} <= modes.keys()
    assert modes == {
        str(path.relative_to(run)): 0o700 if path.is_dir() else 0o600 for path in parts
    }
