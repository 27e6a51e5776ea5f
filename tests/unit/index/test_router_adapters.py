"""An adapter by its name: what can be one, and what an adapter of somebody else's may answer."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import RouterUnreachable, UsageError
from kvchaos.index.names import BlockKey
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.adapters import ADAPTERS, adapter, is_named
from kvchaos.index.routers.protocol import RouterIndex, RouterPlace

PLACE = RouterPlace(lambda: "127.0.0.1:1", dict, "a model", 16)
GPU = BlockKey("GPU", None)
INDEX = Observed(engines={("a", 0): EngineView({GPU: frozenset({0, 2**64 - 1})})})
OURS = """
from kvchaos.index.observed import Observed

class Ours:
    def __init__(self, place):
        self.place = place

    def snapshot(self):
        return Observed(engines={}, router={"model": self.place.model})

    def match(self, tokens):
        return {"a": len(tokens)}

def ours(place):
    return Ours(place)
"""

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Makes the text the module ``theirs``, in a folder that Python looks in."""
    monkeypatch.syspath_prepend(tmp_path)
    yield (tmp_path / "theirs.py").write_text  # type: ignore[misc]  # nobody needs its number
    sys.modules.pop("theirs", None)


class Answering:
    """An adapter's work that answers what it is told to, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def snapshot(self) -> Any:
        return self._answer()

    def match(self, _: Any) -> Any:
        return self._answer()

    def _answer(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def made(answer: Any, monkeypatch: pytest.MonkeyPatch) -> RouterIndex:
    monkeypatch.setattr(json, "ours", lambda _: Answering(answer), raising=False)
    return adapter("json:ours")(PLACE)


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_a_shipped_adapter_goes_by_its_name(name: str) -> None:
    """It is imported when it is named, and asks nothing when it is made."""
    router = adapter(name)(PLACE)

    assert callable(router.snapshot)
    assert callable(router.match)


@pytest.mark.parametrize("name", ["theirs:Ours", "theirs:ours"])
def test_ones_own_adapter_is_a_class_or_a_function_of_a_module(write: Write, name: str) -> None:
    """It is told where the router is, and its answers are the router's."""
    write(OURS)

    router = adapter(name)(PLACE)

    assert router.snapshot() == Observed(engines={}, router={"model": "a model"})
    assert router.match([1, 2]) == {"a": 2}


@pytest.mark.parametrize("name", ["", "dynamite", "theirs", ":Ours", "theirs:", "a b:C", "a:b:c"])
def test_a_name_that_is_none_is_told_with_those_that_are(name: str) -> None:
    """A module without a name in it, too."""
    shipped = ", ".join(sorted(ADAPTERS))
    with pytest.raises(UsageError) as caught:
        adapter(name)

    assert not is_named(name)
    assert caught.value.wanted == f"one of {shipped}, or package.module:Name of your own"
    assert caught.value.saw == repr(name)


BAD = {
    "nothing there": ("", "nowhere:Ours", "saw no module 'nowhere'"),
    "no package": ("", "theirs.sub:Ours", "saw no module 'theirs.sub'"),
    "imports what is not there": (
        "import nowhere.at_all",
        "theirs:Ours",
        "saw theirs imports nowhere, which is not there",
    ),
    "raises": (
        "def begin():\n    raise ValueError('no key')\n\nbegin()",
        "theirs:Ours",
        r"saw theirs raised ValueError: no key \(theirs.py, line 2\)",
    ),
    "is no Python": ("class", "theirs:Ours", r"saw theirs raised SyntaxError: .*line 1\)"),
    "leaves": (
        "import sys\n\nsys.exit(0)",
        "theirs:Ours",
        r"saw theirs raised SystemExit: 0 \(theirs.py, line 3\)",
    ),
    "another name": (
        OURS,
        "theirs:Our",
        "wanted 'Our' in theirs, saw Ours, ours; see: .*theirs.py",
    ),
    "no class": ("Ours = 5", "theirs:Ours", "wanted a class or function .*, saw int"),
    "takes nothing": ("def ours(): ...", "theirs:ours", "RouterPlace, saw too many positional"),
    "takes more": ("def ours(a, b): ...", "theirs:ours", "saw missing a required argument: 'b'"),
    "lacks one": (
        "class Ours:\n    def __init__(self, place): ...\n    def snapshot(self): ...",
        "theirs:Ours",
        r"wanted snapshot\(\) and match\(tokens\), saw Ours has no match;",
    ),
}


@pytest.mark.parametrize(("text", "name", "said"), BAD.values(), ids=BAD)
def test_what_is_no_adapter_is_told_when_it_is_named(
    write: Write, text: str, name: str, said: str
) -> None:
    """Before a cluster is asked, whatever the module did: it is a mistake of the user's."""
    write(text)

    with pytest.raises(UsageError, match=said) as caught:
        adapter(name)
    assert caught.value.what == f"router_adapter {name!r}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def ours(place): ...", "saw NoneType has no snapshot and no match"),
        ("def ours(place):\n    return {}['a']", r"raised KeyError: 'a' \(theirs.py, line 2\)"),
    ],
    ids=["makes none", "raises"],
)
def test_what_makes_no_router_is_told_when_it_makes_it(write: Write, text: str, said: str) -> None:
    """That is at the start of a run, before its preflight."""
    write(text)

    with pytest.raises(UsageError, match=said):
        adapter("theirs:ours")(PLACE)


def test_a_router_that_is_asked_too_early_is_unreachable_all_the_same(write: Write) -> None:
    """An adapter that asks while it is made is no mistake of the user's."""
    write("from kvchaos.errors import RouterUnreachable\n\ndef ours(place):\n    place.address()")

    def nobody() -> str:
        raise RouterUnreachable("no router pod")

    with pytest.raises(RouterUnreachable, match="no router pod"):
        adapter("theirs:ours")(RouterPlace(nobody, dict, "a model", 16))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("no key"), r"of the router adapter 'json:ours': saw no key$"),
        (SystemExit(0), r"of the router adapter 'json:ours': saw SystemExit: 0 \("),
    ],
    ids=["another error of kvchaos", "leaves"],
)
def test_whatever_an_adapter_raises_is_a_router_that_did_not_answer(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks goes on asking then; and no thread ends without a word."""
    router = made(error, monkeypatch)

    with pytest.raises(RouterUnreachable, match=said):
        router.snapshot()
    with pytest.raises(RouterUnreachable, match=said):
        router.match([1])


def test_an_adapter_that_raises_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of it must neither end a thread nor reach a tolerance; where it is, is said."""
    router = made(KeyError("pods"), monkeypatch)

    with pytest.raises(RouterUnreachable) as caught:
        router.snapshot()
    with pytest.raises(RouterUnreachable, match=r"match\(\) of .*: saw KeyError: 'pods' \("):
        router.match([1])
    text = str(caught.value)
    assert text.startswith("snapshot() of the router adapter 'json:ours': saw KeyError: 'pods' (")
    assert "test_router_adapters.py, line " in text


def test_what_an_adapter_says_itself_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows better what the router did."""
    router = made(RouterUnreachable("GET /prefixes", saw="503"), monkeypatch)

    with pytest.raises(RouterUnreachable, match=r"^GET /prefixes: saw 503$"):
        router.snapshot()


def test_an_index_in_the_documented_form_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same object: a million blocks are not copied. One without blocks has no hash amiss."""
    empty = Observed(engines={("a", 0): EngineView({GPU: frozenset()}), ("b", 1): EngineView({})})

    assert made(INDEX, monkeypatch).snapshot() is INDEX
    assert made(empty, monkeypatch).snapshot() is empty


@pytest.mark.parametrize("place", [BlockKey("DRAM", None), None])
def test_a_place_in_the_documented_form_is_passed_on(
    place: BlockKey | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or that the router tells nothing of it."""
    seen = made(replace(INDEX, place=lambda _: place), monkeypatch).snapshot()

    assert seen.engines == INDEX.engines
    assert seen.place is not None
    assert seen.place(GPU) == place


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (lambda key: {}[key], r"place\(\) of the router adapter 'json:ours': saw KeyError: Block"),
        (lambda _: "GPU", r"place\(\) of .*: wanted a BlockKey or None, saw 'GPU'$"),
        (lambda _: False, r"place\(\) of .*: wanted a BlockKey or None, saw False$"),
    ],
    ids=["raises", "a medium alone", "no"],
)
def test_a_place_in_another_form_is_no_answer(
    place: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked while two indexes are compared, where nobody expects an error of another kind."""
    seen = made(replace(INDEX, place=place), monkeypatch).snapshot()

    assert seen.place is not None
    with pytest.raises(RouterUnreachable, match=said):
        seen.place(GPU)


def of_blocks(blocks: Any) -> Observed:
    return Observed(engines={("a", 0): EngineView(blocks)})


def of_view(**fields: Any) -> Observed:
    return Observed(engines={("a", 0): EngineView({}, **fields)})


def about(router: Any) -> Observed:
    return Observed(engines={}, router=router)


AMISS: dict[str, tuple[Any, str]] = {
    "none": (None, "'NoneType'"),
    "a dictionary": ({}, "'dict'"),
    "engines in a list": (Observed(engines=[]), "engines: list"),  # type: ignore[arg-type]
    "engine by its name": (Observed(engines={"a": EngineView({})}), "engine 'a', wanted"),  # type: ignore[dict-item]
    "rank as a text": (Observed(engines={("a", "0"): EngineView({})}), r"engine \('a', '0'\)"),  # type: ignore[dict-item]
    "no view": (Observed(engines={("a", 0): {}}), "a: dict, wanted an EngineView"),  # type: ignore[dict-item]
    "blocks in a list": (of_blocks([1]), "a: blocks: list"),
    "medium alone": (of_blocks({"GPU": frozenset({1})}), "a: 'GPU': frozenset, wanted BlockKey"),
    "a list of hashes": (of_blocks({GPU: [1]}), "a: BlockKey.*: list, wanted BlockKey: frozenset"),
    "hexadecimal": (of_blocks({GPU: frozenset({"ff"})}), "a: hash 'ff', wanted an unsigned"),
    "below 0": (of_blocks({GPU: frozenset({-1})}), "a: hash -1, wanted an unsigned 64-bit"),
    "too large": (of_blocks({GPU: frozenset({2**64})}), "a: hash 18446744073709551616, wanted"),
    "seq as a text": (of_view(seq="41"), "a: seq '41', wanted a number or None"),
    "gaps below 0": (of_view(gaps=-1), "a: gaps -1, wanted a number or None"),
    "replays by yes and no": (of_view(replays=True), "a: replays True, wanted a number or None"),
    "router in a list": (about([]), "router: list"),
    "start as a text": (about({"started": "now"}), "router: started 'now', wanted Unix seconds"),
    "start at no time": (about({"started": math.nan}), "router: started nan, wanted Unix seconds"),
    "start by yes and no": (about({"started": True}), "router: started True, wanted Unix"),
    "place as a table": (Observed({}, place={GPU: GPU}), "place: dict, wanted a function or None"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("answer", "said"), AMISS.values(), ids=AMISS)
def test_an_index_in_another_form_is_none(
    answer: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes of another kind would all be missing, and the router would be blamed for it."""
    with pytest.raises(RouterUnreachable, match=rf"wanted an Observed, saw {said}"):
        made(answer, monkeypatch).snapshot()


@pytest.mark.parametrize("answer", [None, [], {1: 2}, {"a": "32"}, {"a": -1}, {"a": True}])
def test_a_match_in_another_form_is_none(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens by the name of a pod, and nothing else."""
    with pytest.raises(RouterUnreachable, match="wanted tokens by pod name, saw "):
        made(answer, monkeypatch).match([1])
