"""Durations and templates under whatever values there may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.assets import asset
from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.duration import duration_seconds
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render

PARTITION = asset("templates", "network-partition.yaml.j2")
NANOSECONDS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(sorted(NANOSECONDS))), min_size=1))
def test_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    """In any order and number, exactly to the nanosecond."""
    text = "".join(f"{number}{unit}" for number, unit in parts)
    wanted = sum(number * NANOSECONDS[unit] for number, unit in parts)

    if wanted < 2**63:
        assert duration_seconds(text) == wanted / 10**9
        assert duration_seconds(f"-{text}") == -wanted / 10**9


@given(st.text())
def test_text_is_a_duration_or_an_error(text: str) -> None:
    """Never another exception; and what is read has a digit and, unless 0, a unit."""
    try:
        seconds = duration_seconds(text)
    except TemplateInvalid:
        return
    assert text.lstrip("+-")[:1] in "0123456789."
    assert seconds == 0 or text[-1] in "smh"


@given(run=st.text(), duration=json_values, mode=json_values, source=json_values)
def test_values_come_out_where_they_went_in(
    run: str, duration: Any, mode: Any, source: Any
) -> None:
    """No value changes another part of the object, and none changes on the way."""
    body = render(
        PARTITION,
        {
            "run": run,
            "namespace": "kvchaos",
            "source": source,
            "target": {"app": "b"},
            "mode": mode,
            "direction": "both",
            "duration": duration,
        },
    )

    running = {"namespaces": ["kvchaos"], "podPhaseSelectors": ["Running"]}
    assert body == {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": f"network-partition-{run}",
            "namespace": "kvchaos",
            "labels": {"kvchaos.io/run": run},
        },
        "spec": {
            "action": "partition",
            "direction": "both",
            "duration": duration,
            "mode": mode,
            "selector": {**running, "labelSelectors": source},
            "target": {"mode": "all", "selector": {**running, "labelSelectors": {"app": "b"}}},
        },
    }


@given(json_values, st.sampled_from(["apiVersion", "kind", "metadata", "spec", "status"]))
def test_lint_answers_whatever_the_body(value: Any, key: str) -> None:
    """A part that is nonsense gives findings, never an exception."""
    assert lint({key: value})


@given(json_values, st.sampled_from(["selector", "target", "mode", "value", "duration", "action"]))
def test_lint_answers_whatever_the_spec(value: Any, key: str) -> None:
    """Likewise one level down."""
    body = {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "NetworkChaos", "spec": {key: value}}

    assert lint(body)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("x: {{ v }}", lambda v: {"x": v}),
        ("x: [{{ v }}, {{ v }}]", lambda v: {"x": [v, v]}),
        ("x: {y: {{ v }}}", lambda v: {"x": {"y": v}}),
        ("{{ 'x' }}: {{ v }} # {{ v }}", lambda v: {"x": v}),
    ],
)
def test_a_value_is_itself_in_any_place(
    tmp_path: Path, place: str, wanted: Callable[[Any], Any]
) -> None:
    """Alone, in a list, in a mapping, beside a key."""
    template = tmp_path / "t.yaml.j2"
    template.write_text(place)

    @given(json_values)
    def check(v: Any) -> None:
        assert render(template, {"v": v}) == wanted(v)

    check()
