"""The Kubernetes API, and nothing else that talks to it."""
