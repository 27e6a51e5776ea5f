"""Figures about kvchaos itself: benchmarks, a baseline, and what tells a slowdown from noise."""
