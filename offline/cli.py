"""The one program, ``hemline``: reads the command line and calls what does the work."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence

from offline.grammar import parser
from offline.missing import how_to_install
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

    def checked() -> int:
        _require_text(options)
        return work(options)

    return reported(checked)


def reported(work: Callable[[], int]) -> int:
    """Runs ``work`` and returns its exit code; what went wrong becomes one sentence and a code."""
    try:
        return work()
    except SetupError as problem:
        return _refuse(str(problem))
    except ServiceError as problem:
        return _refuse(problem.message)
    except ModuleNotFoundError as problem:
        if not (way := how_to_install(problem)):
            raise
        return _refuse(way)
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


def _require_text(options: argparse.Namespace) -> None:
    """Refuses bytes that are no UTF-8 wherever text is asked for; in a path they may stand."""
    for name, given in vars(options).items():
        for text in given if isinstance(given, list) else [given]:
            if isinstance(text, str) and any("\ud800" <= sign <= "\udfff" for sign in text):
                raise SetupError(f"what was given as {name} is not text in UTF-8")


def _refuse(sentence: str) -> int:
    print(f"hemline: {sentence}", file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
