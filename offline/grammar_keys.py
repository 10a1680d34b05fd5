"""Teaches the verbs of API keys."""

from typing import TYPE_CHECKING

from offline import verbs_keys as verbs
from offline.grammar_parts import takes_json, verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands

# Those of services/gateway/key_file.py, which is not imported to print a help text.
SCOPES = ("read", "write", "act_as_user", "admin")


def add_keys(commands: "Commands") -> None:
    """Adds ``keys add``, ``keys list`` and ``keys revoke``."""
    says = "makes, shows and takes back the API keys of the gateway"
    group = commands.add_parser("keys", help=says, description=says.capitalize() + ".")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    verb = verb_of(
        actions,
        "add",
        verbs.add,
        says="Makes an API key and prints it once. Kept is its hash. From the first key on the "
        "gateway of the\ndata folder asks for one, and may be bound to other addresses than "
        "127.0.0.1.",
        examples=(
            "hemline keys add --name shop --scope read --scope act_as_user",
            "hemline keys add --name feed --scope write",
        ),
    )
    verb.add_argument("--name", required=True, metavar="N", help="whose key it is")
    verb.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=SCOPES,
        help="what it opens; may be given for each",
    )
    verb = verb_of(
        actions,
        "list",
        verbs.show,
        says="Shows the API keys, without their secrets.",
        examples=("hemline keys list", "hemline keys list --json"),
    )
    takes_json(verb)
    verb = verb_of(
        actions,
        "revoke",
        verbs.revoke,
        says="Takes an API key back for good. Make the new one first: both live until this one is "
        "revoked.",
        examples=("hemline keys revoke 1f0c9a2b",),
    )
    verb.add_argument("id", metavar="ID", help="as `hemline keys list` shows it")
