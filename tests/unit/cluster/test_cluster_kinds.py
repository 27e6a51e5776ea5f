from __future__ import annotations

import pytest

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import (
    CONFIGMAPS,
    DEPLOYMENTS,
    KINDS,
    NETWORKCHAOS,
    NODES,
    PODS,
)


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (Call(verb="get", kind=PODS, name="p", namespace="n"), "/api/v1/namespaces/n/pods/p"),
        (Call(verb="list", kind=PODS), "/api/v1/pods"),
        (Call(verb="get", kind=NODES, name="one", namespace="n"), "/api/v1/nodes/one"),
        (
            Call(verb="patch", kind=DEPLOYMENTS, name="d", namespace="n", subresource="scale"),
            "/apis/apps/v1/namespaces/n/deployments/d/scale",
        ),
        (
            Call(verb="list", kind=NETWORKCHAOS, namespace="n", query={"labelSelector": "a=b,c"}),
            "/apis/chaos-mesh.org/v1alpha1/namespaces/n/networkchaos?labelSelector=a%3Db%2Cc",
        ),
        (Call(verb="get", path="/version"), "/version"),
        (Call(verb="get", kind=PODS, name="p", query={"tailLines": ""}), "/api/v1/pods/p"),
        (
            Call(verb="get", kind=PODS, name="a/b", namespace="n"),
            "/api/v1/namespaces/n/pods/a%2Fb",
        ),
    ],
)
def test_call_is_sent_to_where_the_api_serves_it(call: Call, target: str) -> None:
    """Group, version, namespace, name and subresource make the path; empty options are left out."""
    assert call.target == target


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (Call(verb="get", kind=PODS, name="p", namespace="n"), "get pods p in namespace n"),
        (Call(verb="list", kind=PODS), "list pods in all namespaces"),
        (Call(verb="list", kind=NODES), "list nodes"),
        (
            Call(verb="create", kind=CONFIGMAPS, namespace="n", body={"metadata": {"name": "c"}}),
            "create configmaps c in namespace n",
        ),
        (
            Call(verb="get", kind=PODS, name="p", namespace="n", subresource="log"),
            "get pods/log p in namespace n",
        ),
        (Call(verb="get", path="/version"), "get /version"),
    ],
)
def test_call_reads_as_a_sentence(call: Call, text: str) -> None:
    """Errors and logs begin with it."""
    assert str(call) == text


def test_table_is_keyed_by_plural() -> None:
    """One row a plural."""
    assert {plural: kind.plural for plural, kind in KINDS.items()} == {k: k for k in KINDS}
