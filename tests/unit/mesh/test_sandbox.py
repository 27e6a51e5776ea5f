"""Templates reach nothing but their values, values are nothing but data, and both are bounded."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.render import LARGEST_VALUES, render
from kvchaos.mesh.sandbox import LARGEST_SOURCE, LARGEST_TEXT, MOST_TURNS

MEMORY = 64 * 2**20  # bytes, for what is refused

DOUBLED = "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(60))
DOUBLED = "{% set a0 = x %}" + DOUBLED + "a: {{ a60 }}"
BUFFERED = "{% for a in x %}{% for b in x %}{% set c %}" + "c" * 30_000
BUFFERED += "{% endset %}{% endfor %}{% endfor %}"

HOSTILE_VALUES = [
    "a\nb: c",
    "a\n---\nb: c",
    "&a b",
    "*a",
    "!!python/object/apply:os.system ['id']",
    "{{ 7 * 7 }}",
    "{% for a in b %}",
    "{# a #}",
    "'\"`",
    "{a: b}",
    "- a",
    "? a",
    "<<",
    "%YAML 1.1",
    "| a",
    "> a",
    "#",
    "\u2028a: b\u0085c: d",
    "\ue0000\ue001",
    "{0.__class__}",
    "%(a)s %n",
    "\x00",
    "null",
    "yes",
    "0x10",
    "2026-08-01",
]


def refusal(tmp_path: Path, source: str, **values: Any) -> str:
    template = tmp_path / "fault.yaml.j2"
    template.write_text(source)
    with pytest.raises(TemplateInvalid) as caught:
        render(template, values)
    return str(caught.value)


@pytest.mark.parametrize("value", [text for text in HOSTILE_VALUES if "\ue000" not in text])
def test_a_value_is_data_whatever_it_holds(tmp_path: Path, value: str) -> None:
    """No line, key, anchor, tag, document or expression comes out of one; as a key it is a key."""
    template = tmp_path / "fault.yaml.j2"
    template.write_text("a: {{ x }}\n{{ x }}: [{{ 'b' ~ x }}]\nc: {d: {{ x | tojson }}}")

    assert render(template, {"x": value}) == {"a": value, value: [f"b{value}"], "c": {"d": value}}


def test_a_value_cannot_pass_for_another(tmp_path: Path) -> None:
    """What stands for values inside is refused in one."""
    assert "a value inside the text" in refusal(tmp_path, "a: {{ x }}", x="\ue0000\ue001")


@pytest.mark.parametrize(
    "source",
    [
        "a: {{ x.__class__ }}",
        "a: {{ x['__class__'] }}",
        "a: {{ x['__cla' ~ 'ss__'] }}",
        "a: {{ x._private }}",
        "a: {{ (x | tojson).number }}",
        "a: {{ self }}",
        "a: {{ self._TemplateReference__context }}",
        "a: {{ cycler }}",
        "a: {{ lipsum.__globals__ }}",
        "a: {{ joiner('') }}",
        "a: {{ namespace() }}",
        "a: {{ range(9) }}",
        "a: {{ dict(a=1) }}",
        "a: {{ x.format(x) }}",
        "a: {{ x.format_map({}) }}",
        "a: {{ '%s' % x }}",
        "a: {{ '{0.__class__}'.format(x) }}",
        "a: {{ x | attr('__class__') }}",
        "a: {{ x | map(attribute='__class__') | list }}",
        "a: {{ x | joined }}",
        "a: {{ x | counted }}",
        "a: {{ x.items }}",
        "a: {{ x.encode() }}",
        "a: {{ ().items().__class__ }}",
        "{% for a in x recursive %}{{ loop(a) }}{% endfor %}",
        "{% macro m() %}{% endmacro %}a: {{ m() }}",
        "{% macro m() %}{% endmacro %}a: {{ m.__globals__ }}",
        "{% import 'os' as os %}a: {{ x }}",
        "{% from 'os' import system %}a: {{ x }}",
        "{% include '/etc/passwd' %}",
        "{% extends '/etc/passwd' %}",
        "{% block b %}{% endblock %}a: {{ x }}",
        "{% with a = x %}b: {{ a }}{% endwith %}",
        "{% call m() %}{% endcall %}",
        "{% filter upper %}a: {{ x }}{% endfilter %}",
        "{% autoescape true %}a: {{ x }}{% endautoescape %}",
        "{% raw %}a: {{ x }}{% endraw %}",
        "{% do x.clear() %}",
        "{% debug %}",
        "a: &a {{ x }}\nb: *a",
        "a: !!python/object/apply:os.system [{{ x }}]",
        "a: !!python/name:os.system\nb: {{ x }}",
        "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system {{ x }}",
        "a: {{ x }}\n<<: *a",
        "a: .nan\nb: {{ x }}",
        "? {a: b}\n: {{ x }}",
    ],
)
def test_a_template_reaches_nothing_but_its_values(tmp_path: Path, source: str) -> None:
    """Not Python, not files, not the template's own machinery; YAML has no references or tags."""
    for value in ("b", {"a": 1}, ["b"], None):
        refusal(tmp_path, source, **{name: value for name in ("x",) if name in source})


@pytest.mark.parametrize("name", ["__class__", "format", "items", "_x"])
def test_a_name_from_a_value_reaches_no_attribute(tmp_path: Path, name: str) -> None:
    """As one in the template does not."""
    for value in ("b", {"a": 1}, ["b"]):
        refusal(tmp_path, "a: {{ x[y] }}", x=value, y=name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a: {{ 'a' * 1000000000 }}", "mul is not for"),
        ("a: {{ 9 ** 9 ** 9 }}", "pow is not for"),
        ("a: {{ x + x }}", "add is not for"),
        ("a: {{ " + "'b' ~ " * 9000 + "x }}", "more than 32768 bytes"),
        ("# " + "a" * LARGEST_SOURCE + "\na: {{ x }}", "more than 32768 bytes"),
        (DOUBLED, f"more than {LARGEST_TEXT} characters"),
        ("{% for a in x %}" * 4 + "{% endfor %}" * 4 + "a: b", f"more than {MOST_TURNS} turns"),
        ("{% for a in x %}" * 25 + "{% endfor %}" * 25, "too many statically nested blocks"),
        ("{% for a in x %}" + "b" * 4000 + "{% endfor %}", f"more than {LARGEST_TEXT} characters"),
        (BUFFERED, "turns"),
        ("a: {{ " + "(" * 3000 + "x" + ")" * 3000 + " }}", ""),
        ("a: {{ " + "[" * 300 + "x" + "]" * 300 + " }}", ""),
        ("a: {{ " + "not " * 3000 + "x }}", ""),
        ("a: " + "[" * 400 + "{{ x }}", ""),
        ("a: {{ " + "9" * 5000 + " }}\nb: {{ x }}", "digits"),
        ("a: " + "9" * 5000 + "\nb: {{ x }}", "digits"),
    ],
    ids=[str(number) for number in range(16)],
)  # fmt: skip
def test_a_hostile_template_is_refused_within_bounds(
    tmp_path: Path, source: str, said: str
) -> None:
    """Whatever it would grow to."""
    tracemalloc.start()
    try:
        message = refusal(tmp_path, source, x=["b"] * 50)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert said in message
    assert peak < MEMORY


def test_values_are_bounded(tmp_path: Path) -> None:
    """Each counts as often as it is printed."""
    source = "a: [{% for y in x %}{{ x }},{% endfor %}]"

    assert f"more than {LARGEST_VALUES} characters" in refusal(
        tmp_path, source, x=["b" * 2000] * 100
    )


def test_what_nests_without_end_is_refused(tmp_path: Path) -> None:
    """A value from a configuration may be any JSON."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert "recursion" in refusal(tmp_path, "a: {{ x }}", x=deep)


def test_what_a_template_may_do(tmp_path: Path) -> None:
    """Leave out, repeat, join, look into an object."""
    template = tmp_path / "fault.yaml.j2"
    template.write_text(
        "{% set y = x.a ~ '-' ~ x['b'] %}a: {{ y }}\n"
        "b: [{% for key, value in z.items() %}{{ key ~ value }}{% if not loop.last %},{% endif %}"
        "{% endfor %}]\n"
        "{% if w is none or w is not defined %}c: {{ 'none' if not w else w }}{% endif %}"
    )

    assert render(template, {"x": {"a": 1, "b": 2}, "z": {"k": "v", "l": 3}, "w": None}) == {
        "a": "1-2",
        "b": ["kv", "l3"],
        "c": "none",
    }
