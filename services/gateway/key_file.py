"""Says what a file of API keys holds; what writes it and what reads it stand here."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

FORMAT = 1
PREFIX = "hml"
SCOPES = ("read", "write", "act_as_user", "admin")
MAX_NAME_CHARS = 64
_SECRET_BYTES, _ID_BYTES = 32, 4


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, without its secret.

    Attributes:
        id: Stands in the key in clear, and names it to people.
        name: Whose key it is, in the words of whoever made it.
        digest: SHA-256 of the secret in lower-case hex. The secret is 256 random bits, so that a
            slow hash would protect nothing.
        scopes: What it may do, of :data:`SCOPES`.
        created: When it was made, ISO 8601 in UTC.
        revoked: When it was taken back; empty while it lives.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    created: str
    revoked: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it opens anything."""
        return not self.revoked


def make_key(name: str, scopes: Sequence[str], *, at: datetime) -> tuple[ApiKey, str]:
    """Makes a key; returns it, and the text that its owner sends, which is kept nowhere.

    Raises:
        ValueError: The name or a scope is none.
    """
    if not (1 <= len(name) <= MAX_NAME_CHARS and name.isprintable()):
        raise ValueError(f"a name has 1 to {MAX_NAME_CHARS} printable characters")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValueError(f"a key has scopes of {', '.join(SCOPES)}")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    chosen = tuple(scope for scope in SCOPES if scope in scopes)
    key = ApiKey(secrets.token_hex(_ID_BYTES), name, digest_of(secret), chosen, at.isoformat())
    return key, f"{PREFIX}_{key.id}_{secret}"


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret in lower-case hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def dump(keys: Sequence[ApiKey]) -> bytes:
    """The content of a key file."""
    document = {"format": FORMAT, "keys": [asdict(key) for key in keys]}
    return json.dumps(document, indent=1).encode() + b"\n"


def parse(content: bytes) -> tuple[ApiKey, ...]:
    """The keys of a file.

    Raises:
        ValueError: It is no key file, or of another format; the message never holds its content.
    """
    try:
        document = json.loads(content)
        found = document["format"]
        keys = tuple(_key(entry) for entry in document["keys"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("it is no file of `hemline keys`") from None
    if found != FORMAT:
        raise ValueError(f"it is another format than this build reads, which is {FORMAT}")
    if len({key.id for key in keys}) != len(keys):
        raise ValueError("two keys have the same id")
    return keys


def _key(entry: dict[str, object]) -> ApiKey:
    scopes = entry["scopes"]
    words = {name: value for name, value in entry.items() if name != "scopes"}
    if not isinstance(scopes, list) or not set(scopes) <= set(SCOPES):
        raise ValueError("scopes")
    if not all(isinstance(value, str) for value in words.values()):
        raise TypeError("words")
    key = ApiKey(**words, scopes=tuple(scopes))  # type: ignore[arg-type]  # checked above
    if len(key.digest) != 64 or not key.id.isalnum():
        raise ValueError("digest")
    return key
