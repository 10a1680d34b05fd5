"""The one program, ``hemline``: reads the command line and calls what does the work."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence

from offline.grammar import parser
from runtime.errors import ServiceError, SetupError

INTERRUPTED, REFUSED = 130, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 when it did what it said, 1 when the answer is no, 2 when it cannot work as it was called,
    130 after Ctrl-C.
    """
    # Threads of OpenMP that spin while they wait take the cores from those that work: beside any
    # other load, training takes twice as long. It is read when torch is loaded, later than this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = parser().parse_args(arguments)
    work: Callable[[argparse.Namespace], int] = options.work
    return reported(lambda: work(options))


def reported(work: Callable[[], int]) -> int:
    """Runs ``work`` and returns its exit code; what went wrong becomes one sentence and a code."""
    try:
        return work()
    except SetupError as problem:
        return _refuse(str(problem))
    except ServiceError as problem:
        return _refuse(problem.message)
    except KeyboardInterrupt:
        print("hemline: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `head` does; what is still buffered has no place to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            raise
        where = f" while writing {problem.filename}" if problem.filename else ""
        return _refuse(f"the disk is full{where}: make room and run the command again")


def _refuse(sentence: str) -> int:
    print(f"hemline: {sentence}", file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
