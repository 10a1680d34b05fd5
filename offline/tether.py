"""Runs a program that ends when the process that started it does, however that ended.

``python -P -S -E offline/tether.py PARENT PROGRAM ...`` asks the kernel for SIGTERM at the
parent's death and becomes the program, which keeps its own name in the process list. It is a
program of its own, because code between fork and exec in a process with threads may hang.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Becomes the program ``arguments[1:]``, tethered to the process with the id in the first."""
    parent, program = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the supervisor ended meanwhile")
    os.execv(program[0], program)  # noqa: S606  # no shell: that is the point


if __name__ == "__main__":
    main(sys.argv[1:])
