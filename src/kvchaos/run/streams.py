"""What the observer knows of the engines' event streams."""

from __future__ import annotations

from typing import Any

from kvchaos.run.session import Run


def event_stream(run: Run) -> dict[str, Any]:
    """Per engine and rank: epoch, head, completeness; and whether all are complete."""
    expected = run.observer.expected()
    engines = {
        engine.label: {
            "epoch": each.epoch,
            "head": each.head,
            "complete": each.complete,
            "reason": each.reason,
            "blocks": sum(len(blocks) for blocks in each.blocks.values()),
        }
        for engine, each in sorted(expected.items())
    }
    complete = all(each.complete for each in expected.values()) if expected else None
    return {"complete": complete, "engines": engines, "observer": run.observer.status()}
