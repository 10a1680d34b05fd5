"""Does what the command line asks of copies of the catalogue."""

import argparse

from offline.layout import DataDir


def backup(options: argparse.Namespace) -> int:
    """Copies the catalogue."""
    from offline.backup import back_up

    back_up(DataDir(options.data), options.file)
    return 0


def restore(options: argparse.Namespace) -> int:
    """Puts a copy back."""
    from offline.backup import restore as put_back

    put_back(DataDir(options.data), options.file)
    return 0
