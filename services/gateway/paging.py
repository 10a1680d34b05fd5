"""Keeps the pages of one search in one order: signs tokens, and finds the kept result again."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runtime.errors import Gone, InvalidArgument
from services.gateway.legs import query_key
from services.gateway.query import RETRIEVERS, Fusion, Query
from services.gateway.result_set import ResultSet
from services.gateway.sealed import Keys

TTL_S = 600
VERSION = 1
MAX_TOKEN_CHARS = 128
_FIELD = "page_token"
_ID_BYTES = 16
_BODY = struct.Struct("<B16sHHQ")  # version, list, offset, shown, second of issue
_MAC_BYTES = 16


class ResultLists(Protocol):
    """Keeps results for ten minutes after they were last asked for."""

    async def get(self, list_id: bytes, request: bytes) -> ResultSet | None:
        """The result of a request, or None if it is not there. Never raises."""
        ...

    async def put(self, list_id: bytes, request: bytes, results: ResultSet) -> None:
        """Keeps a result, if that is possible. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: how many groups of which result, and how many hits, are before it."""

    list_id: bytes
    offset: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """What a search starts from: its digest, its place, and the result if it was found again."""

    request: bytes
    place: Place
    results: ResultSet | None = None
    is_restarted: bool = False


class Paging:
    """Frozen paging.

    A token holds the place and the second of its issue, under an HMAC over these and the digest
    of the request, its user included: nobody can make one, and it is good for no other request.

    Args:
        lists: Keeps the results.
        keys: Signs the tokens.
        now: Seconds since 1970, the same in all gateways.
        draw: Draws random bytes.
    """

    def __init__(
        self,
        lists: ResultLists,
        keys: Keys,
        *,
        now: Callable[[], float] = time.time,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._lists = lists
        self._keys = keys
        self._now = now
        self._draw = draw

    async def start(self, query: Query) -> Start:
        """Where the page of a query starts.

        Raises:
            InvalidArgument: The token was not made for this request and this user.
            Gone: It was made more than ten minutes ago.
        """
        request = await request_digest(query)
        if not query.page_token:
            return Start(request, Place(self._draw(_ID_BYTES)))
        place = self._checked(query.page_token, request)
        results = await self._lists.get(place.list_id, request)
        if results is not None:
            return Start(request, place, results)
        anew = Place(self._draw(_ID_BYTES), place.offset, place.shown)
        return Start(request, anew, is_restarted=True)

    async def keep(self, start: Start, results: ResultSet) -> None:
        """Keeps a result for the pages to come."""
        await self._lists.put(start.place.list_id, start.request, results)

    def token(self, start: Start, offset: int, shown: int) -> str:
        """The token of the page that begins after so many groups and hits."""
        body = _BODY.pack(VERSION, start.place.list_id, offset, shown, int(self._now()))
        return base64.urlsafe_b64encode(body + self._mac(body, start.request)).decode().rstrip("=")

    def _checked(self, token: str, request: bytes) -> Place:
        wrong = InvalidArgument(
            "this token is of no use here: leave it out to begin with the first page", field=_FIELD
        )
        raw = _decoded(token)
        if raw is None or len(raw) != _BODY.size + _MAC_BYTES:
            raise wrong
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        if not hmac.compare_digest(mac, self._mac(body, request)):
            raise wrong
        version, list_id, offset, shown, issued = _BODY.unpack(body)
        if version != VERSION:
            raise wrong
        if self._now() - issued > TTL_S:
            raise Gone("the pages of this search are no longer kept: search again", field=_FIELD)
        return Place(list_id, offset, shown)

    def _mac(self, body: bytes, request: bytes) -> bytes:
        return self._keys.signature("page", body + request)[:_MAC_BYTES]


async def request_digest(query: Query) -> bytes:
    """32 bytes that are equal for requests that differ in page_token and budget alone."""
    said = (
        await query_key(query.parts),
        query.page_size,
        query.user_id,
        query.session_product_ids,
        None if query.personalization is None else _rounded(query.personalization),
        query.blend,
        query.retrievers,
        _fusion(query.fusion),
        query.candidate_factor,
        (query.explain, query.allow_partial),
        query.filter,
        query.facets,
        query.sort,
        query.collapse,
        query.min_seq,
        (query.exclude, query.understand, query.include_examples),
        (_rounded(query.diversity), sorted(query.quotas.items())),
        query.rerank and (_rounded(query.rerank.first), _rounded(query.rerank.second)),
    )
    return hashlib.sha256(repr(said).encode()).digest()


def _fusion(fusion: Fusion | None) -> tuple[object, ...]:
    if fusion is None:
        return ()
    return (fusion.method, fusion.k, *(_rounded(fusion.weight(name)) for name in RETRIEVERS))


def _rounded(share: float) -> float:
    """The number as both doors tell it: gRPC carries it in 32 bits."""
    return round(float(share), 6)


def _decoded(token: str) -> bytes | None:
    """The bytes of a token; None if it is not one that we wrote, to the last bit."""
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.urlsafe_b64encode(raw).decode().rstrip("=") == token else None
