"""The files of a new folder as text, by their paths in it. Nothing is written here.

What is shipped goes in as it is, but that the experiments name the folder's own templates and the
rights are those of the folder's own namespaces; the rest comes from ``files/*.j2``, whose marks
are ``[[ ]]`` because a workflow is full of the usual ones.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from kvchaos.assets import asset
from kvchaos.starter.answers import VARIABLES, Answers

HERE = Path(__file__).parent / "files"
TEXTS = {
    "README.md": "README.md.j2",
    ".gitignore": "gitignore.j2",
    "cluster.env": "cluster.env.j2",
    "gameday.yaml": "gameday.yaml.j2",
}
WORKFLOW = ".github/workflows/kvchaos.yml"
RIGHTS = ("runner", "daemons")


def starter(answers: Answers, *, version: str, below: str = "") -> dict[str, str]:
    """Every file by its path; ``below`` is the folder's path in its repository, empty: the top."""
    texts = TEXTS | ({WORKFLOW: "kvchaos.yml.j2"} if answers.workflow else {})
    said = {
        "answers": answers,
        "values": {
            key: shlex.quote(str(getattr(answers, name))) for name, key in VARIABLES.items()
        },
        "version": version,
        "below": below,
    }
    return {
        **{path: _text(template, said) for path, template in texts.items()},
        **dict(_experiments()),
        **{f"templates/{each.name}": _read(each) for each in _shipped("templates", "*.j2")},
        **dict(_rights(answers)),
    }


def _experiments() -> Iterator[tuple[str, str]]:
    """The shipped ones, each with the folder's own templates in place of shipped ones."""
    known = {each.name.removesuffix(".yaml.j2") for each in _shipped("templates", "*.j2")}
    for path in _shipped("experiments", "*.json"):
        experiment = json.loads(_read(path))
        for activity in experiment["method"]:
            given = activity["provider"].get("arguments", {})
            if given.get("template") in known:
                given["template"] = f"templates/{given['template']}.yaml.j2"
        yield f"experiments/{path.name}", json.dumps(experiment, indent=2) + "\n"


def _rights(answers: Answers) -> Iterator[tuple[str, str]]:
    """What an administrator applies, for the namespaces that were answered."""
    renamed = {"kvchaos": answers.namespace, "chaos-mesh": answers.mesh_namespace}
    for part in RIGHTS:
        for path in _shipped(f"deploy/{part}", "*.yaml"):
            lines = [_in(line, renamed) for line in _read(path).splitlines(keepends=True)]
            yield f"deploy/{part}/{path.name}", "".join(lines)


def _in(line: str, renamed: dict[str, str]) -> str:
    """A line of a manifest, in another namespace if it names one.

    In quotes, for ``2024``, ``1e3`` and ``on`` are names, too, and no text to a YAML reader.
    """
    key, colon, value = line.partition(": ")
    plain = value.strip()
    if key.strip() != "namespace" or renamed.get(plain, plain) == plain:
        return line
    return f"{key}{colon}{json.dumps(renamed[plain])}\n"


def _shipped(folder: str, pattern: str) -> list[Path]:
    return sorted(asset(*folder.split("/")).glob(pattern))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _text(template: str, said: dict[str, object]) -> str:
    environment = SandboxedEnvironment(  # Markdown, YAML and shell, not HTML
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(said)
