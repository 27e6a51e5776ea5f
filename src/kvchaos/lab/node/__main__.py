"""The node process: ``python -m kvchaos.lab.node DIRECTORY``, started by the lab's daemon.

It moves into namespaces of its own and forks: the child is pid 1 of the pods' pid namespace and
does all the work; this process only waits for it. The kernel kills it with the daemon, the
child with it, and all pods with the child. Heavy modules are imported in the child only.

On stdout, for the daemon, one JSON object a line: ``{"init": PID}``, then ``{"ready": true}``
or ``{"error": {what, wanted, saw, look}}``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kvchaos.errors import LabError
from kvchaos.lab import namespaces
from kvchaos.lab.node.telling import tell, tell_error


def main() -> int:
    """The exit code of the child, or 1 when the kernel refuses the namespaces."""
    daemon = os.getppid()
    try:
        namespaces.leave_host()
    except LabError as error:
        tell_error(error)
        return 1
    namespaces.die_with_parent()
    if os.getppid() != daemon:  # it died before the kernel was told
        return 1
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        namespaces.die_with_parent()
        os.read(read_end, 1)  # the parent is alive, and has told who we are
        return _work(Path(sys.argv[1]))
    os.close(read_end)
    tell(init=child)
    os.write(write_end, b".")
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _work(root: Path) -> int:
    from kvchaos.lab.node.work import work  # noqa: PLC0415 - only the child needs its imports

    return work(root)


if __name__ == "__main__":
    sys.exit(main())
