"""What a run leaves in its folder beside history, ledger and record, for those who look later.

The rule: it is for people and reports. What cannot be written is told and passed over: it stops
no fault from being ended, and changes no verdict.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from kvchaos.cluster.kinds import Object
from kvchaos.keeping import write_json, write_text
from kvchaos.report.json import as_json
from kvchaos.run.journal import redacted_experiment
from kvchaos.run.podlogs import pod_logs
from kvchaos.run.session import Run
from kvchaos.verdict.verdict import judge

logger = logging.getLogger(__name__)

Json = dict[str, Any]

EXPERIMENT = "experiment.json"
JOURNAL = "journal.json"
RECORD = "record.json"
LONGEST = 200  # characters of a file's name
_ODD = re.compile(r"[^A-Za-z0-9._-]|^\.+")


def keep_experiment(run: Run, experiment: Json) -> None:
    """``experiment.json``: what is played, without its secrets."""
    try:
        write_json(run.folder / EXPERIMENT, redacted_experiment(experiment, run.redactor))
    except OSError as error:
        _missed(EXPERIMENT, error)


def keep_object(run: Run, body: Object) -> None:
    """``objects/NAME.yaml``: a fault as it is sent."""
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    text = yaml.safe_dump(run.redactor.json(body), sort_keys=False, allow_unicode=True)
    _keep(run.folder / "objects" / f"{_file_name(name)}.yaml", text)


def keep_logs(run: Run) -> None:
    """``logs/POD.log``: the last lines of every pod that the run is about."""
    try:
        logs = pod_logs(run)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw here is no end of the run
        _missed("logs", error)
        return
    for pod, text in logs.items():
        _keep(run.folder / "logs" / f"{_file_name(pod)}.log", text)


def keep_journal(folder: Path, journal: Json, *, default: Callable[[Any], Any]) -> None:
    """``journal.json``: that of Chaos Toolkit, which is fit to be kept already."""
    try:
        write_json(folder / JOURNAL, journal, default=default)
    except OSError as error:
        _missed(JOURNAL, error)


def keep_refusal(run: Run) -> None:
    """Record and report of a run that does not begin: of what its history says up to here."""
    events = run.history.events()
    record = as_json(events, judge(events)) | {"folder": str(run.folder)}
    try:
        write_json(run.folder / RECORD, record)
    except OSError as error:
        _missed(RECORD, error)
    keep_report(run.folder)


def keep_report(folder: Path) -> Path | None:
    """``report.html``, from all the rest; None when there could be none."""
    try:
        from kvchaos.report.write import write_report  # noqa: PLC0415 - at the end, when nobody waits

        return write_report(folder)
    except Exception as error:  # noqa: BLE001 - a report that broke is no verdict on the router
        _missed("report.html", error)
        return None


def _keep(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_text(path, text, sync=False)
    except OSError as error:
        _missed(path.name, error)


def _missed(what: str, error: Exception) -> None:
    logger.warning("No %s in the run's folder: %s: %s", what, type(error).__name__, error)


def _file_name(name: object) -> str:
    """A name that leads nowhere else, whatever a template rendered."""
    return _ODD.sub("_", str(name or "unnamed"))[:LONGEST]
