"""Adapters that ask a router for its index, one module per router."""
