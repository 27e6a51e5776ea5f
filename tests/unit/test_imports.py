"""How the modules import each other, beyond what import-linter's contracts say."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp


def test_no_module_imports_itself_in_a_circle() -> None:
    """Also not by an import within a function: a circle is one thing that was cut in two."""
    graph = grimp.build_graph("kvchaos", cache_dir=None)

    TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    ).prepare()
