"""How the modules import each other, beyond what import-linter's contracts say."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter

import grimp

from kvchaos.cli import VERBS

PODS = {"engine", "router"}
"""Verbs that serve HTTP."""
SLOW = {"aiohttp", "kubernetes"}


def test_no_module_imports_itself_in_a_circle() -> None:
    """Also not by an import within a function: a circle is one thing that was cut in two."""
    graph = grimp.build_graph("kvchaos", cache_dir=None)

    TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    ).prepare()


def test_no_verb_waits_for_kubernetes_or_aiohttp_before_it_is_carried_out() -> None:
    """Its help and what a shell completes are said at once; pods' programs serve by aiohttp."""
    modules = sorted({VERBS[verb][0].partition(":")[0] for verb in VERBS.keys() - PODS})
    script = f"import sys, {', '.join(modules)}; print(sorted({SLOW} & sys.modules.keys()))"

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=True
    )

    assert said.stdout == "[]\n"
