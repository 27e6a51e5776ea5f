"""Chaos Mesh's controllers, as far as the lab has them: PodChaos, NetworkChaos, PodNetworkChaos."""
