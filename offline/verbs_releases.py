"""Does what the command line asks of releases; each verb imports what it needs and no more."""

import argparse
import json

from offline.layout import DataDir
from offline.progress import say
from offline.verbs import BUILD_MIB


def build(options: argparse.Namespace) -> int:
    """Makes the artifacts, and releases them unless told otherwise."""
    from offline import build as builder
    from offline.disk import require_room

    data = DataDir(options.data).require_catalog()
    require_room(data.root, mib=BUILD_MIB)
    making = builder.build if options.publish else builder.make
    made = making(
        data, encoder=options.encoder, device=options.device, multilingual=options.multilingual
    )
    if not isinstance(made, dict):
        return 0
    named = " ".join(f"--{kind} {each.generation}" for kind, each in sorted(made.items()))
    say(f"Made, and not in force; to release it: hemline publish --data {data.root} {named}")
    return 0


def publish(options: argparse.Namespace) -> int:
    """Puts generations in force."""
    from offline.publish import KINDS
    from offline.publish import publish as put

    chosen = {kind: name for kind in KINDS if (name := getattr(options, kind))}
    put(DataDir(options.data), chosen)
    return 0


def releases(options: argparse.Namespace) -> int:
    """Shows the releases; 1 when none is in force, or the one in force is damaged."""
    from offline import releases as shown

    listed = shown.list_releases(DataDir(options.data))
    if options.json:
        print(json.dumps(shown.as_json(listed), indent=1))
    else:
        shown.show(listed)
    return 0 if any(each.current and not each.refused for each in listed) else 1


def rollback(options: argparse.Namespace) -> int:
    """Puts an older release in force again."""
    from offline.rollback import rollback as back

    back(DataDir(options.data), options.to)
    return 0
