"""The REST door of the catalogue's write side."""

import asyncio

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.reports import Verdict
from runtime.errors import Conflict, InvalidArgument
from services.gateway import rest_bodies as bodies
from services.gateway.catalog_writes import MAX_BATCH_BYTES, MAX_PRODUCT_BYTES, CatalogWrites
from services.gateway.keys import WRITE
from services.gateway.limits import check_id
from services.gateway.rest_openapi import Endpoint, body_of, parameter
from services.gateway.rest_paths import product_id_of
from services.gateway.schemas_products import (
    BatchUpsertBody,
    BatchUpsertReply,
    ProductBody,
    SeqReply,
    to_items,
    to_product,
)

JSON = "application/json"
_MATCH, _NONE_MATCH = "if-match", "if-none-match"
_MAX_DIGITS = 18


class ProductRoutes:
    """The endpoints that write. Each reads the raw request itself."""

    def __init__(self, writes: CatalogWrites, *, body_timeout_s: float) -> None:
        self._writes = writes
        self._body_timeout_s = body_timeout_s

    def endpoints(self) -> list[Endpoint]:
        """The routes, all of the scope ``write``."""
        product_id = parameter("product_id", "path", "string", "Id of the product.")
        match = parameter("If-Match", "header", "string", "The seq that the product must have.")
        new = parameter("If-None-Match", "header", "string", "*: the product must not exist yet.")
        path, batch = "/v1/products/{product_id}", "/v1/products:batchUpsert"
        one, many = {JSON: body_of(ProductBody)}, {JSON: body_of(BatchUpsertBody)}
        parameters = [product_id, match, new]
        return [
            Endpoint("PUT", path, self.put, SeqReply, one, parameters, scope=WRITE),
            Endpoint("POST", batch, self.batch_upsert, BatchUpsertReply, many, scope=WRITE),
            Endpoint("DELETE", path, self.delete, SeqReply, None, [product_id, match], scope=WRITE),
        ]

    async def put(self, request: Request) -> Response:
        """Creates or replaces a product; what was acknowledged is durable."""
        product_id = _product_id(request)
        if_seq = _if_seq(request)
        raw = await bodies.read(request, MAX_PRODUCT_BYTES, timeout_s=self._body_timeout_s)
        body = bodies.parse(ProductBody, raw)
        if body.id not in (None, product_id):
            raise InvalidArgument("the id is another than the one in the path", field="id")
        try:
            written = await self._writes.put(to_product(body, product_id), if_seq=if_seq)
        except Conflict as error:
            raise _at_header(request) from error
        is_changed = written.results[0].status != "unchanged"
        headers = {"ETag": f'"{written.seq}"'} if is_changed else {}
        return _json({"seq": written.seq}, headers)

    async def batch_upsert(self, request: Request) -> Response:
        """Creates or replaces up to 500 products, each with a verdict of its own."""
        raw = await bodies.read(request, MAX_BATCH_BYTES, timeout_s=self._body_timeout_s)
        # Megabytes of JSON would hold up the searches.
        items = await asyncio.to_thread(lambda: to_items(bodies.parse(BatchUpsertBody, raw)))
        written = await self._writes.upsert(items)
        return _json({"seq": written.seq, "results": [_verdict(v) for v in written.results]})

    async def delete(self, request: Request) -> Response:
        """Deletes a product; 404 if there is none."""
        product_id = _product_id(request)
        try:
            seq = await self._writes.delete(product_id, if_seq=_if_seq(request))
        except Conflict as error:
            raise _at_header(request) from error
        return _json({"seq": seq})


def _product_id(request: Request) -> str:
    product_id = product_id_of(request)
    check_id(product_id, "product_id")
    return product_id


def _if_seq(request: Request) -> int | None:
    """The seq that the headers ask for; 0 for a product that must not exist; None without one."""
    match, none_match = request.headers.get(_MATCH), request.headers.get(_NONE_MATCH)
    if none_match is not None:
        if none_match.strip() != "*" or match is not None or request.method == "DELETE":
            raise InvalidArgument("only * is taken, without If-Match, to create", field=_NONE_MATCH)
        return 0
    if match is None:
        return None
    told = match.strip()
    if len(told) > 1 and told[0] == told[-1] == '"':
        told = told[1:-1]
    if not (told.isascii() and told.isdecimal() and len(told) <= _MAX_DIGITS) or int(told) == 0:
        raise InvalidArgument('must be the seq of the product, such as "8812"', field=_MATCH)
    return int(told)


def _at_header(request: Request) -> Conflict:
    """The same, of the header that asked for it."""
    if _MATCH in request.headers:
        return Conflict("the product is at another seq: read it again", field=_MATCH)
    return Conflict("there is such a product already", field=_NONE_MATCH)


def _verdict(found: Verdict) -> dict[str, str | None]:
    return {
        "id": found.id,
        "status": found.status,
        "problem": found.problem or None,
        "field": found.field or None,
    }


def _json(body: dict[str, object], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type=JSON)
