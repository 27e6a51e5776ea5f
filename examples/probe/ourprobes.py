"""Probes of our own."""

from typing import Any

import requests


def models_served(url: str, timeout: float = 5.0) -> dict[str, Any]:
    """The names of the models that the gateway at ``url`` serves; raises when it does not say."""
    reply = requests.get(f"{url}/v1/models", timeout=timeout)
    reply.raise_for_status()
    return {"models": sorted(each["id"] for each in reply.json()["data"])}
