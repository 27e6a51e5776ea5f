"""What ``kvchaos init`` writes: experiments, templates and the rest for a cluster of one's own."""
