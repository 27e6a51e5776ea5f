"""The frame of every page: head, style, contents, foot; and how a template is rendered."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

HERE = Path(__file__).parent
STATUSES = ("pass", "fail", "unknown", "aborted", "residue")


def page(
    title: str,
    body: Markup,
    *,
    status: str = "",
    contents: Sequence[tuple[str, str]] = (),
    foot: str = "",
) -> str:
    """A whole HTML document around ``body``, with style and script inside.

    ``status`` (one of ``STATUSES``, or nothing) gives the page its accent; ``contents`` are
    (anchor, name) of its sections; ``foot`` stands in small print at the end.
    """
    return str(
        render(
            "page.html.j2",
            title=title,
            body=body,
            status=status if status in STATUSES else "",
            contents=contents,
            foot=foot,
            allowed=_digest(),
        )
    )


def render(template: str, **values: Any) -> Markup:
    """The template of this package, with every value escaped that is no ``Markup``."""
    made = _environment().get_template(template).render(**values)
    return Markup(made)  # noqa: S704 - autoescape made it safe  # nosec B704


def part(name: str, *arguments: Any, **named: Any) -> Markup:
    """What the macro ``name`` of parts.html.j2 makes of the arguments."""
    macro = getattr(_environment().get_template("parts.html.j2").module, name)
    made: Markup = macro(*arguments, **named)
    return made


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _digest() -> str:
    """The script as a content security policy names it."""
    script = _environment().get_template("script.js").render()
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
