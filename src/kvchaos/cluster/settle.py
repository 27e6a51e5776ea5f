"""Creating and deleting when the answer gets lost: look first, then send again.

The one rule guarded here: a create that may have happened is never sent again blindly, and an
object is taken for ours only when it holds everything that we sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Object
from kvchaos.cluster.transport import OutcomeUnknown, Unanswered
from kvchaos.errors import AlreadyExists, NotFound

logger = logging.getLogger(__name__)

ATTEMPTS = 3

Send = Callable[[Call], Object]


def create_once(call: Call, send: Send, *, repeatable: bool = False) -> Object:
    """The object created by ``call``, by this sending or by one whose answer was lost.

    Raises OutcomeUnknown when neither can be told (Unanswered when one sending had no answer at
    all), AlreadyExists when another is there.
    ``repeatable`` and objects without a name of their own are not looked for.
    """
    name = (call.body or {}).get("metadata", {}).get("name", "")
    lost: OutcomeUnknown | None = None
    for _ in range(ATTEMPTS):
        try:
            return send(call)
        except OutcomeUnknown as error:
            lost = lost if isinstance(lost, Unanswered) else error
        except AlreadyExists:
            if lost is None:
                raise
        if not repeatable:
            found = _look(call, name, send, lost)
            if found is not None:
                return found
        logger.warning("%s: the answer was lost and nothing was created; sending again", call)
    raise lost or OutcomeUnknown(str(call))


def _look(call: Call, name: str, send: Send, lost: OutcomeUnknown) -> Object | None:
    """What is there under the name: ours, nothing (None), or an error."""
    if not name:
        raise lost
    asked = replace(call, verb="get", name=name, query={}, body=None)
    try:
        found = send(asked)
    except NotFound:
        return None
    if holds(found, call.body):
        logger.warning("%s: the answer was lost, but %s is there", call, name)
        return found
    raise AlreadyExists(
        str(call), wanted="the object sent, whose answer was lost", saw="a different one"
    ) from lost


def delete_once(call: Call, send: Callable[[Call], bytes]) -> None:
    """Delete; an object found missing after a lost answer counts as deleted by us."""
    lost: OutcomeUnknown | None = None
    for _ in range(ATTEMPTS):
        try:
            send(call)
        except OutcomeUnknown as error:
            lost = error
            logger.warning("%s: the answer was lost; sending again", call)
        except NotFound:
            if lost is None:
                raise
            return
        else:
            return
    if lost is not None:
        raise lost


def holds(whole: Any, part: Any) -> bool:
    """Whether ``whole`` has every value of ``part``, at any depth; lists by position."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and holds(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return (
            isinstance(whole, list)
            and len(whole) == len(part)
            and all(holds(one, other) for one, other in zip(whole, part, strict=True))
        )
    return bool(whole == part)
