"""Does what the command line asks of API keys; each verb imports what it needs and no more."""

import argparse
import json
from dataclasses import asdict

from offline.layout import DataDir
from offline.progress import say


def add(options: argparse.Namespace) -> int:
    """Makes a key and prints it, this once."""
    from offline.keys import add_key

    data = DataDir(options.data)
    key, text = add_key(data.keys, name=options.name, scopes=options.scope)
    say(f"Key {key.id} for {key.name}: {', '.join(key.scopes)}. It is shown this once:")
    print(text, flush=True)
    return 0


def show(options: argparse.Namespace) -> int:
    """Shows the keys, without their secrets."""
    from rich.console import Console
    from rich.table import Table

    from offline.keys import read_keys

    path = DataDir(options.data).keys
    keys = read_keys(path)
    if options.json:
        shown = [{n: v for n, v in asdict(key).items() if n != "digest"} for key in keys]
        print(json.dumps(shown, indent=1))
        return 0
    if not keys:
        say(f"there are no keys in {path}")
        return 0
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("id", "name", "scopes", "created", "revoked"):
        table.add_column(title, overflow="fold")
    for key in keys:
        table.add_row(key.id, key.name, " ".join(key.scopes), key.created, key.revoked or "-")
    Console().print(table)
    return 0


def revoke(options: argparse.Namespace) -> int:
    """Takes a key back."""
    from offline.keys import revoke_key

    key = revoke_key(DataDir(options.data).keys, options.id)
    say(f"Key {key.id} of {key.name} opens nothing any more; gateways notice within seconds")
    return 0
