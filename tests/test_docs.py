"""What the documents say is true: files exist, commands parse, the map lists the tree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from chaoslib.experiment import ensure_experiment_is_valid

from kvchaos.assets import asset
from kvchaos.discovery import discovered
from kvchaos.experiment import load
from tests.chaosrun import BIN

TOP = Path(__file__).resolve().parent.parent
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
EXPERIMENTS = sorted(asset("experiments").glob("*.json"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file or folder."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_chaos_toolkit_takes_every_experiment(path: Path) -> None:
    """What `chaos validate` checks: structure, modules, functions and their arguments."""
    ensure_experiment_is_valid(load(path))


def test_the_map_names_every_part() -> None:
    """A stranger finds the room for any change on one page."""
    page = (TOP / "docs" / "map.md").read_text(encoding="utf-8")
    parts = [
        path.name
        for path in (TOP / "src" / "kvchaos").iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    ]

    unnamed = [part for part in parts if part.removesuffix(".py") not in page]
    assert [part for part in unnamed if not part.startswith("__")] == []


def test_discovery_lists_every_action_probe_and_control_with_its_documentation() -> None:
    """`chaos discover kvchaos` is the reference that users have at hand."""
    found = discovered()["activities"]
    names = {activity["name"] for activity in found}

    assert all(activity["doc"] for activity in found)
    assert {activity["type"] for activity in found} == {"action", "probe", "control"}
    assert {
        *("inject_fault", "recover_fault", "warm_engines", "flush_engines"),
        *("start_traffic", "stop_traffic", "index_difference", "index_recovered"),
        *("event_stream", "fault_in_effect", "prefix_routing", "no_residue"),
    } <= names


@pytest.mark.parametrize("verb", ["", "lab", "lab up", "engine", "router", "render", "validate"])
def test_every_verb_explains_itself(verb: str) -> None:
    """`--help` works for each and shows how to call it."""
    done = subprocess.run(
        [BIN / "kvchaos", *verb.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.startswith(f"Usage: kvchaos {verb}".rstrip())
