"""Teaches the verbs that make releases and move them."""

from typing import TYPE_CHECKING

from offline import verbs_releases as verbs
from offline.grammar_parts import takes_json, verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

_KINDS = (
    "text",
    "image",
    "encoder",
    "ranking",
    "neighbours",
    "popularity",
    "vocabulary",
    "fusion",
)


def add_releases(commands: "Commands") -> None:
    """Adds ``build``, ``publish``, ``releases`` and ``rollback``."""
    _build(commands)
    _publish(commands)
    verb = verb_of(
        commands,
        "releases",
        verbs.releases,
        says="Shows the releases of a data folder, and which is in force. Every byte that they "
        "name is checked;\na release whose artifacts are gone or damaged says so. Generations "
        "are shortened here: --json\nnames them whole.",
        examples=("hemline releases", "hemline releases --data var/shop --json"),
    )
    takes_json(verb)
    verb = verb_of(
        commands,
        "rollback",
        verbs.rollback,
        says="Puts an older release in force again, as one. Without --to the one before. It is a "
        "new release with\nthe old generations, so it can be rolled back as well; a running house "
        "follows within seconds.",
        examples=("hemline rollback", "hemline rollback --data var/shop --to r-000003"),
    )
    verb.add_argument(
        "--to", default="", metavar="RELEASE", help="such as r-000003 (default: the one before)"
    )


def _build(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "build",
        verbs.build,
        says="Makes the indexes and puts them in force as one release. Words, pictures (with the "
        "newest encoder)\nand tastes (where trained). What is up to date is kept; a running "
        "house takes the release over by itself.",
        examples=(
            "hemline build --data var/shop",
            "hemline build --data var/shop --encoder hf-hub:Marqo/marqo-fashionSigLIP",
            "hemline build --no-publish",
        ),
    )
    verb.add_argument(
        "--encoder",
        default="",
        metavar="NAME",
        help="open_clip:NAME/TAG, hf-hub:OWNER/NAME, or a folder with an open_clip model, instead "
        "of the trained one",
    )
    verb.add_argument(
        "--multilingual",
        action="store_true",
        help="the encoder reads many languages: it is given the shopper's own words, not a "
        "translation into English (known of SigLIP 2 and of open_clip's XLM-R, mT5 and NLLB)",
    )
    verb.add_argument(
        "--device", default="cpu", choices=["cpu", "cuda"], help="where photos are encoded"
    )
    verb.add_argument(
        "--no-publish",
        dest="publish",
        action="store_false",
        help="only make; `hemline publish` puts it in force",
    )


def _publish(commands: "Commands") -> None:
    verb = verb_of(
        commands,
        "publish",
        verbs.publish,
        says="Puts generations that were built in force, as one release. Those named, beside those "
        "in force of the\nother kinds; where none is named, the newest of each kind. Each is "
        "checked to the last byte first.",
        examples=(
            "hemline publish",
            "hemline publish --data var/shop --image 000004 --text 000007-1f0c9a2b",
        ),
    )
    for kind in _KINDS:
        verb.add_argument(
            f"--{kind}", default="", metavar="GENERATION", help=f"name of a generation of {kind}"
        )
