"""What a fault template may do: put values in place, and leave parts out or repeat them.

The rule guarded here: a template, whoever wrote it, reaches nothing but its values, and its work
and its text are bounded. So its syntax is a list of what there is, with no call, no arithmetic
and no filter but ``tojson``; what could still grow beyond the template's own size (joining by
``~``, loops) is counted as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import TemplateRuntimeError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST_SOURCE: Final = 32 * 1024  # characters
LARGEST_TEXT: Final = 64 * 1024  # characters, of what is rendered and of what is joined by ~
MOST_TURNS: Final = 1000  # turns of all loops together
DEEPEST: Final = 100  # levels of the template's syntax
_FAULTS = (RecursionError, MemoryError, SyntaxError)  # of Python's compiler below Jinja's

_ALLOWED: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Filter),
    *(nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.CondExpr, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Test),
    *(nodes.Getattr, nodes.Getitem, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Call),
)
_TESTS: Final = frozenset(
    {"defined", "undefined", "none", "string", "number", "mapping", "sequence", "boolean", "in"}
)
_METHODS: Final = frozenset({"items", "keys", "values"})


class Sandbox:
    """Renders one template once; ``mark`` makes what is printed for a value."""

    def __init__(self, mark: Callable[[Any], Any]) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, finalize=mark, autoescape=False
        )
        self._environment.globals.clear()
        self._environment.filters = {
            "tojson": mark,
            "joined": _joined,
            "counted": _Turns().counted,
        }
        self._environment.tests = {
            name: test for name, test in self._environment.tests.items() if name in _TESTS
        }

    def parse(self, source: str) -> nodes.Template:
        """The template's syntax; TemplateSyntaxError for what is not on the list."""
        if len(source) > LARGEST_SOURCE:
            raise TemplateSyntaxError(f"more than {LARGEST_SOURCE} characters", 1)
        try:
            tree = self._environment.parse(source)
        except (RecursionError, ValueError) as error:  # ValueError: a number of too many digits
            raise TemplateSyntaxError(f"cannot be read: {error}", 1) from error
        _check(tree, DEEPEST)
        return tree

    def text(self, tree: nodes.Template, values: Mapping[str, Any]) -> str:
        """What the template makes of ``values``."""
        self._bound(tree)
        try:
            code = self._environment.compile(tree)
            template = Template.from_code(self._environment, code, {})
            return _within(template.generate(values))
        except _FAULTS as error:
            raise TemplateRuntimeError(f"{type(error).__name__}: {error}") from error

    def _bound(self, tree: nodes.Template) -> None:
        """Let what may grow be counted: every ``~`` and loop goes through a filter of ours."""
        for concat in list(tree.find_all(nodes.Concat)):
            concat.nodes = [_through("joined", nodes.List(concat.nodes))]
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _through("counted", loop.iter)
        tree.set_environment(self._environment)


def _check(node: nodes.Node, depth: int) -> None:
    if not depth:
        raise TemplateSyntaxError("nested too deeply", node.lineno)
    if why := _forbidden(node):
        raise TemplateSyntaxError(f"{why} is not for a fault's template", node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth - 1)


def _forbidden(node: nodes.Node) -> str:
    """What of ``node`` itself is not on the list; else empty."""
    if not isinstance(node, _ALLOWED):
        return type(node).__name__.lower()
    if isinstance(node, nodes.Filter) and (node.name != "tojson" or node.args or node.kwargs):
        return f"the filter {node.name}"
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        return f"the test {node.name}"
    if isinstance(node, nodes.Getattr | nodes.Getitem) and _is_hidden(node):
        return "an attribute that begins with _"
    if isinstance(node, nodes.Call) and not _is_view(node):
        return "a call"
    return "a loop that calls itself" if isinstance(node, nodes.For) and node.recursive else ""


def _is_hidden(node: nodes.Getattr | nodes.Getitem) -> bool:
    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", "")
    return isinstance(name, str) and name.startswith("_")


def _is_view(call: nodes.Call) -> bool:
    """Whether it is one of the looks into an object: ``x.items()``."""
    given = (call.args, call.kwargs, call.dyn_args, call.dyn_kwargs)
    return isinstance(call.node, nodes.Getattr) and call.node.attr in _METHODS and not any(given)


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None)


def _joined(parts: Iterable[Any]) -> str:
    """The parts as one text, as ``~`` does."""
    return _within(str(part) for part in parts)


class _Turns:
    """Counts the turns of all loops."""

    def __init__(self) -> None:
        self._left = MOST_TURNS

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._left -= 1
            if self._left < 0:
                raise TemplateRuntimeError(f"more than {MOST_TURNS} turns of its loops")
            yield item


def _within(parts: Iterable[str]) -> str:
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > LARGEST_TEXT:
            raise TemplateRuntimeError(f"more than {LARGEST_TEXT} characters of text")
        kept.append(part)
    return "".join(kept)
