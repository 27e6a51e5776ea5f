"""Chaos Mesh faults: render, lint, inject, confirm, recover, and look for residue."""
