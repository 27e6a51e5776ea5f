"""The programs that the manifests run: an engine double and a reference router."""
