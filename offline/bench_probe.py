"""Asks one replica of a stage, or the gateway, whether it knows of a change yet."""

from dataclasses import dataclass
from typing import Any, Protocol

import grpc.aio
import httpx

from catalog.filter_wire import filter_to_proto
from catalog.product_filter import AllOf, Condition, ProductFilter
from fashion.image.v1 import image_retriever_pb2 as image
from fashion.image.v1.image_retriever_pb2_grpc import ImageRetrieverServiceStub
from fashion.text.v1 import text_retriever_pb2 as text
from fashion.text.v1.text_retriever_pb2_grpc import TextRetrieverServiceStub
from offline.run_state import RunState

TIMEOUT_S = 5.0
_CHANNEL = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be found of a product.

    Attributes:
        kind: ``price``, ``upsert`` or ``delete``.
        product_id: The product.
        price: Its price in minor units; not read for a deletion.
        words: Words that find a new product.
    """

    kind: str
    product_id: str
    price: int = 0
    words: str = ""

    @property
    def filter(self) -> ProductFilter:
        """Admits the product as it is wanted; a deleted one under any price."""
        by_id = Condition("id", (self.product_id,))
        if self.kind == "delete":
            return by_id
        return AllOf((by_id, Condition("price_minor", (str(self.price),))))

    @property
    def json(self) -> dict[str, Any]:
        """The same filter as JSON."""
        by_id: dict[str, Any] = {"field": "id", "in": [self.product_id]}
        if self.kind == "delete":
            return by_id
        return {"and": [by_id, {"field": "price_minor", "in": [self.price]}]}

    def holds(self, found: bool) -> bool:
        """Whether an answer that holds the product, or does not, is the one wanted."""
        return found != (self.kind == "delete")


class Probe(Protocol):
    """One place that answers searches."""

    @property
    def name(self) -> str:
        """Such as ``text-1``."""

    async def shows(self, wanted: Wanted) -> bool:
        """Whether the answers hold a change."""

    async def close(self) -> None:
        """Disconnects."""


class TextProbe:
    """One replica of the text stage, asked directly."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._channel = grpc.aio.insecure_channel(address, options=_CHANNEL)
        self._stub = TextRetrieverServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated code

    async def shows(self, wanted: Wanted) -> bool:
        """Looks a new product up by its words, and any other in the listing."""
        filtered = filter_to_proto(wanted.filter)
        if wanted.kind == "upsert":
            query = text.TextQuery(text=wanted.words, hit_count=1, filter=filtered)
            request = text.RetrieveProductsRequest(queries=[query])
            reply = await self._stub.RetrieveProducts(request, timeout=TIMEOUT_S)
            return wanted.product_id in reply.results[0].hits.product_ids
        listing = text.BrowseProductsRequest(filter=filtered, hit_count=1)
        reply = await self._stub.BrowseProducts(listing, timeout=TIMEOUT_S)
        return wanted.holds(wanted.product_id in reply.product_ids)

    async def close(self) -> None:
        """Disconnects."""
        await self._channel.close()


class ImageProbe:
    """One replica of the image stage, asked directly for what is near a vector.

    Args:
        name: Such as ``image-1``.
        address: Where it answers.
        vector: A unit vector as little-endian float32.
        fingerprint: Of the encoder that made it.
    """

    def __init__(self, name: str, address: str, vector: bytes, fingerprint: str) -> None:
        self.name = name
        self._vector, self._fingerprint = vector, fingerprint
        self._channel = grpc.aio.insecure_channel(address, options=_CHANNEL)
        self._stub = ImageRetrieverServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated code

    async def shows(self, wanted: Wanted) -> bool:
        """Searches among the one product that is wanted."""
        query = image.VectorQuery(
            vector=self._vector, hit_count=1, filter=filter_to_proto(wanted.filter)
        )
        request = image.SearchVectorsRequest(queries=[query], encoder_fingerprint=self._fingerprint)
        reply = await self._stub.SearchVectors(request, timeout=TIMEOUT_S)
        return wanted.holds(wanted.product_id in reply.results[0].hits.product_ids)

    async def close(self) -> None:
        """Disconnects."""
        await self._channel.close()


class GatewayProbe:
    """The gateway, asked over REST as a shop asks it."""

    def __init__(self, name: str, url: str, *, key: str = "") -> None:
        self.name = name
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(
            base_url=url, timeout=TIMEOUT_S, headers=headers, trust_env=False
        )

    async def shows(self, wanted: Wanted) -> bool:
        """Searches by words for a new product, and lists any other."""
        body = {"filter": wanted.json, "page_size": 1, "personalization": 0.0}
        if wanted.kind == "upsert":
            body |= {"text": wanted.words, "retrievers": ["text"]}
        answer = await self._http.post("/v1/search", json=body)
        answer.raise_for_status()
        ids = [hit["product"]["id"] for hit in answer.json()["hits"]]
        return wanted.holds(wanted.product_id in ids)

    async def close(self) -> None:
        """Disconnects."""
        await self._http.aclose()


async def probes_of(state: RunState, words: str, *, key: str = "") -> list[Probe]:
    """Returns a probe for each replica of the text and the image stage, and for each gateway.

    Args:
        state: What runs.
        words: Words that the encoder knows; their vector is what the image stage is asked for.
        key: API key; empty where none is needed.
    """
    made: list[Probe] = []
    images = [member for member in state.members if member.stage == "image"]
    if images:
        vector, fingerprint = await _vector(images[0].address, words)
        made += [ImageProbe(each.name, each.address, vector, fingerprint) for each in images]
    for member in state.members:
        if member.stage == "text":
            made.append(TextProbe(member.name, member.address))
        elif member.stage == "gateway":
            made.append(GatewayProbe(member.name, f"http://{member.address}", key=key))
    return made


async def _vector(address: str, words: str) -> tuple[bytes, str]:
    async with grpc.aio.insecure_channel(address, options=_CHANNEL) as channel:
        stub = ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]  # generated code
        query = image.EncodeQuery(parts=[image.QueryPart(text=words)])
        request = image.EncodeQueriesRequest(queries=[query])
        reply = await stub.EncodeQueries(request, timeout=TIMEOUT_S)
    return reply.queries[0].vector, reply.encoder_fingerprint
