"""The text of a kubeconfig for the lab: one cluster, one user, one context, all inline."""

from __future__ import annotations

import base64

import yaml


def kubeconfig(url: str, ca_pem: str, token: str, context: str, *, namespace: str = "") -> str:
    """YAML for ``KUBECONFIG``; ``ca_pem`` may be empty for a plain-HTTP ``url``."""
    cluster = {"server": url}
    if ca_pem:
        cluster["certificate-authority-data"] = base64.b64encode(ca_pem.encode()).decode()
    place = {"cluster": context, "user": context}
    if namespace:
        place["namespace"] = namespace
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": {"token": token} if token else {}}],
        "contexts": [{"name": context, "context": place}],
        "current-context": context,
    }
    return yaml.safe_dump(config, sort_keys=False)
