"""Did the run itself go as the experiment says? Pure: history in, result out.

A probe that could not tell is no probe that said no: the first is unknown, the second a fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kvchaos.verdict.events import Events, many, name_of, since_last, until_first
from kvchaos.verdict.records import Activity, Hypothesis, every, read
from kvchaos.verdict.result import Result, failed, passed, unknown

WRAPPED = "chaoslib.exceptions.ActivityFailed: "
ERROR_NAME = re.compile(r"(\w+\.)*\w*[a-z][A-Z]\w*(:|$)")
"""``kvchaos.errors.RouterUnreachable: ...``, ``KeyError: ...``: a text that begins so is raised."""

PHASES = {"before": ("before",), "during": ("during", "method"), "after": ("after",)}
"""In which phase the probes of a hypothesis are; those of a continuous one are in the method."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """One asking of the hypothesis, the probes it asked, and those that could not tell, and why."""

    said: Hypothesis
    asked: int
    blind: dict[str, str]

    def missed(self) -> list[str]:
        """The probes that were not within their tolerance."""
        return list(dict.fromkeys((*self.said.failed, *self.said.unknown)))

    def outside(self) -> list[str]:
        """The probes that answered no; ``unnamed`` when nobody recorded which."""
        if self.said.met is not False:
            return []
        missed = self.missed()
        return [each for each in missed if each not in self.blind] if missed else ["unnamed"]


def steady_state_before(events: Events) -> Result:
    """The hypothesis held before the fault: the run began in a known good state."""
    return _steady_state("before", events, timely=until_first(events, "fault_injected"))


def steady_state_during(events: Events) -> Result:
    """Each time the hypothesis was asked during the method it held; often it is not asked then."""
    if not _askings(events, "during"):
        return passed("steady state during", "not asked to hold during the method")
    return _steady_state("during", events, timely=events)


def steady_state_after(events: Events) -> Result:
    """The hypothesis held again after the method, when the fault was over."""
    over = since_last(events, "fault_injected", "fault_recovered")
    return _steady_state("after", events, timely=over)


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


def _steady_state(when: str, events: Events, *, timely: Events) -> Result:
    """What was said no to is a fail whenever it was asked; a pass needs a ``timely`` asking."""
    name, askings = f"steady state {when}", _askings(events, when)
    unmet = [each for each in askings if each.outside()]
    if unmet:
        often = f" {len(unmet)} of {len(askings)} times" if len(askings) > 1 else ""
        outside = _once(probe for each in unmet for probe in each.outside())
        return failed(name, f"outside tolerance{often}: {', '.join(outside)}")
    if any(each.said.met is False for each in askings):
        reasons = _once(why for each in askings for why in each.blind.values() if why)
        return unknown(name, f"could not be told: {', '.join(_missed(askings))}", *reasons)
    doubt, *missed = _doubt(when, askings, _askings(timely, when)), *_missed(askings)
    if doubt:
        return unknown(name, doubt, *missed)
    return passed(name, "every probe was within its tolerance")


def _doubt(when: str, askings: list[_Asking], timely: list[_Asking]) -> str:
    """Why askings that nobody said no to do not prove that it held."""
    if not askings or any(each.said.met is None for each in askings):
        return f"the hypothesis was not checked {when} the method"
    if _missed(askings):
        return "said to be met, but not by every probe"
    if not all(each.asked for each in askings):
        return "said to be met, but no probe was asked"
    return "" if timely else f"the hypothesis was not checked {when} the fault"


def _missed(askings: list[_Asking]) -> list[str]:
    return _once(probe for each in askings for probe in each.missed())


def _askings(events: Events, when: str) -> list[_Asking]:
    """The askings of that time, each with the probes that ran since the one before."""
    askings: list[_Asking] = []
    probes: list[Activity] = []
    for event in events:
        if name_of(event) == "activity":
            probes += [each for each in [read(event, Activity)] if each.type == "probe"]
        if name_of(event) == "hypothesis":
            said = read(event, Hypothesis)
            asked = [each for each in probes if each.phase in PHASES[said.when]]
            askings.append(_Asking(said, asked=len(asked), blind=_blind(said, asked)))
            probes = []
    return [each for each in askings if each.said.when == when]


def _blind(said: Hypothesis, asked: list[Activity]) -> dict[str, str]:
    """Probes that could not tell, with their error if they have one."""
    blind = dict.fromkeys(said.unknown, "")
    for each in asked:
        if each.outcome == "failed" and not _says_no(each.error or ""):
            blind[each.name] = f"{each.name}: {each.error}"
    return blind


def _says_no(error: str) -> bool:
    """Whether a probe that raised gave an answer by it.

    Chaos Toolkit puts ActivityFailed around whatever a probe raised. Those of chaosk8s raise it
    themselves to say that something is not healthy: no other error's name is then within.
    """
    inner = error.removeprefix(WRAPPED).removeprefix(WRAPPED)
    return error.startswith(WRAPPED) and not ERROR_NAME.match(inner)


def _activity(activity: Activity) -> str:
    return f"{activity.name} ({activity.phase}): {activity.error}"


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
