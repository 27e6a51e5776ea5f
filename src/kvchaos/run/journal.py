"""Chaos Toolkit's journal made fit to be kept: without secrets, and no larger than it need be.

The rule guarded here: what leaves the run in ``journal.json`` holds no value of a secret, wherever
it was echoed, and no output of a probe beyond ``LARGEST`` bytes of JSON. A cut says so: ``[cut]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kvchaos.redact import MARK, Redactor, says_secret

Json = dict[str, Any]

LARGEST = 64 * 1024
"""Bytes of JSON that one output, or the traceback of one failure, may have."""
CUT = "[cut]"
_DECLARED = frozenset({"type", "key", "path", "env_var_type"})
"""What a declaration of a secret says of where it comes from; the rest of the block is secret."""
_ENTRY = 4  # bytes that an entry costs beside its value: quotes, comma, colon


def redact_journal(journal: Json, redactor: Redactor) -> None:
    """Take the secrets out of ``journal``, in place, and cut its outputs; the experiment that it
    shares with the run is copied, not changed.
    """
    for activity in _activities(journal):
        for key in ("output", "exception"):
            if key in activity:
                activity[key] = cut_to(redactor.json(activity[key]))
    kept = {str(key): redactor.json(value) for key, value in journal.items()}
    if isinstance(kept.get("experiment"), dict):
        kept["experiment"] = _without_values(kept["experiment"])
    journal.clear()
    journal.update(kept)


def redacted_experiment(experiment: Json, redactor: Redactor) -> Json:
    """A copy of the experiment that may be kept: its secrets are declared, not told."""
    kept: Json = redactor.json(_without_values(experiment))
    return kept


def cut_to(value: Any, largest: int = LARGEST) -> Any:
    """``value``, plain JSON, or as much of it as fits into ``largest`` bytes, marked as cut."""
    if _size(value) <= largest:
        return value
    return _cut(value, _Budget(largest))


class _Budget:
    """The bytes that may still be kept."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        self.left -= size
        return self.left > 0


def _cut(value: Any, budget: _Budget) -> Any:
    if isinstance(value, str):
        return _cut_text(value, budget)
    if isinstance(value, list):
        kept: list[Any] = []
        for item in value:
            if not budget.take(_ENTRY):
                return [*kept, f"{CUT} {len(kept)} of {len(value)} entries"]
            kept.append(_cut(item, budget))
        return kept
    if isinstance(value, dict):
        return _cut_object(value, budget)
    budget.take(_size(value))
    return value


def _cut_object(value: Json, budget: _Budget) -> Json:
    kept: Json = {}
    for key, item in value.items():
        if not budget.take(_size(key) + _ENTRY):
            kept[CUT] = f"{len(kept)} of {len(value)} entries"
            return kept
        kept[key] = _cut(item, budget)
    return kept


def _cut_text(text: str, budget: _Budget) -> str:
    """The text, or its beginning; a character costs at most six bytes of JSON."""
    size = _size(text)
    if size <= budget.left:
        budget.left -= size
        return text
    kept = text[: max(0, budget.left) // max(1, -(-size // len(text)))]
    budget.left = 0
    return f"{kept}... {CUT} {len(kept)} of {len(text)} characters"


def _size(value: Any) -> int:
    """Bytes of its JSON, with what is no JSON as text."""
    try:
        return len(msgspec.json.encode(value, enc_hook=str))
    except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError, OverflowError):
        return len(repr(value))


def _activities(journal: Json) -> Iterator[Json]:
    """The record of every activity in the journal, wherever it stands."""
    states = journal.get("steady_states")
    looks = list(states.values()) if isinstance(states, Mapping) else []
    for look in looks:
        for one in look if isinstance(look, list) else [look]:
            yield from _records(one.get("probes") if isinstance(one, Mapping) else None)
    yield from _records(journal.get("run"))
    yield from _records(journal.get("rollbacks"))


def _records(found: Any) -> Iterator[Json]:
    yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _without_values(experiment: Json) -> Json:
    """The experiment with its secrets declared, not told."""
    secrets, configuration = experiment.get("secrets"), experiment.get("configuration")
    kept = dict(experiment)
    if isinstance(secrets, dict):
        kept["secrets"] = {name: _declared(each) for name, each in secrets.items()}
    if isinstance(configuration, dict):
        kept["configuration"] = {
            name: _declared(each) if says_secret(name) else each
            for name, each in configuration.items()
        }
    return kept


def _declared(value: Any) -> Any:
    """A declaration such as ``{"type": "env", "key": K}`` as it stands, anything else redacted."""
    if not isinstance(value, dict):
        return MARK
    is_declaration = isinstance(value.get("type"), str)
    return {
        key: each if is_declaration and key in _DECLARED else _declared(each)
        for key, each in value.items()
    }
