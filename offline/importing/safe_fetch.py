"""Fetches one photo from the web, from public addresses only and with a limit on everything."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from catalog.media import MAX_PHOTO_BYTES

AGENT = "hemline-images/1"
_CHUNK = 64 << 10
_MAX_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not of the public internet either, and unknown as such to older releases of Python.
_MORE_PRIVATE = (ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("3fff::/20"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allow = Callable[[Address], bool]


class FetchProblem(Exception):
    """A photo did not come.

    Args:
        reason: Why, in a few words that are the same for all of the kind.
        final: Whether another try makes no sense.
        retry_after_s: Seconds that the server asks to wait for.
    """

    def __init__(self, reason: str, *, final: bool = True, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one photo may take.

    Attributes:
        connect_s: Seconds until the connection stands, and between two pieces.
        total_s: Seconds from beginning to end, redirects included.
        max_bytes: Bytes of the photo.
        plain_http: Whether photos may come without encryption.
    """

    connect_s: float = 3.0
    total_s: float = 20.0
    max_bytes: int = MAX_PHOTO_BYTES
    plain_http: bool = False


def is_public(address: Address) -> bool:
    """Tells whether an address is of the public internet, and carries none that is not.

    IPv6 addresses that stand for IPv4 ones (mapped, compatible, 6to4, Teredo, NAT64) are as public
    as those.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None or address.is_site_local:
            return False
        if any(address in network for network in _MORE_PRIVATE):
            return False
        if address in _NAT64 or int(address) >> 32 == 0:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_link_local
    )


class SafeFetcher:
    """Fetches photos; safe to use from many threads.

    A name is resolved once for each request, all of its addresses are looked at, and the
    connection goes to one of these: a name that means something else a moment later changes
    nothing. A redirect is followed on the same server only.

    Args:
        limits: What one photo may take.
        allow: Tells whether an address may be connected to.
    """

    def __init__(self, limits: FetchLimits | None = None, allow: Allow = is_public) -> None:
        self._limits = limits or FetchLimits()
        self._allow = allow
        self._tls = ssl.create_default_context()

    def fetch(self, url: str) -> bytes:
        """Returns the bytes of a photo.

        Raises:
            FetchProblem: It did not come.
        """
        ends = time.monotonic() + self._limits.total_s
        origin = self._checked(url)
        place = origin
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                found = self._ask(place, ends)
            except (TimeoutError, ssl.SSLError, OSError, http.client.HTTPException) as error:
                raise _problem_of(error) from error
            if isinstance(found, bytes):
                return found
            place = self._checked(urljoin(place.geturl(), found))
            if (place.scheme, place.netloc) != (origin.scheme, origin.netloc):
                raise FetchProblem("it is elsewhere by now")
        raise FetchProblem("too many redirects")

    def _checked(self, url: str) -> SplitResult:
        try:
            place = urlsplit(url)
            host, port = place.hostname, place.port
            (host or "").encode("idna")
        except (ValueError, UnicodeError):
            raise FetchProblem("no valid address") from None
        schemes = ("https", "http") if self._limits.plain_http else ("https",)
        if place.scheme not in schemes:
            raise FetchProblem("plain http, which is not allowed: see --plain-http")
        if not host or port == 0 or place.username is not None or place.password is not None:
            raise FetchProblem("no valid address")
        if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
            raise FetchProblem("no valid address")
        return place

    def _ask(self, place: SplitResult, ends: float) -> bytes | str:
        """Returns the photo, or where it has moved to."""
        connection = self._connected(place, ends)
        # A server that sends a little now and then keeps each wait short; this ends them all.
        cut = threading.Timer(max(0.0, ends - time.monotonic()), _cut, [connection])
        cut.daemon = True
        cut.start()
        try:
            path = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
            headers = {"User-Agent": AGENT, "Accept": "image/*", "Accept-Encoding": "identity"}
            connection.request("GET", _escaped(path), headers=headers)
            answer = connection.getresponse()
            if answer.status in _MOVED:
                return answer.getheader("Location") or ""
            if answer.status != 200:
                raise _refused(answer)
            return self._body(answer)
        finally:
            cut.cancel()
            connection.close()

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        length = answer.getheader("Content-Length", "")
        if length.isdecimal() and int(length) > self._limits.max_bytes:
            raise FetchProblem("over 10 MiB")
        photo = bytearray()
        while chunk := answer.read1(_CHUNK):
            photo += chunk
            if len(photo) > self._limits.max_bytes:
                raise FetchProblem("over 10 MiB")
        if length.isdecimal() and len(photo) < int(length):
            raise FetchProblem("it broke off", final=False)
        return bytes(photo)

    def _connected(self, place: SplitResult, ends: float) -> http.client.HTTPConnection:
        host = (place.hostname or "").encode("idna").decode()
        is_tls = place.scheme == "https"
        port = place.port or (443 if is_tls else 80)
        family, address = self._resolved(host, port)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(self._patience(ends))
            sock.connect((address, port))
            if is_tls:
                sock = self._tls.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        return connection

    def _resolved(self, host: str, port: int) -> tuple[socket.AddressFamily, str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            final = error.errno in (socket.EAI_NONAME, socket.EAI_FAIL)
            raise FetchProblem("its server has no address", final=final) from error
        addresses = [(family, str(where[0])) for family, _, _, _, where in found]
        # One that is not public is enough: which one is taken is nothing to gamble on.
        if not addresses or not all(
            self._allow(ipaddress.ip_address(address.partition("%")[0])) for _, address in addresses
        ):
            raise FetchProblem("its server is not on the public internet")
        return addresses[0]

    def _patience(self, ends: float) -> float:
        left = ends - time.monotonic()
        if left <= 0:
            raise FetchProblem("it takes too long", final=False)
        return min(left, self._limits.connect_s)


def _cut(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _refused(answer: http.client.HTTPResponse) -> FetchProblem:
    after = answer.getheader("Retry-After", "")
    wait_s = float(after) if after.isdecimal() and len(after) < 6 else 0.0
    is_busy = answer.status in _BUSY
    return FetchProblem(
        f"the server answers {answer.status}", final=not is_busy, retry_after_s=wait_s
    )


def _problem_of(error: Exception) -> FetchProblem:
    if isinstance(error, ssl.SSLCertVerificationError):
        return FetchProblem("its certificate is not valid")
    if isinstance(error, TimeoutError):
        return FetchProblem("it takes too long", final=False)
    return FetchProblem("the connection fails", final=False)


def _escaped(path: str) -> str:
    # What is not ASCII is sent as the bytes of UTF-8; what is escaped already stays.
    return "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode()) for c in path)
