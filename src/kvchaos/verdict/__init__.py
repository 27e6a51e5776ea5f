"""The history of a run, checks over it, and the verdict they add up to."""
