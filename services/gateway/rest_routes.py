"""The REST door: one method a route, each a translation and a call of a room."""

from dataclasses import asdict

import orjson
from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import InvalidArgument, NotFound, TooLarge
from runtime.tracing import current_request_id
from services.gateway import rest_bodies as bodies
from services.gateway.limits import check_id
from services.gateway.query import Query, within_time
from services.gateway.rest_json import ProductJson, answer_to_json
from services.gateway.rest_paths import product_id_of
from services.gateway.rest_query import header_s, number
from services.gateway.schemas import BatchGetBody, SearchBody, to_query
from services.gateway.servicer_rooms import Rooms

__all__ = ["JSON", "Rooms", "Routes"]

JSON = "application/json"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_MINUTE = "public, max-age=60"
MAX_SHOPPERS = 200
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Routes:
    """The endpoints. Each reads the raw request itself, so that nothing is coerced or echoed."""

    def __init__(self, rooms: Rooms, *, body_timeout_s: float) -> None:
        self._rooms = rooms
        self._body_timeout_s = body_timeout_s
        self._products = ProductJson()

    async def search(self, request: Request) -> Response:
        """Finds products by words, photos and examples, in the order that fits the shopper."""
        query = within_time(await self._query(request), header_s(request))
        answer = await self._rooms.searching.search(query)
        return _json(answer_to_json(answer, self._products, current_request_id()))

    async def get_product(self, request: Request) -> Response:
        """Returns one product."""
        product_id = product_id_of(request)
        check_id(product_id, "product_id")
        found = await self._rooms.documents.read([product_id])
        if product_id not in found:
            raise NotFound("there is no such product", field="product_id")
        tag = f'"{found[product_id].seq}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        body = orjson.dumps(self._products.of(found[product_id]))
        return Response(body, headers={"ETag": tag}, media_type=JSON)

    async def batch_get(self, request: Request) -> Response:
        """Returns several products at once and names those that do not exist."""
        raw = await self._read(request, bodies.MAX_JSON_BYTES)
        ids = list(dict.fromkeys(bodies.parse(BatchGetBody, raw).ids))
        found = await self._rooms.documents.read(ids)
        reply = {
            "products": [self._products.of(found[name]) for name in ids if name in found],
            "missing": [name for name in ids if name not in found],
        }
        return _json(orjson.dumps(reply))

    async def upload_image(self, request: Request) -> Response:
        """Keeps a photo (the body: bytes of a JPEG, PNG or WebP) and returns its hash."""
        photo = await self._read(request, bodies.MAX_PHOTO_BYTES)
        sha256 = await self._rooms.pictures.put(photo)
        return _json(orjson.dumps({"sha256": sha256}))

    async def get_image(self, request: Request) -> Response:
        """Returns a photo; with ?width=256 or 512 a thumbnail, if it is the photo of a product."""
        sha256 = request.path_params["sha256"]
        tag = f'"{sha256}"'
        width = number(request, "width", 0) if "width" in request.query_params else None
        if width is None and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": FOR_EVER})
        picture = await self._rooms.pictures.get(sha256, width)
        headers = {"Cache-Control": FOR_EVER if picture.final else FOR_A_MINUTE}
        if width is None:
            headers["ETag"] = tag
        return Response(picture.data, headers=headers, media_type=picture.media_type)

    async def sample_shoppers(self, request: Request) -> Response:
        """Returns some shoppers of the drawn catalogue; 404 on any other."""
        if self._rooms.shoppers is None:
            raise NotFound("only the demo shows shoppers")
        limit = number(request, "limit", 20)
        if not 1 <= limit <= MAX_SHOPPERS:
            raise InvalidArgument(f"must be 1 to {MAX_SHOPPERS}", field="limit")
        shoppers = await self._rooms.shoppers.sample(limit)
        return _json(orjson.dumps({"shoppers": [asdict(shopper) for shopper in shoppers]}))

    async def live(self, request: Request) -> Response:
        """Says that the process answers."""
        del request
        return Response("live\n", media_type="text/plain")

    async def ready(self, request: Request) -> Response:
        """Says whether work may be sent here, and why not."""
        del request
        reason = self._rooms.why_not_ready()
        return Response(f"{reason or 'ready'}\n", 503 if reason else 200, media_type="text/plain")

    async def metrics(self, request: Request) -> Response:
        """Returns the measurements in the text format of Prometheus."""
        del request
        return Response(self._rooms.metrics.render(), media_type=_METRICS)

    async def _query(self, request: Request) -> Query:
        kind = request.headers.get("content-type", "")
        if not kind.lower().startswith("multipart/form-data"):
            raw = await self._read(request, bodies.MAX_JSON_BYTES)
            return to_query(bodies.parse(SearchBody, raw), {})
        form = bodies.parse_form(await self._read(request, bodies.MAX_FORM_BYTES), kind)
        raw = form.pop("request", b"{}")
        if len(raw) > bodies.MAX_JSON_BYTES:
            raise TooLarge(f"at most {bodies.MAX_JSON_BYTES} bytes", field="request")
        return to_query(bodies.parse(SearchBody, raw), form)

    async def _read(self, request: Request, most: int) -> bytes:
        return await bodies.read(request, most, timeout_s=self._body_timeout_s)


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSON)
