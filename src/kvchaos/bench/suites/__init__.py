"""The benchmarks, a module for each subject; ``kvchaos.bench.catalogue`` imports them all."""
