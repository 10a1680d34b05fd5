"""Promises of fetching photos: public addresses only, limits on all, and products get them."""

import ipaddress
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.fetch_images import FetchOptions, FetchReport, fetch_images
from offline.importing.photo_urls import NAME, PhotoUrls
from offline.importing.politeness import Politeness
from offline.importing.safe_fetch import (
    Address,
    FetchLimits,
    FetchProblem,
    SafeFetcher,
    is_public,
)
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from tests.importing import changes, imported, photo, products, write_csv

LIMITS = FetchLimits(plain_http=True)


def is_loopback(address: Address) -> bool:
    return address.is_loopback


class Shop(BaseHTTPRequestHandler):
    """A server of photos, good and bad."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        times = self.server.count(self.path)
        kind = self.path.split("/")[1]
        getattr(self, f"_{kind}", self._missing)(times)

    def _ok(self, _: int) -> None:
        self._send(200, photo(self.path.rsplit("/", 1)[-1].removesuffix(".jpg")))

    def _missing(self, _: int) -> None:
        self._send(404, b"no")

    def _busy(self, times: int) -> None:
        self._send(503, b"") if times < 3 else self._send(200, photo("green"))

    def _always(self, _: int) -> None:
        self._send(500, b"")

    def _html(self, _: int) -> None:
        self._send(200, b"<html>a page</html>")

    def _large(self, _: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(11 << 20))
        self.end_headers()

    def _endless(self, _: int) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"\xff" * (1 << 20))
        except OSError:
            self.close_connection = True

    def _drip(self, _: int) -> None:
        try:
            while not self.server.closing.wait(0.05):
                self.wfile.write(b"H")
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _short(self, _: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(photo("red")[:100])
        self.close_connection = True

    def _moved(self, _: int) -> None:
        self._send(302, b"", "/ok/blue.jpg")

    def _away(self, _: int) -> None:
        self._send(302, b"", "http://localhost:1/ok/blue.jpg")

    def _round(self, _: int) -> None:
        self._send(302, b"", "/round/1")

    def _send(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shop)
        self.asked: Counter[str] = Counter()
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def count(self, path: str) -> int:
        with self._lock:
            self.asked[path] += 1
            return self.asked[path]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.closing.set()
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def feed(data: DataDir, folder: Path, *rows: tuple[str, str]) -> None:
    table = write_csv(
        folder / "feed.csv", [("id", "title", "image"), *((k, k, u) for k, u in rows)]
    )
    imported(plan_table(table, TableOptions(says_yes=True)), data)


def fetched(data: DataDir, fetcher: SafeFetcher, **more: bool) -> tuple[FetchReport, list[float]]:
    waits: list[float] = []
    options = FetchOptions(
        threads=4,
        politeness=Politeness(wait=waits.append),
        sleep=waits.append,
        retry_failed=more.get("retry_failed", False),
    )
    return fetch_images(data, fetcher, options), waits


def test_photos_come_and_products_get_them(data: DataDir, tmp_path: Path, server: Server) -> None:
    red, blue = f"{server.url}/ok/red.jpg", f"{server.url}/moved/x"
    feed(data, tmp_path, ("1", f"{red}|{blue}"), ("2", red), ("3", ""))
    report, _ = fetched(data, SafeFetcher(LIMITS, is_loopback))
    assert (report.fetched, report.standing.waiting, report.standing.failed) == (2, 0, 0)
    found, media = products(data), MediaStore(data.media)
    assert [media.get(sha256) for sha256 in found["1"].images] == [photo("red"), photo("blue")]
    assert found["2"].images == found["1"].images[:1]
    assert (found["2"].image_state, found["3"].images) == ("pending", ())
    assert server.asked["/ok/red.jpg"] == 1
    # What came is neither fetched again, nor lost by a second import.
    assert fetched(data, SafeFetcher(LIMITS, is_loopback))[0].fetched == 0
    table = tmp_path / "feed.csv"
    assert changes(imported(plan_table(table, TableOptions(says_yes=True)), data)) == (0, 0, 3)
    assert sum(server.asked.values()) == 3


def test_what_does_not_come_is_told_by_reason(
    data: DataDir, tmp_path: Path, server: Server
) -> None:
    kinds = ("missing", "always", "html", "large", "endless", "short", "away", "round")
    feed(data, tmp_path, *((kind, f"{server.url}/{kind}/1") for kind in kinds))
    report, _ = fetched(data, SafeFetcher(LIMITS, is_loopback))
    assert report.problems == {
        "the server answers 404": 1,
        "the server answers 500": 1,
        "a photo must be a JPEG, PNG or WebP file": 1,
        "over 10 MiB": 2,
        "it broke off": 1,
        "it is elsewhere by now": 1,
        "too many redirects": 1,
    }
    assert (report.fetched, report.standing.waiting, report.standing.failed) == (0, 2, 6)
    assert (server.asked["/always/1"], server.asked["/missing/1"]) == (3, 1)
    # Another run asks again for what may come, and for the rest only when told to.
    fetched(data, SafeFetcher(LIMITS, is_loopback))
    assert (server.asked["/always/1"], server.asked["/missing/1"]) == (6, 1)
    fetched(data, SafeFetcher(LIMITS, is_loopback), retry_failed=True)
    assert server.asked["/missing/1"] == 2


def test_a_busy_server_is_asked_again_after_longer_and_longer(
    data: DataDir, tmp_path: Path, server: Server
) -> None:
    feed(data, tmp_path, ("1", f"{server.url}/busy/1"))
    report, waits = fetched(data, SafeFetcher(LIMITS, is_loopback))
    assert report.fetched == 1
    assert [wait for wait in waits if wait >= 1] == [1.0, 2.0]


def test_a_server_that_drips_is_cut_off(server: Server) -> None:
    limits = FetchLimits(plain_http=True, connect_s=5, total_s=0.5)
    with pytest.raises(FetchProblem) as told:
        SafeFetcher(limits, is_loopback).fetch(f"{server.url}/drip/1")
    assert not told.value.final


def test_a_change_of_the_product_meanwhile_is_kept(
    data: DataDir, tmp_path: Path, server: Server
) -> None:
    feed(data, tmp_path, ("1", f"{server.url}/ok/red.jpg"))
    store = CatalogStore.open(data.database_url)

    class Meddler:
        """Lets somebody else change the product while its photo is on the way."""

        def fetch(self, url: str) -> bytes:
            product = store.get("1")
            assert isinstance(product, Product)
            store.upsert([replace(product, price_minor=500, currency="EUR")])
            return photo("red")

    fetch_images(data, Meddler(), FetchOptions(threads=1))
    store.close()
    found = products(data)["1"]
    assert (found.price_minor, len(found.images)) == (500, 1)


def test_a_product_over_a_limit_of_today_gets_no_photo_and_the_others_do(
    data: DataDir, tmp_path: Path, server: Server
) -> None:
    feed(data, tmp_path, ("1", f"{server.url}/ok/red.jpg"), ("2", f"{server.url}/ok/blue.jpg"))
    with closing(sqlite3.connect(data.database)) as kept, kept:
        kept.execute("update products set product_url = 'javascript:alert(1)' where id = '1'")
    report, _ = fetched(data, SafeFetcher(LIMITS, is_loopback))
    assert (report.fetched, report.standing.waiting, report.standing.failed) == (1, 0, 1)
    found = products(data)
    assert (len(found["1"].images), len(found["2"].images)) == (0, 1)


def test_no_address_but_a_public_one_is_connected_to(server: Server) -> None:
    fetcher = SafeFetcher(LIMITS)
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"):
        with pytest.raises(FetchProblem, match=r"public internet|no address"):
            fetcher.fetch(f"http://{host}:{server.server_port}/ok/red.jpg")
    assert not server.asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1", "64:ff9b::101:101", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.test/a.jpg", "plain http"),
        ("file:///etc/passwd", "plain http"),
        ("https://user:secret@shop.test/a.jpg", "no valid address"),
        ("https:///a.jpg", "no valid address"),
        ("https://shop.test:99999/", "no valid address"),
        ("https://shop.test/a\r\nHost: x", "no valid address"),
        ("https://a..b/", "no valid address"),
    ],
)
def test_an_address_that_is_none_of_the_web_is_refused(url: str, why: str) -> None:
    with pytest.raises(FetchProblem, match=why):
        SafeFetcher(FetchLimits()).fetch(url)


def test_one_server_is_not_asked_too_much() -> None:
    now, waits = [100.0], list[float]()

    def wait(seconds: float) -> None:
        waits.append(round(seconds, 3))
        now[0] += seconds

    politeness = Politeness(2, 0.5, clock=lambda: now[0], wait=wait)
    for server in ("a", "a", "b", "a"):
        with politeness.turn(server):
            pass
    assert waits == [0.5, 0.5]
    politeness.rest("b", 30)
    with politeness.turn("b"):
        pass
    assert waits[-1] == 30


def test_a_photo_that_no_product_wants_any_more_is_not_fetched(
    data: DataDir, tmp_path: Path, server: Server
) -> None:
    feed(data, tmp_path, ("1", f"{server.url}/ok/red.jpg"))
    feed(data, tmp_path, ("1", f"{server.url}/ok/blue.jpg"))
    urls = PhotoUrls(data.root / "imports" / NAME)
    assert list(urls.waiting()) == [f"{server.url}/ok/blue.jpg"]
    urls.close()
