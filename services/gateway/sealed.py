"""Packs float32 vectors into values that prove what they are, and refuses all others."""

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass

import numpy as np

VERSION = 1
_HEAD = struct.Struct("<BBHH8s16s")
_CRC = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A vector in little-endian float32, possibly empty, with all that it must be equal to.

    ``label`` names what made it (a factor generation, an encoder); ``owner`` is 8 bytes of the
    key it belongs to; ``nonce`` is 16 bytes.
    """

    label: str
    owner: bytes
    nonce: bytes
    data: bytes
    kind: int = 0

    def pack(self) -> bytes:
        """The value: version, kind, dimension, owner, nonce, label, vector, checksum."""
        label = self.label.encode()
        dim = len(self.data) // 4
        head = _HEAD.pack(VERSION, self.kind, dim, len(label), self.owner, self.nonce)
        body = head + label + self.data
        return body + _CRC.pack(zlib.crc32(body))

    @classmethod
    def unpack(cls, value: bytes, *, owner: bytes) -> "Sealed | None":
        """The vector of a value; None if it is damaged, of another owner, or not finite."""
        if len(value) < _HEAD.size + _CRC.size:
            return None
        body, crc = value[: -_CRC.size], value[-_CRC.size :]
        if _CRC.unpack(crc)[0] != zlib.crc32(body):
            return None
        version, kind, dim, label_size, written_by, nonce = _HEAD.unpack_from(body)
        start = _HEAD.size + label_size
        data = body[start:]
        if version != VERSION or written_by != owner or len(data) != 4 * dim:
            return None
        if not np.isfinite(np.frombuffer(data, "<f4")).all():
            return None
        label = body[_HEAD.size : start].decode(errors="replace")
        return cls(label, owner, nonce, data, kind)


class Keys:
    """Turns ids into keys that do not tell them.

    Args:
        secret: The same in all gateways that share a Redis.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key(self, prefix: str, what: bytes) -> str:
        """The key of a thing, such as ``uf:9f2c...``."""
        return f"{prefix}:{self._digest(prefix, what)[:16].hex()}"

    def owner(self, what: bytes) -> bytes:
        """8 bytes by which a value proves that it belongs to a thing."""
        return self._digest("owner", what)[:8]

    def signature(self, purpose: str, what: bytes) -> bytes:
        """32 bytes that only who has the secret can make."""
        return self._digest(f"signature {purpose}", what)

    def _digest(self, purpose: str, what: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + what, hashlib.sha256)
