"""Names and addresses that the parts of a lab agree on."""

from __future__ import annotations

CONTEXT = "kvchaos-lab"  # of the kubeconfig
NAMESPACE = "kvchaos"  # its default namespace
NODE_NAME = "kvchaos-lab"
BRIDGE = "kvc0"
DEVICE = "eth0"  # inside a pod; Chaos Mesh's default device too
SUBNET = "10.244.0.0/16"  # inside the node's network namespace only
GATEWAY = "10.244.0.1"  # the bridge's own address, and the node's
API_PORT = 6443  # on the gateway, for pods
