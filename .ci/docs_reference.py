"""A hook of mkdocs: what pages show of the repository itself, so that it is written once.

A page asks by a comment: ``<!-- commands -->`` what ``--help`` prints, ``<!-- faults -->`` the
templates, ``<!-- layers -->`` the layers, ``<!-- plan -->`` the fields of a game day's plan. In
``nav``, ``decisions/`` are all decisions.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kvchaos.cli import main

TOP = Path(__file__).resolve().parent.parent
HEAD = re.compile(r"\{#-(.*?)-#\}", re.DOTALL)
ASKED = re.compile(r"^<!-- (\w+) -->$", re.MULTILINE)
DECISIONS = "decisions/"
WIDE: dict[str, Any] = {"terminal_width": 90, "max_content_width": 90}
"""The width of the commands' help, in characters."""


def on_config(config: Any) -> Any:
    """The configuration with the decisions in its navigation, in order."""
    pages = sorted((TOP / "docs" / DECISIONS).glob("*.md"))
    listed = [f"{DECISIONS}{page.name}" for page in pages]
    for section in config["nav"]:
        for title, entries in section.items():
            if isinstance(entries, list):
                section[title] = [
                    {key: listed if page == DECISIONS else page for key, page in entry.items()}
                    for entry in entries
                ]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with what it asks for."""
    return ASKED.sub(lambda asked: SHOWN[asked[1]](), markdown)


def faults() -> str:
    """A section for each template: its own first comment, and the whole of it."""
    return "\n\n".join(_fault(path) for path in sorted((TOP / "templates").glob("*.yaml.j2")))


def _fault(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    head = HEAD.match(text)
    if head is None:
        message = f"{path} does not begin with a comment that says what it does"
        raise ValueError(message)
    said, _, variables = head[1].strip().partition("\n")
    name = path.name.removesuffix(".yaml.j2")
    told = textwrap.dedent(variables).strip()
    return (
        f"## {name}\n\n{said.strip()}\n\n```text\n{told}\n```\n\n"
        f"```jinja\n{text[head.end() :].strip()}\n```"
    )


def layers() -> str:
    """The layers that the import linter holds, top first."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    found = next(each["layers"] for each in contracts if each["type"] == "layers")
    return "\n".join(["```text", *found, "```"])


def commands() -> str:
    """What ``--help`` prints of every command, under a heading each."""
    return "\n\n".join(
        _help(main, click.Context(main, info_name="kvchaos", **WIDE, **main.context_settings))
    )


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    level = "##" if context.parent is None or context.parent.parent is None else "###"
    said = click.unstyle(command.get_help(context))
    yield f"{level} {context.command_path}\n\n```text\n{said}\n```"
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        below = command.get_command(context, name)
        if below is not None:
            yield from _help(below, click.Context(below, context, info_name=name, **WIDE))


def plan() -> str:
    """A table of every field of a game day's plan, from the schema that checks it."""
    path = TOP / "src" / "kvchaos" / "gameday" / "plan.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    known = schema["$defs"]
    rows = [f"| `{name}` | {shape} | {said} |" for name, shape, said in _fields(schema, known)]
    return "\n".join(["| field | | |", "|---|---|---|", *rows])


def _fields(schema: Any, known: Any, above: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, shape and description of each field of an object's schema, and of those below it."""
    for name, said in schema.get("properties", {}).items():
        each = _resolved(said, known)
        needed = ", needed" if name in schema.get("required", ()) else ""
        told = str(each.get("description", "")).replace("|", "\\|")
        yield f"{above}{name}", f"{_shape(each, known)}{needed}", told
        yield from _fields(each, known, f"{above}{name}.")
        for item in _choices(each.get("items", {}), known):
            yield from _fields(item, known, f"{above}{name}[].")


def _resolved(schema: Any, known: Any) -> Any:
    """A schema with what it refers to; its own words before those of the other."""
    if "$ref" not in schema:
        return schema
    own = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_resolved(known[schema["$ref"].rpartition("/")[2]], known), **own}


def _choices(schema: Any, known: Any) -> list[Any]:
    """The schemas of which one has to fit."""
    several = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return [_resolved(each, known) for each in several]


def _shape(schema: Any, known: Any) -> str:
    """What a value is, and what stands for it when nothing is said."""
    default = f", `{schema['default']}`" if "default" in schema else ""
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"]) + default
    kinds = [each.get("type", "any") for each in _choices(schema, known)]
    flat = [kind for each in kinds for kind in (each if isinstance(each, list) else [each])]
    return " or ".join(dict.fromkeys(map(str, flat))) + default


SHOWN = {"commands": commands, "faults": faults, "layers": layers, "plan": plan}
