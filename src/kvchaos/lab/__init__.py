"""The embedded cluster: an ordinary, small Kubernetes on this machine."""
