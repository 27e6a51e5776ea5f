"""Did the run itself go as the experiment says? Pure: history in, result out.

A probe that could not tell is no probe that said no: the first is unknown, the second a fail.
"""

from __future__ import annotations

import re
from dataclasses import replace

from kvchaos.verdict.events import Events, many
from kvchaos.verdict.records import Activity, Hypothesis, RunEnded, every, newest
from kvchaos.verdict.result import Result, failed, passed, unknown

WRAPPED = "chaoslib.exceptions.ActivityFailed: "
ERROR_NAME = re.compile(r"(\w+\.)*\w*[a-z][A-Z]\w*(:|$)")
"""``kvchaos.errors.RouterUnreachable: ...``, ``KeyError: ...``: a text that begins so is raised."""


def steady_state_before(events: Events) -> Result:
    """The hypothesis held before the fault: the run began in a known good state."""
    return _steady_state("before", events)


def steady_state_after(events: Events) -> Result:
    """The hypothesis held again after the method; what it was during it is told, and no more."""
    result = _steady_state("after", events)
    asked = [each for each in every(events, Hypothesis) if each.when == "during"]
    unmet = sum(each.met is not True for each in asked)
    note = f" (during the method it was not met {unmet} of {many(len(asked), 'time')})"
    return replace(result, why=result.why + note) if unmet else result


def actions_succeeded(events: Events) -> Result:
    """Every action of method and rollbacks succeeded, and the method's probes could measure."""
    name = "actions succeeded"
    ran = [each for each in every(events, Activity) if each.phase in ("method", "rollbacks")]
    actions = [each for each in ran if each.type == "action"]
    bad = [each for each in ran if each.outcome != "succeeded"]
    bad_actions = [each for each in bad if each.type == "action"]
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
    end = newest(events, RunEnded)
    if end is None:
        return unknown(name, "the history stops before the end of the run")
    if end.journal == "failed":
        return unknown(name, "a probe of the hypothesis broke, so Chaos Toolkit gave up")
    if end.journal != "completed":
        return unknown(name, f"the run was {end.journal} before its end")
    return passed(name, "the experiment was played to its end")


def _steady_state(when: str, events: Events) -> Result:
    name = f"steady state {when}"
    seen = [each for each in every(events, Hypothesis) if each.when == when]
    if not seen or any(each.met is None for each in seen):
        return unknown(name, f"the hypothesis was not checked {when} the method")
    missed = dict.fromkeys(probe for each in seen for probe in (*each.failed, *each.unknown))
    if all(each.met for each in seen):
        why = "said to be met, but not by every probe"
        fine = passed(name, "every probe was within its tolerance")
        return unknown(name, why, *missed) if missed else fine
    blind = _blind_probes(when, events)
    outside = [probe for probe in missed if probe not in blind]
    if missed and not outside:
        why = f"could not be told: {', '.join(missed)}"
        return unknown(name, why, *(blind[probe] for probe in missed if blind[probe]))
    return failed(name, f"outside tolerance: {', '.join(outside) or 'unnamed'}")


def _blind_probes(when: str, events: Events) -> dict[str, str]:
    """Probes that could not tell, with their error: they raised, or answered "unknown"."""
    blind = {
        each.name: f"{each.name}: {each.error}"
        for each in every(events, Activity)
        if (each.type, each.phase, each.outcome) == ("probe", when, "failed")
        and not _says_no(each.error or "")
    }
    told = [each for each in every(events, Hypothesis) if each.when == when]
    return {probe: "" for each in told for probe in each.unknown} | blind


def _says_no(error: str) -> bool:
    """Whether a probe that raised gave an answer by it.

    Chaos Toolkit puts ActivityFailed around whatever a probe raised. Those of chaosk8s raise it
    themselves to say that something is not healthy: no other error's name is then within.
    """
    inner = error.removeprefix(WRAPPED).removeprefix(WRAPPED)
    return error.startswith(WRAPPED) and not ERROR_NAME.match(inner)


def _activity(activity: Activity) -> str:
    return f"{activity.name} ({activity.phase}): {activity.error}"
