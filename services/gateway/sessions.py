"""Gives the page a short session by which it may read, and knows it again."""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "hemline_session"
LIFE_S = 3600
_VERSION = 1
_HEAD = struct.Struct("<BQ")
_PURPOSE = b"session\0"
_MAC_BYTES = 32
_AHEAD_S = 60  # what the clocks of two gateways may differ


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is valid. ``is_old`` says that it is time for a new one."""

    is_old: bool


class Sessions:
    """Signs sessions. Nothing is kept: any gateway with the same secret knows them.

    Args:
        secret: The same in all gateways behind one address.
        clock: Seconds since 1970.
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._clock = clock

    def issue(self) -> str:
        """A new session, as the value of a cookie."""
        head = _HEAD.pack(_VERSION, int(self._clock()))
        return base64.urlsafe_b64encode(head + self._mac(head)).decode().rstrip("=")

    def check(self, value: str) -> Session | None:
        """The session of a cookie; None if it is forged, damaged or over."""
        if not value or len(value) > 128 or not value.isascii():
            return None
        try:
            raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except (binascii.Error, ValueError):
            return None
        head, mac = raw[: _HEAD.size], raw[_HEAD.size :]
        if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, self._mac(head)):
            return None
        version, issued = _HEAD.unpack(head)
        age = self._clock() - issued
        if version != _VERSION or not -_AHEAD_S <= age < LIFE_S:
            return None
        return Session(is_old=age > LIFE_S / 2)

    def _mac(self, head: bytes) -> bytes:
        return hmac.digest(self._key, head, hashlib.sha256)
