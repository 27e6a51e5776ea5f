"""YAML of people: values that are as large as their text, and all of it."""

from __future__ import annotations

import pytest

from kvchaos.plain_yaml import document, documents, lines
from kvchaos.untrusted import Unreadable


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' is there already, in line 1"),
        ("x:\n  a: 1\n  'a': 1\n", "line 3: the key 'a' is there already, in line 2"),
        ("- {a: 1, a: 2}", "line 1: the key 'a' is there already, in line 1"),
        ("a: 1\n---\nb: 1\nb: 1\n", "line 4: the key 'b' is there already, in line 3"),
    ],
)
def test_a_key_that_is_said_twice_is_unreadable(text: str, why: str) -> None:
    """Both lines are told; also when both say the same, for the next change is made in one."""
    with pytest.raises(Unreadable) as caught:
        documents(text)

    assert str(caught.value) == why


def test_equal_keys_of_different_mappings_are_fine() -> None:
    """And those that only look alike: ``1`` and ``"1"``."""
    assert document("a: {a: 1}\nb: {a: 2}\n1: x\n'1': y\n") == {
        "a": {"a": 1},
        "b": {"a": 2},
        1: "x",
        "1": "y",
    }


def test_what_others_wrote_for_others_is_taken_as_those_take_it() -> None:
    """A kubeconfig with a key twice works for kubectl, so it works here: the last one counts."""
    assert document("a: 1\na: 2\n", references=True) == {"a": 2}


def test_each_key_and_list_item_has_its_line() -> None:
    """By the keys and numbers that lead to it."""
    assert lines("a:\n  b: 1\n  c: [x,\n    y]\n") == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 3,
        ("a", "c", 1): 4,
    }
    assert lines("") == {}
    with pytest.raises(Unreadable):
        lines("{")
