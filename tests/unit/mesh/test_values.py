"""Labels in the values of a template."""

from __future__ import annotations

import pytest

from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.values import labels_of, template_values


def test_labels_may_be_written_as_kubectl_takes_them() -> None:
    """One setting serves the selector of a probe and the labels of a fault."""
    assert template_values({"labels": "a=b, c/d=e", "mode": "a=b"}) == {
        "labels": {"a": "b", "c/d": "e"},
        "mode": "a=b",
    }


def test_labels_that_are_an_object_stay_as_they_are() -> None:
    """Text is a convenience only."""
    assert template_values({"source": {"a": "b"}}) == {"source": {"a": "b"}}


@pytest.mark.parametrize("text", ["", "a", "a!=b", "a==b", "=b", "a in (b)"])
def test_a_selector_that_is_more_than_labels_is_refused(text: str) -> None:
    """A fault must not hit other pods than were meant."""
    with pytest.raises(TemplateInvalid):
        labels_of(text)
