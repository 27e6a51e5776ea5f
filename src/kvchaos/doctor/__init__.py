"""``kvchaos doctor``: what a run needs, looked for where it would run, nothing changed."""
