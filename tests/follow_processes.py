"""Processes that write, follow and embed one catalogue at the same time, and may be killed."""

import hashlib
import multiprocessing
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import orjson
from sqlalchemy import event, select

from catalog.feed import ChangeBatch, ChangeFeed
from catalog.product import Product
from catalog.rows import product_values
from catalog.store import CatalogStore
from catalog.tables import IMAGE_VECTORS, PRODUCTS
from catalog.tail import Tail
from runtime.errors import Unavailable
from tests.test_store import plain

ENCODER = "enc"
BATCH = 50
PHOTOS = 200
DEADLINE_S = 240.0
_Row = tuple[int, int, str, str]


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the test's, and the line to it."""

    process: BaseProcess
    line: Connection

    def answer(self) -> object:
        """Returns what the child says next."""
        assert self.line.poll(DEADLINE_S), "a process of the test's did not answer"
        return self.line.recv()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self.process.is_alive()
        self.process.kill()
        self.process.join()


def begin(role: Callable[..., None], *told: object) -> Child:
    """Starts a role in a process of its own, forked from one that holds no connection."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    here, there = context.Pipe()
    process = context.Process(target=role, args=(there, *told), daemon=True)
    process.start()
    there.close()
    return Child(process, here)


def write(line: Connection, database: str, seed: int, changes: int, pause_s: float) -> None:
    """Changes products at random, pausing before each commit; says how many it changed."""
    store = CatalogStore.open(database)
    dice = random.Random(seed)
    event.listen(store.engine, "commit", lambda _: time.sleep(dice.uniform(0, 2 * pause_s)))
    done = 0
    while done < changes:
        wanted = [_product(dice) for _ in range(dice.randint(1, 2 * BATCH))]
        try:
            if dice.random() < 0.2:
                done += store.delete([product.id for product in wanted]).deleted
            else:
                report = store.upsert(wanted)
                done += report.created + report.updated
        except Unavailable:
            continue
    store.close()
    line.send(done)


def _product(dice: random.Random) -> Product:
    number = dice.randrange(3_000)
    photo = hashlib.sha256(str(number % PHOTOS).encode()).hexdigest()
    images = (photo,) if dice.random() < 0.5 else ()
    return replace(plain(number, f"Take {dice.randrange(10**9)}"), images=images)


def embed(line: Connection, database: str, holder: str, lease_s: float, hangs: bool) -> None:
    """Embeds photos until told to finish, then until none waits; says how many it embedded.

    One that ``hangs`` says so as soon as it holds a claim, and does nothing more.
    """
    store = CatalogStore.open(database)
    embedded = 0
    finishing = False
    while True:
        finishing = finishing or line.poll()
        waiting = store.pending_photos(ENCODER, 20)
        if not waiting and finishing and not _unsettled(store):
            break
        shas = sorted({product.images[0] for product in waiting})
        try:
            mine = store.vectors.claim(ENCODER, shas, holder=holder, lease_s=lease_s)
            if mine and hangs:
                line.send(mine)
                line.recv()
            rows = [(sha, hashlib.sha256(sha.encode()).digest(), "") for sha in mine]
            if rows:
                store.vectors.put(ENCODER, rows)
                embedded += len(rows)
            known = store.vectors.get(ENCODER, shas)
            settled = {product.id: "embedded" for product in waiting if product.images[0] in known}
            if settled:
                store.set_image_state(settled)
        except Unavailable:
            continue
        if not waiting:
            time.sleep(0.02)
    store.close()
    line.send(embedded)


def _unsettled(store: CatalogStore) -> bool:
    # Those whose photo a dead holder still has are not among the pending ones.
    return any(product.image_state == "pending" for product in store.scan())


def follow(line: Connection, database: str, file: str, seed: int) -> None:
    """Follows the catalogue from what its file holds; told a number, says its digest at it."""
    store = CatalogStore.open(database)
    copy = Copy.open(Path(file), random.Random(seed))
    feed = ChangeFeed(store, fingerprint=ENCODER, limit=200)
    tail = Tail(feed, copy.apply, after=copy.seq, poll_s=0.01)
    tail.start()
    target: int = line.recv()
    assert tail.wait_for(target, DEADLINE_S), tail.problem
    tail.stop()
    line.send(copy.digest())


class Copy:
    """What a follower knows, kept in a file now and then, so that a killed one goes on."""

    def __init__(self, file: Path, dice: random.Random) -> None:
        self._file = file
        self._dice = dice
        self.seq = 0
        self._products: dict[str, _Row] = {}
        self._vectors: dict[str, str] = {}

    @classmethod
    def open(cls, file: Path, dice: random.Random) -> "Copy":
        copy = cls(file, dice)
        if file.exists():
            copy.seq, products, copy._vectors = orjson.loads(file.read_bytes())
            copy._products = {key: tuple(row) for key, row in products.items()}
        return copy

    def apply(self, batch: ChangeBatch) -> None:
        for change in batch.products:
            self._products.pop(change.product_id, None)
            if change.product is not None:
                self._products[change.product_id] = (
                    change.product.seq,
                    change.product.added_seq,
                    change.product.image_state,
                    str(product_values(change.product)["digest"]),
                )
        self._vectors |= {each.sha256: each.vector.hex() for each in batch.vectors}
        self.seq = batch.seq
        if self._dice.random() < 0.2:
            scratch = self._file.with_suffix(".new")
            scratch.write_bytes(orjson.dumps([self.seq, self._products, self._vectors]))
            scratch.replace(self._file)

    def digest(self) -> str:
        return digest_of(self._products, self._vectors)


def digest_of(products: Mapping[str, Sequence[object]], vectors: Mapping[str, str]) -> str:
    """Returns a digest of products and vectors, whatever order they came in."""
    content = [sorted((key, *row) for key, row in products.items()), sorted(vectors.items())]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def digest_of_table(store: CatalogStore) -> str:
    """Returns the digest that a follower who missed nothing must have."""
    p, v = PRODUCTS.c, IMAGE_VECTORS.c
    with store.engine.connect() as connection:
        columns = (p.id, p.seq, p.added_seq, p.image_state, p.digest)
        rows = connection.execute(select(*columns).where(~p.deleted)).all()
        kept = select(v.sha256, v.vector).where(v.fingerprint == ENCODER)
        vectors = {sha: bytes(vector).hex() for sha, vector in connection.execute(kept).all()}
    return digest_of({key: row for key, *row in rows}, vectors)
