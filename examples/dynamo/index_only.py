"""An experiment for a router that is an index and no gateway: what goes through it is left out.

``python examples/dynamo/index_only.py EXPERIMENT.json`` prints it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NEEDS_GATEWAY = {"prefix_routing", "start_traffic", "stop_traffic"}


def without_gateway(activities: list[Any]) -> list[Any]:
    """The activities that send no request through the router."""
    return [each for each in activities if each["provider"]["func"] not in NEEDS_GATEWAY]


def main() -> None:
    """The experiment, without the activities that need a gateway."""
    experiment = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    hypothesis = experiment["steady-state-hypothesis"]
    hypothesis["title"] = "The router's index agrees with what the engines published"
    hypothesis["probes"] = without_gateway(hypothesis["probes"])
    for part in ("method", "rollbacks"):
        experiment[part] = without_gateway(experiment[part])
    sys.stdout.write(json.dumps(experiment, indent=2) + "\n")


if __name__ == "__main__":
    main()
