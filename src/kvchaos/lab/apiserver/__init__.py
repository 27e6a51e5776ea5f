"""The lab's Kubernetes API endpoint: a pure core under a thin HTTP adapter."""
