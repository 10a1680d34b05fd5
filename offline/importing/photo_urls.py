"""Remembers which photos of which products are on the web, and what became of each."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "photo_urls.sqlite"
WAITING, FETCHED, FAILED = "waiting", "fetched", "failed"
_PAGE = 500
_TABLES = """
create table if not exists urls (
    url text primary key, state text not null, sha256 text not null, problem text not null
) without rowid;
create table if not exists wanted (
    product_id text not null, place integer not null, url text not null,
    primary key (product_id, place)
) without rowid;
create index if not exists wanted_url on wanted (url);
create index if not exists urls_state on urls (state, url);
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many photos are waiting to be fetched, were fetched, and cannot be."""

    waiting: int
    fetched: int
    failed: int


class PhotoUrls:
    """A small database of its own; used by one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=5)
        self._db.execute("pragma journal_mode=wal")
        self._db.executescript(_TABLES)
        self._is_empty = self._db.execute("select 1 from wanted limit 1").fetchone() is None

    def close(self) -> None:
        """Keeps what was told and closes the database."""
        self._db.commit()
        self._db.close()

    def commit(self) -> None:
        """Keeps what was told so far."""
        self._db.commit()

    def want(self, product_id: str, urls: Sequence[str]) -> tuple[str, ...]:
        """Tells the photos of a product, best first, and returns the SHA-256 of those fetched.

        What was told of the product before is forgotten.
        """
        if self._is_empty and not urls:
            return ()
        if self.urls_of(product_id) != tuple(urls):
            self._is_empty = False
            self._db.execute("delete from wanted where product_id = ?", (product_id,))
            self._db.executemany(
                "insert into wanted values (?, ?, ?)",
                [(product_id, place, url) for place, url in enumerate(urls)],
            )
            self._db.executemany(
                "insert into urls values (?, ?, '', '') on conflict do nothing",
                [(url, WAITING) for url in urls],
            )
        return self.fetched(product_id)

    def urls_of(self, product_id: str) -> tuple[str, ...]:
        """Returns the addresses of a product's photos, best first."""
        rows = self._db.execute(
            "select url from wanted where product_id = ? order by place", (product_id,)
        )
        return tuple(row[0] for row in rows)

    def fetched(self, product_id: str) -> tuple[str, ...]:
        """Returns the SHA-256 of a product's photos that were fetched, best first."""
        rows = self._db.execute(
            "select sha256 from wanted join urls using (url)"
            " where product_id = ? and state = ? order by place",
            (product_id, FETCHED),
        )
        return tuple(dict.fromkeys(row[0] for row in rows))

    def products_of(self, url: str) -> tuple[str, ...]:
        """Returns the products that show a photo."""
        rows = self._db.execute(
            "select distinct product_id from wanted where url = ? order by product_id", (url,)
        )
        return tuple(row[0] for row in rows)

    def waiting(self) -> Iterator[str]:
        """Yields the addresses to fetch, those that a product wants only."""
        after = ""
        while True:
            rows = self._db.execute(
                "select url from urls where state = ? and url > ?"
                " and exists (select 1 from wanted where wanted.url = urls.url)"
                " order by url limit ?",
                (WAITING, after, _PAGE),
            ).fetchall()
            yield from (row[0] for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def settle(self, url: str, *, sha256: str = "", problem: str = "", final: bool = True) -> None:
        """Tells what became of a photo.

        Args:
            url: Its address.
            sha256: The photo in the media store, or empty.
            problem: Why there is none, or empty.
            final: Whether it makes no sense to try it again.
        """
        state = FETCHED if sha256 else FAILED if final else WAITING
        self._db.execute(
            "update urls set state = ?, sha256 = ?, problem = ? where url = ?",
            (state, sha256, problem, url),
        )

    def retry_failed(self) -> int:
        """Puts what failed back among the waiting, and returns how many there were."""
        return self._db.execute(
            "update urls set state = ?, problem = '' where state = ?", (WAITING, FAILED)
        ).rowcount

    def problems(self) -> dict[str, int]:
        """Returns how many photos could not be fetched, by reason."""
        rows = self._db.execute(
            "select problem, count(*) from urls where problem != '' group by problem"
        )
        return {row[0]: row[1] for row in rows}

    def standing(self) -> Standing:
        """Returns how far fetching has come."""
        rows = self._db.execute("select state, count(*) from urls group by state").fetchall()
        counts = {row[0]: row[1] for row in rows}
        return Standing(*(counts.get(state, 0) for state in (WAITING, FETCHED, FAILED)))
