"""Fetches the photos that an import wrote down, and gives them to their products."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol
from urllib.parse import urlsplit

from catalog.media import MediaStore, media_type
from catalog.photos import Photo
from catalog.product import MAX_IMAGES
from catalog.store import CatalogStore
from offline.importing.photo_urls import NAME, PhotoUrls, Standing
from offline.importing.politeness import Politeness
from offline.importing.safe_fetch import FetchProblem
from offline.layout import DataDir
from offline.progress import progress
from runtime.errors import Conflict, InvalidArgument, ServiceError, SetupError

_MAX_REST_S = 60.0
_CHANGES = 5


class Fetcher(Protocol):
    """What brings a photo."""

    def fetch(self, url: str) -> bytes:
        """Returns the bytes of a photo, or raises FetchProblem."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How photos are fetched.

    Attributes:
        threads: Photos at the same time.
        tries: How often a photo is asked for in all, while another try makes sense.
        pause_s: Seconds before the second try; each further one waits twice as long.
        politeness: What one server is asked at most.
        retry_failed: Whether those are tried again that failed for good before.
        sleep: Waits for seconds.
    """

    threads: int = 16
    tries: int = 3
    pause_s: float = 1.0
    politeness: Politeness = field(default_factory=Politeness)
    retry_failed: bool = False
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What fetching came to.

    Attributes:
        fetched: Photos that came in this run.
        standing: How many came, wait and failed in all.
        problems: How many did not come, by reason.
    """

    fetched: int
    standing: Standing
    problems: Mapping[str, int]


def fetch_images(
    data: DataDir, fetcher: Fetcher, options: FetchOptions | None = None
) -> FetchReport:
    """Fetches what is written down and not there yet; may be ended and started again at any time.

    A product gets a photo as soon as it came; one that two products name is fetched once.

    Args:
        data: The catalogue.
        fetcher: What brings a photo.
        options: How.

    Raises:
        SetupError: There is no catalogue.
    """
    data.require_catalog()
    options = options or FetchOptions()
    urls = PhotoUrls(data.root / "imports" / NAME)
    store = CatalogStore.open(data.database_url)
    try:
        if options.retry_failed:
            urls.retry_failed()
        run = _Run(urls, store, MediaStore(data.media), fetcher, options)
        fetched = run.all()
        return FetchReport(fetched, urls.standing(), urls.problems())
    finally:
        store.close()
        urls.close()


class _Run:
    """One run: threads fetch, and the one that runs it writes."""

    def __init__(
        self,
        urls: PhotoUrls,
        store: CatalogStore,
        media: MediaStore,
        fetcher: Fetcher,
        options: FetchOptions,
    ) -> None:
        self._urls = urls
        self._store = store
        self._media = media
        self._fetcher = fetcher
        self._options = options

    def all(self) -> int:
        """Fetches all and returns how many came."""
        waiting = self._urls.waiting()
        fetched = 0
        threads = ThreadPoolExecutor(self._options.threads, "fetch")
        try:
            with progress("Fetching photos", self._urls.standing().waiting) as shown:
                running = self._begin(threads, waiting, 2 * self._options.threads)
                while running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        fetched += self._settle(running.pop(future), future)
                    self._urls.commit()
                    shown.advance(len(done))
                    running |= self._begin(threads, waiting, len(done))
        finally:
            # After Ctrl-C, what has not begun is left for the next run.
            threads.shutdown(cancel_futures=True)
        return fetched

    def _begin(
        self, threads: ThreadPoolExecutor, waiting: Iterator[str], count: int
    ) -> dict[Future[Photo], str]:
        return {threads.submit(self._bring, url): url for url in islice(waiting, count)}

    def _bring(self, url: str) -> Photo:
        """Fetches a photo into the media store; in a thread."""
        server = urlsplit(url).netloc.lower()
        politeness = self._options.politeness
        for number in range(1, self._options.tries + 1):
            try:
                with politeness.turn(server):
                    photo = self._fetcher.fetch(url)
                return Photo(self._media.put(photo), media_type(photo) or "", len(photo))
            except FetchProblem as problem:
                if problem.final or number == self._options.tries:
                    raise
                if problem.retry_after_s:
                    politeness.rest(server, min(problem.retry_after_s, _MAX_REST_S))
                self._options.sleep(self._options.pause_s * 2 ** (number - 1))
        raise FetchProblem("it was not asked for")

    def _settle(self, url: str, future: Future[Photo]) -> bool:
        try:
            photo = future.result()
        except FetchProblem as problem:
            self._urls.settle(url, problem=problem.reason, final=problem.final)
            return False
        except ServiceError as problem:
            self._urls.settle(url, problem=problem.message)
            return False
        self._urls.settle(url, sha256=photo.sha256)
        self._store.add_media([photo])
        try:
            for product_id in self._urls.products_of(url):
                self._show(product_id)
        except InvalidArgument as problem:
            # An earlier version kept a product that is over a limit of today.
            self._urls.settle(url, problem=problem.message)
            return False
        return True

    def _show(self, product_id: str) -> None:
        """Gives a product the photos of it that came, best first, after those it has on disk."""
        fetched = self._urls.fetched(product_id)
        for _ in range(_CHANGES):
            product = self._store.get(product_id)
            if product is None:
                return
            own = [image for image in product.images if image not in fetched]
            images = (*own, *fetched)[:MAX_IMAGES]
            if images == product.images:
                return
            try:
                self._store.upsert([replace(product, images=images)], if_seq=product.seq)
                return
            except Conflict:
                # Somebody changed the product meanwhile, so it is read again.
                continue
        raise SetupError(f"the product {product_id} changes too often: fetch again later")
