"""Which adapter asks the router: a shipped one by its name, or one of the user's own.

The rule: naming an adapter imports it and no other, and all that can be said against it without
a cluster is said then.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.index.routers.checked import Checked, told
from kvchaos.index.routers.protocol import Adapter, RouterIndex, RouterPlace

ADAPTERS: dict[str, str] = {
    "dynamo": "kvchaos.index.routers.dynamo:DynamoIndexer",
    "reference": "kvchaos.index.routers.reference:reference",
}
"""The shipped ones, each as ``module:name``: what makes a ``RouterIndex`` of a ``RouterPlace``."""
ABILITIES = ("snapshot", "match")
WANTED = f"one of {', '.join(sorted(ADAPTERS))}, or package.module:Name of your own"
GUIDE = "docs/guides/writing-a-router-adapter.md"


def adapter(name: str) -> Adapter:
    """The adapter of that name: a shipped one, or ``package.module:Name``, imported now.

    Raises ``UsageError`` when it cannot be one; so does what comes back, when it makes none.
    What is made answers, or raises ``RouterUnreachable``.
    """
    what = f"router_adapter {name!r}"
    if not is_named(name):
        raise UsageError(what, wanted=WANTED, saw=repr(name), look=GUIDE)
    module, _, attribute = ADAPTERS.get(name, name).partition(":")
    found = _attribute(what, _imported(what, module), attribute)
    _refuse_shape(what, found)

    def make(place: RouterPlace) -> RouterIndex:
        return Checked(_made(what, found, place), name=name)

    return make


def is_named(name: str) -> bool:
    """Whether that names an adapter, be it there or not: nothing is imported."""
    module, _, attribute = ADAPTERS.get(name, name).partition(":")
    return attribute.isidentifier() and all(map(str.isidentifier, module.split(".")))


def _imported(what: str, module: str) -> Any:
    """The user's own module runs here, by design: whatever it raises is told as its error."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        absent = error.name or module
        if absent == module or module.startswith(f"{absent}."):
            raise UsageError(
                what,
                wanted="a module that is installed, or in a folder of PYTHONPATH",
                saw=f"no module {absent!r}",
                look=GUIDE,
            ) from error
        raise UsageError(what, saw=f"{module} imports {absent}, which is not there") from error
    except (Exception, SystemExit) as error:
        raise UsageError(what, saw=f"{module} raised {told(error)}") from error


def _attribute(what: str, module: Any, attribute: str) -> Any:
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise UsageError(
            what,
            wanted=f"{attribute!r} in {module.__name__}",
            saw=", ".join(_offered(module)) or "nothing",
            look=str(getattr(module, "__file__", None) or ""),
        ) from error


def _offered(module: Any) -> list[str]:
    """What of a module could have been meant."""
    own = [name for name, each in vars(module).items() if _is_own(each, module)]
    return sorted(name for name in own if not name.startswith("_"))


def _is_own(found: Any, module: Any) -> bool:
    return callable(found) and getattr(found, "__module__", "") == module.__name__


def _refuse_shape(what: str, found: Any) -> None:
    """What can be told without making one."""
    wanted = "a class or function that takes a RouterPlace"
    if not callable(found):
        raise UsageError(what, wanted=wanted, saw=f"{type(found).__name__}", look=GUIDE)
    try:
        inspect.signature(found).bind(None)
    except (TypeError, ValueError) as error:  # ValueError: a builtin of which nobody knows
        raise UsageError(what, wanted=wanted, saw=str(error), look=GUIDE) from error
    if isinstance(found, type):
        _refuse_lack(what, found)


def _refuse_lack(what: str, found: Any) -> None:
    lacks = [each for each in ABILITIES if not callable(getattr(found, each, None))]
    if lacks:
        saw = f"{getattr(found, '__name__', type(found).__name__)} has no {' and no '.join(lacks)}"
        raise UsageError(what, wanted="snapshot() and match(tokens)", saw=saw, look=GUIDE)


def _made(what: str, found: Any, place: RouterPlace) -> RouterIndex:
    try:
        made = found(place)
    except KVChaosError:
        raise
    except Exception as error:
        raise UsageError(what, saw=f"it raised {told(error)} when it was made") from error
    _refuse_lack(what, made)
    return made  # type: ignore[no-any-return]  # it has what the protocol asks for
