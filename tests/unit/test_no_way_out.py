"""No shell, no eval, no pickle: over the syntax of every module that ships."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kvchaos

SOURCES = sorted(Path(kvchaos.__file__).parent.rglob("*.py"))
MODULES = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "code", "commands", "pty"})
ONLY = {("hashing.py", "pickle")}  # vLLM's default hash is one of a pickle, which is only written
CALLS = frozenset({"eval", "exec", "compile", "__import__"})
NAMES = {
    "os": {"system", "popen", "execl", "execle", "execlp", "spawnl", "spawnv", "spawnlp"},
    "yaml": {"unsafe_load", "full_load", "unsafe_load_all", "full_load_all", "Loader"},
    "pickle": {"load", "loads", "Unpickler"},
    "subprocess": {"getoutput", "getstatusoutput"},
    "tempfile": {"mktemp"},
    "jinja2": {"Environment"},
    "ssl": {"_create_unverified_context"},
}
LOADERS = {"load", "load_all"}
SAFE_LOADERS = {"_Loader", "_LOADER", "SafeLoader"}


def offences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each thing that must not be there."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, each.name) for each in names if each.name in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                if module in MODULES:
                    yield node.lineno, module
                forbidden = NAMES.get(module, set())
                yield from ((node.lineno, each.name) for each in names if each.name in forbidden)
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                if name in NAMES.get(module, set()):
                    yield node.lineno, f"{module}.{name}"
            case ast.Call():
                yield from ((node.lineno, name) for name in bad_call(node))


def bad_call(call: ast.Call) -> Iterator[str]:
    """What is wrong with a call: its name, a shell, a loader that makes objects."""
    if isinstance(call.func, ast.Name) and call.func.id in CALLS:
        yield call.func.id
    for given in call.keywords:
        is_false = isinstance(given.value, ast.Constant) and given.value.value is False
        if given.arg == "shell" and not is_false:
            yield "shell"
        if given.arg == "verify" and is_false:
            yield "verify=False"
    if (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr) in {("yaml", name) for name in LOADERS}
    ):
        named = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
        named |= {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        if not named & SAFE_LOADERS:
            yield f"yaml.{call.func.attr}"


def test_no_module_has_a_way_out() -> None:
    """Not one of them, at no place."""
    found = [
        f"{path.name}:{line}: {what}"
        for path in SOURCES
        for line, what in offences(ast.parse(path.read_text(encoding="utf-8")))
        if (path.name, what) not in ONLY
    ]

    assert len(SOURCES) > 200
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec('1')",
        "__import__('os')",
        "import pickle",
        "pickle.loads(b'')",
        "from pickle import loads",
        "import os\nos.system('id')",
        "from os import popen",
        "import subprocess\nsubprocess.run('id', shell=True)",
        "run('id', shell=flag)",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import yaml\nyaml.unsafe_load(text)",
        "from jinja2 import Environment",
        "requests.get(url, verify=False)",
    ],
)
def test_what_is_looked_for_is_found(source: str) -> None:
    """Else the test above proves nothing."""
    assert list(offences(ast.parse(source)))
