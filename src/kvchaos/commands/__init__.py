"""The verbs of the command ``kvchaos`` that work on experiments and clusters, a module for each."""
