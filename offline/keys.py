"""Makes, shows and takes back the API keys of a gateway."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from runtime import durable
from runtime.errors import SetupError
from services.gateway.key_file import ApiKey, dump, make_key, parse


def add_key(path: Path, *, name: str, scopes: Sequence[str]) -> tuple[ApiKey, str]:
    """Adds a key to a file, made when missing; returns it and the text that opens.

    Raises:
        SetupError: The name or a scope is none, or the file cannot be read or written.
    """
    try:
        key, text = make_key(name, scopes, at=_now())
    except ValueError as problem:
        raise SetupError(f"no key was made: {problem}") from None
    with _held(path):
        keys = read_keys(path)
        if any(known.id == key.id for known in keys):
            raise SetupError("the new key got an id that is taken: try again")
        _write(path, [*keys, key])
    return key, text


def revoke_key(path: Path, key_id: str) -> ApiKey:
    """Takes a key back for good; gateways notice within seconds.

    Raises:
        SetupError: There is no such key, or the file cannot be read or written.
    """
    with _held(path):
        keys = read_keys(path)
        found = next((key for key in keys if key.id == key_id), None)
        if found is None:
            raise SetupError(f"no key in {path} has this id: see `hemline keys list`")
        if found.is_live:
            gone = replace(found, revoked=_now().isoformat())
            _write(path, [gone if key is found else key for key in keys])
            found = gone
    return found


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Returns the keys of a file; none where it is missing.

    Raises:
        SetupError: It cannot be read.
    """
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as problem:
        raise SetupError(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise SetupError(f"{path} cannot be read: {problem}") from None


def _write(path: Path, keys: Sequence[ApiKey]) -> None:
    # The umask holds for the scratch file too: nobody else reads it at any moment.
    before = os.umask(0o077)
    try:
        durable.replace(path, dump(keys))
    finally:
        os.umask(before)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Holds the file against another `hemline keys`, so that none of two keys is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise SetupError(f"{path.parent} cannot be written: {problem.strerror}") from problem
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
