"""The parts that the verbs of the command line have in common."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from offline.verbs import DATA, DEMO_DATA

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

STAGES = "text, image, ranking, gateway"


def verb_of(
    commands: "Commands",
    name: str,
    work: Callable[[argparse.Namespace], int],
    *,
    says: str,
    examples: Sequence[str],
    data: Path | None = DATA,
) -> argparse.ArgumentParser:
    """Adds a verb that calls ``work``, with ``--data`` and an epilogue of examples.

    Args:
        commands: Where to.
        name: What is typed.
        work: What is called with what was typed; returns the exit code.
        says: What it does; the first sentence stands in the list of commands.
        examples: Command lines.
        data: Default of ``--data``; None leaves it to the verb to find what runs.
    """
    lines = "\n".join(f"  {example}" for example in examples)
    verb = commands.add_parser(
        name,
        help=says[0].lower() + says[1:].split(". ")[0].rstrip("."),
        description=says,
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shown = data if data is not None else f"{DATA}, or {DEMO_DATA} where only that is up"
    verb.add_argument(
        "--data", type=Path, metavar="DIR", default=data, help=f"data folder (default: {shown})"
    )
    verb.set_defaults(work=work)
    return verb


def takes_json(verb: argparse.ArgumentParser) -> None:
    """Lets a verb print JSON."""
    verb.add_argument("--json", action="store_true", help="print JSON instead of a table")


def takes_serving(verb: argparse.ArgumentParser) -> None:
    """Lets a verb open a house."""
    verb.add_argument(
        "--port", type=int, default=8080, metavar="P", help="REST on P, gRPC on P+1 (default: 8080)"
    )
    verb.add_argument(
        "--address",
        default="127.0.0.1",
        metavar="A",
        help="address to bind (default: 127.0.0.1); any other needs `hemline keys add` first",
    )
    verb.add_argument(
        "--replicas",
        action="append",
        default=[],
        metavar="STAGE=N",
        help=f"processes of a stage ({STAGES}); may be given for each",
    )
    verb.add_argument(
        "--detach", action="store_true", help="return when ready; `hemline down` stops it"
    )


class Version(argparse.Action):
    """Prints the version; it is looked up when it is asked for, since that takes a while."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        from importlib import metadata

        try:
            version = metadata.version("hemline")
        except metadata.PackageNotFoundError:
            version = "(from source, not installed)"
        print(f"hemline {version}")
        parser.exit()
