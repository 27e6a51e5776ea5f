"""Rendering: values are data, and a template gets exactly the values it asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.render import render, template_variables


def made(folder: Path, source: str, **values: Any) -> dict[str, Any]:
    template = folder / "fault.yaml.j2"
    template.write_text(source, encoding="utf-8")
    return render(template, values)


def refusal(folder: Path, source: str, **values: Any) -> str:
    with pytest.raises(TemplateInvalid) as caught:
        made(folder, source, **values)
    return str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["10s", "no", "null", "1e3", "a: b\nc: d", "--- x", "\u2028\x85\u00b5\U0001f600", "<<", ""],
)
def test_a_string_stays_that_string(tmp_path: Path, value: str) -> None:
    """Nothing in a string is YAML: no line, no key, no document, no boolean, no number."""
    assert made(tmp_path, "a: {{ x | tojson }}", x=value) == {"a": value}


def test_values_may_be_any_json(tmp_path: Path) -> None:
    """Selectors come as objects; numbers, lists, booleans and null keep their types."""
    value = {"<<": {"a": 1}, "list": [1e20, 1.5, -3, None, True], "on": "off"}

    assert made(tmp_path, "a: {{ x | tojson }}\nb: 1", x=value) == {"a": value, "b": 1}


def test_a_value_is_json_with_or_without_the_filter(tmp_path: Path) -> None:
    """Forgetting tojson opens no door."""
    assert made(tmp_path, "a: {{ x }}", x="b\nc: d") == {"a": "b\nc: d"}


def test_values_are_joined_inside_the_expression(tmp_path: Path) -> None:
    """A name made of text and a value is one value."""
    assert made(tmp_path, 'a: {{ ("cut-" ~ x) | tojson }}', x="r1") == {"a": "cut-r1"}


def test_templates_may_choose_and_repeat(tmp_path: Path) -> None:
    """Conditions and loops shape the object; values only fill it."""
    source = "a:{% for each in x %}\n- {{ each }}{% endfor %}\n{% if y %}{{ z }}: 1{% endif %}"

    assert made(tmp_path, source, x=["\n", "b: 1"], y=True, z="k") == {"a": ["\n", "b: 1"], "k": 1}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a: ['pre-{{ x }}']", "', inject: 1, '"),
        ('a: ["pre-{{ x }}"]', ", inject, "),
        ("a: pre-{{ x }}", "\nb: 1"),
        ("a: |\n  {{ x }} text", "\nb: 1"),
        ("a: {{ (x | tojson) ~ x }}", "\nb: 1"),
        ("a: {{ x }}{{ x }}", "\nb: 1"),
        ("a: {% set y %}{{ x }}{% endset %}{{ y }}", "b"),
    ],
)
def test_a_value_inside_text_is_an_error(tmp_path: Path, source: str, value: str) -> None:
    """Between quotes a value could close them: it stands alone or not at all."""
    said = refusal(tmp_path, source, x=value)

    assert said.startswith("fault.yaml.j2: cannot be rendered: saw a value inside the text")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a: {{ (x | tojson)[1:-1] }}", "slice is not for"),
        ("a: {{ x | safe }}", "the filter safe is not for"),
        ("a: {{ x.__class__ }}", "begins with _"),
        ("a: {{ x.nothing }}", "has no attribute 'nothing'"),
        ("{% filter tojson %}a: {{ x }}{% endfilter %}", "filterblock is not for"),
        ("{% include 'other' %}a: {{ x }}", "include is not for"),
        ("a: {{ x", "unexpected end of template"),
        ("a: {{ x }}\nb: [", "flow node"),
        ("a: 2026-08-01\nb: {{ x }}", "not JSON serializable"),
        ("a: {{ x }}\n---\nb: 1", "one YAML mapping, saw dict, dict"),
        ("- {{ x }}", "one YAML mapping, saw list"),
        ("{% if x %}{% endif %}", "one YAML mapping, saw nothing"),
        ("a: !!python/name:os.system {{ x }}", "could not determine a constructor"),
    ],
)
def test_what_is_not_one_plain_object_is_refused(tmp_path: Path, source: str, said: str) -> None:
    """The error names the template and what is wrong with it."""
    message = refusal(tmp_path, source, x="b")

    assert message.startswith("fault.yaml.j2: ")
    assert said in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_values_that_are_not_json_are_refused(tmp_path: Path, value: Any) -> None:
    """NaN and Python objects have no JSON."""
    assert "JSON" in refusal(tmp_path, "a: {{ x }}", x=value)


@pytest.mark.parametrize("value", [3, ["k"], None])
def test_keys_are_text(tmp_path: Path, value: Any) -> None:
    """A value that becomes a key must be a string."""
    assert "a key must be text" in refusal(tmp_path, "{{ x }}: 1", x=value)


def test_missing_and_misspelt_variables_are_named_together(tmp_path: Path) -> None:
    """Neither a forgotten nor an unknown value passes in silence."""
    said = refusal(tmp_path, "a: {{ duration }}\nb: {{ run }}", run="r1", durration="10s")

    assert said == (
        "fault.yaml.j2: missing ['duration'], unknown ['durration']: wanted exactly duration, run"
    )


def test_jinjas_globals_are_no_values(tmp_path: Path) -> None:
    """A forgotten ``namespace`` is missing; it does not render Jinja's own object."""
    assert "missing ['namespace']" in refusal(tmp_path, "a: {{ namespace | tojson }}")


def test_the_variables_of_a_template_can_be_asked_for(tmp_path: Path) -> None:
    """Loop variables and set ones are the template's own."""
    template = tmp_path / "t.yaml.j2"
    template.write_text("{% set y = x %}a: [{% for z in w %}{{ z ~ y }},{% endfor %}]")

    assert template_variables(template) == {"w", "x"}


def test_an_unknown_template_names_those_that_there_are(tmp_path: Path) -> None:
    """The user sees the spelling wanted."""
    (tmp_path / "pod-kill.yaml.j2").write_text("a: 1")

    with pytest.raises(TemplateInvalid, match=r"no template podkill.*pod-kill\.yaml\.j2"):
        render(tmp_path / "podkill.yaml.j2", {})
    with pytest.raises(TemplateInvalid, match="wanted a file in"):
        render(tmp_path / "nowhere" / "x.j2", {})


def test_a_template_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A folder, or bytes that are no text."""
    (tmp_path / "bytes.yaml.j2").write_bytes(b"\xff\xfe")

    with pytest.raises(TemplateInvalid, match="cannot be read"):
        render(tmp_path / "bytes.yaml.j2", {})
    with pytest.raises(TemplateInvalid, match="cannot be read"):
        render(tmp_path, {})
