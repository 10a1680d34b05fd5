"""Asks the retrievers: the text leg with the words, the picture leg with vectors of the parts."""

import asyncio
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.product_filter import ProductFilter
from runtime.errors import InvalidArgument, PreconditionFailed
from services.gateway.aiming import aim_at
from services.gateway.budget import Deadline
from services.gateway.fanout import MAX_DEPTH, Filters, together
from services.gateway.parts import Example, Part, Photo, StoredPhoto, Words
from services.gateway.query import NEWEST, RELEVANCE, Query
from services.gateway.reading import pictured
from services.gateway.stages import (
    ImageStage,
    Photos,
    QueryVector,
    Ranking,
    TextStage,
    VectorCache,
)

BACKGROUND_KEPT = "background_kept"
"""Nothing told the garment of a photo from what stands around it, so that it was left as it is."""
_AGAIN = 2  # encodings after the first was refused
_HASH_IN_THREAD = 1 << 20  # a megabyte takes about 1 ms


@dataclass(frozen=True, slots=True)
class TextLeg:
    """Looks the words of a query up, or lists products where the query has no parts.

    Words that lead away are not looked up.
    """

    stage: TextStage

    async def retrieve(
        self, query: Query, count: int, deadline: Deadline, filters: Filters
    ) -> Sequence[Ranking]:
        """At most ``count`` products for each filter.

        Those that the query is made of are not among them, unless it asks for them. A list without
        words is as deep as a result may be: then its total is exact.
        """
        if query.parts:
            return await together([self._found(query, count, deadline, each) for each in filters])
        return await together([self._listed(query, deadline, each) for each in filters])

    async def _found(
        self, query: Query, count: int, deadline: Deadline, filter: ProductFilter | None
    ) -> Ranking:
        found = await self.stage.retrieve(
            query.words,
            count,
            filter=filter,
            min_seq=query.min_seq,
            timeout_s=deadline.left_s(),
            boosts=query.boosts,
            excluded_text=query.excluded_words,
        )
        return found if query.include_examples else found.without(query.example_ids)

    async def _listed(
        self, query: Query, deadline: Deadline, filter: ProductFilter | None
    ) -> Ranking:
        order = NEWEST if query.sort == RELEVANCE else query.sort
        return await self.stage.browse(
            order, MAX_DEPTH, filter=filter, min_seq=query.min_seq, timeout_s=deadline.left_s()
        )


@dataclass(frozen=True, slots=True)
class ImageLeg:
    """Turns a query into a vector, or remembers it, and finds the products nearest to it."""

    stage: ImageStage
    vectors: VectorCache
    photos: Photos

    async def retrieve(
        self, query: Query, count: int, deadline: Deadline, filters: Filters
    ) -> Sequence[Ranking]:
        """At most ``count`` products a filter; none where the encoder knows no word of the query.

        Neither the products that the query is made of nor those that look the same are among them,
        unless it asks for them. Each part is encoded and kept for itself, so that a photo is
        encoded once, whatever is said about it.

        An index of another encoder than the one that made the vector refuses it: the query is
        then encoded once more. That happens with kept vectors, and while a release spreads, when
        the replica that encoded has swapped and those that search have not, or the reverse.
        """
        filters = [pictured(query, each) for each in filters]
        vectors = await self._remembered(query.parts, deadline)
        for _ in range(_AGAIN):
            try:
                return await self._search(query, vectors, count, deadline, filters)
            except PreconditionFailed:
                self.vectors.refuse(vectors[0].fingerprint)
            vectors = await self._encoded(query.parts, deadline)
        return await self._search(query, vectors, count, deadline, filters)

    async def _remembered(self, parts: Sequence[Part], deadline: Deadline) -> Sequence[QueryVector]:
        """The vectors of parts, of one encoder; only those that are not kept are encoded."""
        keys = [await part_key(part) for part in parts]
        kept = list(await asyncio.gather(*(self.vectors.get(key) for key in keys)))
        missing = [place for place, vector in enumerate(kept) if vector is None]
        if missing:
            new = await self._encoded([parts[place] for place in missing], deadline)
            for place, vector in zip(missing, new, strict=True):
                kept[place] = vector
        vectors = [vector for vector in kept if vector is not None]
        if len({vector.fingerprint for vector in vectors}) > 1:
            # The encoder has changed since the others were kept.
            return await self._encoded(parts, deadline)
        return vectors

    async def _encoded(self, parts: Sequence[Part], deadline: Deadline) -> Sequence[QueryVector]:
        """The vectors of parts, each for itself in one call, and each kept."""
        loaded = [[await self._loaded(replace(part, weight=1.0))] for part in parts]
        vectors = await self.stage.encode(loaded, timeout_s=deadline.left_s())
        for part, vector in zip(parts, vectors, strict=True):
            self.vectors.put(await part_key(part), vector)
        return vectors

    async def _search(
        self,
        query: Query,
        vectors: Sequence[QueryVector],
        count: int,
        deadline: Deadline,
        filters: Filters,
    ) -> Sequence[Ranking]:
        reasons = (BACKGROUND_KEPT,) if any(each.background_kept for each in vectors) else ()
        aim = aim_at(query, vectors, count)
        if aim is None:
            return [Ranking((), ()) for _ in filters]
        excluded = () if query.include_examples else query.example_ids
        found = await together(
            [
                self.stage.search(
                    aim.vector,
                    count,
                    filter=each,
                    excluded=excluded,
                    min_seq=query.min_seq,
                    timeout_s=deadline.left_s(),
                    look_alikes_excluded=bool(excluded),
                    order_vector=aim.order,
                    candidates=aim.candidates,
                    kind_vector=aim.kind,
                    kind_products=aim.kind_products,
                )
                for each in filters
            ]
        )
        return [replace(each, reasons=reasons) for each in found] if reasons else found

    async def _loaded(self, part: Part) -> Part:
        if not isinstance(part.source, StoredPhoto):
            return part
        data = await self.photos.read(part.source.sha256)
        if data is None:
            raise InvalidArgument("no photo has this hash: upload it first", field=part.field)
        return replace(part, source=Photo(data))


async def query_key(parts: Sequence[Part]) -> bytes:
    """32 bytes that are equal for queries of equal parts and weights."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(await part_key(part) + struct.pack("<d", part.weight))
    return digest.digest()


async def part_key(part: Part) -> bytes:
    """32 bytes that are equal for parts of equal vectors: a photo counts by its content."""
    digest = hashlib.sha256()
    kind, content = await _content(part)
    digest.update(struct.pack("<cI", kind, len(content)))
    digest.update(content)
    if part.crop is not None:
        crop = part.crop
        digest.update(struct.pack("<c4d", b"c", crop.x, crop.y, crop.width, crop.height))
    if part.remove_background:
        digest.update(b"b")
    return digest.digest()


async def _content(part: Part) -> tuple[bytes, bytes]:
    match part.source:
        case Words(text=text, own=own):
            # No text holds a zero. Which of the two is encoded, the encoder decides.
            return b"w", f"{text}\0{own}".encode() if own else text.encode()
        case Example(product_id):
            return b"e", product_id.encode()
        case StoredPhoto(sha256):
            return b"p", bytes.fromhex(sha256)
        case Photo(data) if len(data) > _HASH_IN_THREAD:
            return b"p", await asyncio.to_thread(_sha256, data)
        case Photo(data):
            return b"p", _sha256(data)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
