"""The text of a kubeconfig for the lab: one cluster, one user, one context.

The certificate is named as a file where there is one: from what is inline, the Kubernetes client
makes a file of its own in the temporary folder, and leaves it there when it is killed.
"""

from __future__ import annotations

import base64
from pathlib import Path

import yaml


def kubeconfig(
    url: str,
    ca_pem: str,
    token: str,
    context: str,
    *,
    namespace: str = "",
    ca_file: Path | None = None,
) -> str:
    """YAML for ``KUBECONFIG``; ``ca_pem`` may be empty for a plain-HTTP ``url``.

    With ``ca_file``, that is where the certificate is, and it is not inline.
    """
    cluster = {"server": url}
    if ca_file:
        cluster["certificate-authority"] = str(ca_file.absolute())
    elif ca_pem:
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
