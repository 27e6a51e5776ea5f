"""Did the run itself go as the experiment says? Pure: history in, result out.

A probe that could not tell is no probe that said no: the first is unknown, the second a fail.
"""

from __future__ import annotations

import re

from kvchaos.verdict.events import Event, Events, last, many, of
from kvchaos.verdict.result import Result, failed, passed, unknown

WRAPPED = "chaoslib.exceptions.ActivityFailed: "
ERROR_NAME = re.compile(r"(\w+\.)*\w*[a-z][A-Z]\w*(:|$)")
"""``kvchaos.errors.RouterUnreachable: ...``, ``KeyError: ...``: a text that begins so is raised."""


def steady_state_before(events: Events) -> Result:
    """The hypothesis held before the fault: the run began in a known good state."""
    return _steady_state("before", events)


def steady_state_after(events: Events) -> Result:
    """The hypothesis held again after the method."""
    return _steady_state("after", events)


def actions_succeeded(events: Events) -> Result:
    """Every action of method and rollbacks succeeded, and the method's probes could measure."""
    name = "actions succeeded"
    ran = [event for event in of(events, "activity") if event["phase"] in ("method", "rollbacks")]
    actions = [event for event in ran if event["type"] == "action"]
    bad = [event for event in ran if event["outcome"] != "succeeded"]
    bad_actions = [event for event in bad if event["type"] == "action"]
    if bad_actions:
        why = f"{many(len(bad_actions), 'action')} of {len(actions)} failed"
        return failed(name, why, *map(_activity, bad_actions))
    if not actions:
        return unknown(name, "no action was recorded")
    if bad:
        why = f"{many(len(bad), 'probe')} of the method gave no answer"
        return unknown(name, why, *map(_activity, bad))
    return passed(name, f"{many(len(actions), 'action')} ran and succeeded")


def run_reached_its_end(events: Events) -> Result:
    """Chaos Toolkit played the experiment to its end."""
    name = "run reached its end"
    end = last(events, "run_ended")
    if end is None:
        return unknown(name, "the history stops before the end of the run")
    if end["journal"] == "failed":
        return unknown(name, "a probe of the hypothesis broke, so Chaos Toolkit gave up")
    if end["journal"] != "completed":
        return unknown(name, f"the run was {end['journal']} before its end")
    return passed(name, "the experiment was played to its end")


def _steady_state(when: str, events: Events) -> Result:
    name = f"steady state {when}"
    seen = of(events, "hypothesis", when=when)
    if not seen or any(event["met"] is None for event in seen):
        return unknown(name, f"the hypothesis was not checked {when} the method")
    if all(event["met"] for event in seen):
        return passed(name, "every probe was within its tolerance")
    blind = _blind_probes(when, events)
    missed = dict.fromkeys(probe for event in seen for probe in event["failed"])
    outside = [probe for probe in missed if probe not in blind]
    if missed and not outside:
        why = f"could not be told: {', '.join(missed)}"
        return unknown(name, why, *(blind[probe] for probe in missed if blind[probe]))
    return failed(name, f"outside tolerance: {', '.join(outside) or 'unnamed'}")


def _blind_probes(when: str, events: Events) -> dict[str, str]:
    """Probes that could not tell, with their error: they raised, or answered "unknown"."""
    raised = of(events, "activity", type="probe", phase=when, outcome="failed")
    blind = {
        event["name"]: f"{event['name']}: {event['error']}"
        for event in raised
        if not _says_no(event["error"] or "")
    }
    told = of(events, "hypothesis", when=when)
    return {probe: "" for event in told for probe in event.get("unknown", ())} | blind


def _says_no(error: str) -> bool:
    """Whether a probe that raised gave an answer by it.

    Chaos Toolkit puts ActivityFailed around whatever a probe raised. Those of chaosk8s raise it
    themselves to say that something is not healthy: no other error's name is then within.
    """
    inner = error.removeprefix(WRAPPED).removeprefix(WRAPPED)
    return error.startswith(WRAPPED) and not ERROR_NAME.match(inner)


def _activity(event: Event) -> str:
    return f"{event['name']} ({event['phase']}): {event['error']}"
