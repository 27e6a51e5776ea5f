"""How a run that did not just run through is told: refused, stopped, or with something left. Pure.

The one rule guarded here: what somebody has to do now stands last, and can be copied as it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime

from kvchaos.report.layout import BLANK, Line, cleaned, hanging, heading, paragraph, printable
from kvchaos.verdict.events import Json, many, text
from kvchaos.verdict.history_checks import END, NOT_STARTED
from kvchaos.verdict.times import span

NOTHING = "Something of this run is left in the cluster."
DAEMON = "if Chaos Mesh's daemon on its node is up"


def refused(record: Json) -> str:
    """That the run did not start; empty when it did."""
    findings = (record.get("preflight") or {}).get("findings")
    if not findings:
        return _unstarted(record)
    why = f"preflight refused it for {many(len(findings), 'reason')}"
    return f"The run did not start: {why}. Nothing was touched."


def _unstarted(record: Json) -> str:
    """The same of a run that something else kept from starting: no fault is sent before that."""
    if not _did_not_start(record):
        return ""
    why = next(each["why"] for each in record["checks"] if each["name"] == END)
    return f"{why[0].upper()}{why[1:]}"


def _did_not_start(record: Json) -> bool:
    return bool((record.get("run") or {}).get("journal") == NOT_STARTED)


def stopped(record: Json) -> str:
    """Who or what ended the run early, why, and when; empty when nothing did."""
    stop = record.get("stop")
    if not stop:
        return ""
    who = f"{'an' if stop['by'][:1] in tuple('aeiou') else 'a'} {stop['by']}"
    return f"Stopped by {who}, {span(stop['at'])} into the run: {stop['reason'].rstrip('.')}."


def left_over(record: Json) -> str:
    """What is left of the run's faults, in numbers."""
    left, unsure = _listed(record.get("residue")), _listed(record.get("unconfirmed"))
    are = "is" if len(left) == 1 else "are"
    parts = [f"{many(len(left), 'thing')} of this run {are} left in the cluster"] if left else []
    parts += [f"nobody could confirm the end of {many(len(unsure), 'fault')}"] if unsure else []
    said = ", and ".join(parts)
    return f"{said[0].upper()}{said[1:]}." if said else NOTHING


def preflight(told: Json | None, width: int) -> list[Line]:
    """Why the run was refused, all reasons at once, and where to look."""
    findings = (told or {}).get("findings") or []
    if not findings:
        return []
    lines = heading("PREFLIGHT", "refused before anything was touched", width=width)
    for finding in findings:
        lines += hanging((("  no  ", "fail"),), cleaned(text(finding)), width=width)
        if isinstance(finding, Mapping) and finding.get("look"):
            lines += hanging((("      see: ", "dim"),), str(finding["look"]), width=width)
    return lines


def outcome(record: Json, width: int) -> list[Line]:
    """The status, and what it means."""
    status = record["status"]
    head: Line = ((f" {status.upper()} ", f"verdict {status}"), ("  ", ""))
    return [BLANK, *hanging(head, cleaned(record["headline"]), width=width, style="bold")]


def what_now(record: Json, width: int) -> list[Line]:
    """What became of a run that was stopped, or what is to be done about what is left."""
    if record["status"] == "residue":
        return _to_do(record, width)
    return _after_the_stop(record, width) if record["stop"] else []


def _after_the_stop(record: Json, width: int) -> list[Line]:
    """What had happened by then, and what became of each fault."""
    stop = record["stop"]
    lines = _item(f"it was {_clock(stop['wall'])}", "", width) if stop["wall"] else []
    for fault in record["faults"]:
        lines += _item(f"{_name(fault)} {_became(fault, stop['at'])}", _became_style(fault), width)
    if not record["faults"]:
        lines += _item("no fault had been injected", "", width)
    known = record["residue"] is not None or _did_not_start(record)
    clean = "nothing is left in the cluster"
    unseen = "nobody could look whether anything is left in the cluster"
    lines += _item(clean if known else unseen, "pass" if known else "unknown", width)
    if record["verdict"] == "fail":
        wrong = [each["name"] for each in record["checks"] if each["verdict"] == "fail"]
        lines += _item(f"something was seen to be wrong: {', '.join(wrong)}", "fail", width)
    return lines


def _became(fault: Json, stop: float) -> str:
    if fault["error"]:
        return "had not been injected"
    if fault["healed"] is None:
        return "was NOT seen to end"
    after = fault["healed"] - stop
    return f"was over {span(after)} later" if after >= 0 else "was over by then"


def _became_style(fault: Json) -> str:
    return "fail" if fault["healed"] is None and not fault["error"] else "pass"


def _to_do(record: Json, width: int) -> list[Line]:
    """What is left, until when, and the command that ends it."""
    lines: list[Line] = []
    for thing in [*_listed(record["residue"]), *_listed(record["unconfirmed"])]:
        lines += _item(cleaned(text(thing)), "fail", width)
    for fault in record["faults"]:
        if fault["healed"] is None and fault["ends"]:
            lines += _item(f"{_name(fault)} {_by_itself(fault, record['run'])}", "", width)
    return [*lines, *paragraph("End it now:", width=width, style="bold"), *_command(record, width)]


def _by_itself(fault: Json, run: Json) -> str:
    """When the fault's own duration ends it, or should have by the end of the run."""
    at, end = datetime.fromisoformat(fault["ends"]), run["ended"]
    if end and at <= datetime.fromisoformat(end):
        return f"should have ended by itself at {_clock(fault['ends'])}, and was not seen to"
    return f"ends by itself at {_clock(fault['ends'])}, {DAEMON}"


def _command(record: Json, width: int) -> list[Line]:
    """Whole words, to be copied; where it is too long for the line, as shells continue one."""
    words = [printable(word) for word in shlex.split(record["reap"])]
    rows = [[words[0], words[1]], *(words[at : at + 2] for at in range(2, len(words), 2))]
    whole = shlex.join(words)
    if len(whole) + 4 <= width:
        return [(("    ", ""), (whole, "command"))]
    said = [shlex.join(row) for row in rows]
    return [
        (("    ", ""), (f"{row} \\" if row is not said[-1] else row, "command")) for row in said
    ]


def _listed(told: object) -> list[object]:
    """What is told, if anything is; also where it is no list as it should be."""
    return told if isinstance(told, list) else [told] if told else []


def _item(said: str, style: str, width: int) -> list[Line]:
    return hanging((("    - ", "dim"),), said, width=width, style=style)


def _name(fault: Json) -> str:
    return f"{fault['kind']} {fault['namespace']}/{fault['name']}"


def _clock(wall: str) -> str:
    """``2026-08-08 14:03:09 UTC``."""
    return f"{datetime.fromisoformat(wall):%Y-%m-%d %H:%M:%S} UTC"
