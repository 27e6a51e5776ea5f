"""``python -m kvchaos``: the same as the command ``kvchaos``."""

from kvchaos.cli import main

if __name__ == "__main__":
    main()
