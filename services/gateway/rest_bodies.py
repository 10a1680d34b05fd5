"""Reads the bodies of requests, up to a size and for a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from runtime.errors import DeadlineExceeded, InvalidArgument, TooLarge
from services.gateway.rest_problems import refused
from services.gateway.rest_repeated import repeated_key

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_JSON_BYTES = 64 << 10
MAX_PHOTO_BYTES = 10 << 20
MAX_FORM_BYTES = MAX_PHOTO_BYTES + MAX_JSON_BYTES + (16 << 10)  # photos, JSON, part headers
MAX_FILES = 16
_ENCODING = "content-encoding"
_Body = TypeVar("_Body", bound=BaseModel)


class BodyTimeout(DeadlineExceeded):
    """The client was too slow; over HTTP this has a status of its own, 408."""


async def read(request: Request, most: int, *, timeout_s: float) -> bytes:
    """The whole body.

    Raises:
        InvalidArgument: It is compressed.
        TooLarge: It is, or says that it is, over ``most`` bytes.
        BodyTimeout: It did not arrive in time.
        ClientDisconnect: The client is gone.
    """
    if request.headers.get(_ENCODING, "").strip().lower() not in ("", "identity"):
        # A few bytes may unpack to any number of them.
        raise InvalidArgument("a body is taken as it is, without an encoding", field=_ENCODING)
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(timeout_s):
            return await _collect(request.stream(), most)
    except TimeoutError:
        raise BodyTimeout("the body did not arrive in time") from None


def parse(kind: type[_Body], raw: bytes) -> _Body:
    """The model of a JSON body.

    Raises:
        InvalidArgument: It is not JSON in UTF-8, does not fit, or gives a key twice; the error
            names the field.
    """
    try:
        body = kind.model_validate_json(raw)
    except ValidationError as error:
        raise refused(error) from None
    if (path := repeated_key(raw)) is not None:
        raise InvalidArgument("this key is given twice", field=path)
    return body


def parse_form(raw: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a multipart body by name, each name once.

    Raises:
        InvalidArgument: It is no multipart body, or has too many parts.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidArgument("a multipart body needs a boundary", field="body")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(raw)
        parser.finalize()
    except FormParserError:
        raise InvalidArgument("not a multipart body", field="body") from None
    if not form.is_whole:
        raise InvalidArgument("the multipart body ends too early", field="body")
    return {name: bytes(data) for name, data in form.parts.items()}


async def _collect(stream: AsyncIterator[bytes], most: int) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body may have at most {most} bytes", field="body")


class _Form:
    """Collects the parts that a parser finds."""

    def __init__(self) -> None:
        self.parts: dict[str, bytearray] = {}
        self.is_whole = False
        self._header = b""
        self._value = b""
        self._name: str | None = None
        self._into = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._name, self._header, self._value = None, b"", b""

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        if not self._name:
            raise InvalidArgument("each part needs a name", field="body")
        if self._name in self.parts:
            raise InvalidArgument("two parts have the same name", field="body")
        if len(self.parts) > MAX_FILES:
            raise InvalidArgument(f"at most {MAX_FILES} files", field="body")
        self._into = self.parts[self._name] = bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._into += data[start:end]

    def _on_end(self) -> None:
        self.is_whole = True
