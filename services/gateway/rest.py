"""Builds the REST application: routes, errors, the page, and the description of it all."""

from pathlib import Path

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from runtime.errors import Code, Internal, NotFound, ServiceError
from runtime.limiter import Limiter
from services.gateway import schemas_out as out
from services.gateway.access import Access
from services.gateway.keys import ACT_AS_USER, ADMIN
from services.gateway.rest_access import give_session
from services.gateway.rest_bodies import BodyTimeout
from services.gateway.rest_frame import Frame
from services.gateway.rest_interactions import InteractionRoutes
from services.gateway.rest_openapi import (
    Description,
    Endpoint,
    add,
    body_of,
    docs_page,
    form_of,
    parameter,
)
from services.gateway.rest_problems import problem, problem_of
from services.gateway.rest_products import ProductRoutes
from services.gateway.rest_recommend import RecommendRoutes
from services.gateway.rest_routes import JSON, Routes
from services.gateway.rest_similar import SimilarRoutes
from services.gateway.rest_suggest import SuggestRoutes
from services.gateway.schemas import BatchGetBody, SearchBody
from services.gateway.servicer_rooms import Rooms
from services.gateway.similar import SimilarFinder

WEB = Path(__file__).parent / "web"
IN_FLIGHT_LIMIT = 64
BODY_TIMEOUT_S = 10.0
API_VERSION = "1"
REQUEST_TIMEOUT = 408
_CODES = {code.http_status: code for code in Code}
_BYTES = {"type": "string", "format": "binary"}


def create_app(
    rooms: Rooms,
    *,
    web: Path = WEB,
    in_flight_limit: int = IN_FLIGHT_LIMIT,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> Frame:
    """The application, an ASGI callable.

    Args:
        rooms: What its routes open to.
        web: Folder of the page.
        in_flight_limit: Most requests at once; those over it are turned away at once.
        body_timeout_s: Seconds that a body may take to arrive.
    """
    app = FastAPI(
        title="Hemline",
        version=API_VERSION,
        description="Finds clothes by words, photos and examples.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={ServiceError: _told, HTTPException: _http_told, Exception: _bug},
    )
    endpoints = _endpoints(Routes(rooms, body_timeout_s=body_timeout_s))
    finder = SimilarFinder(rooms.searching, rooms.documents, rooms.neighbours)
    endpoints += SimilarRoutes(finder).endpoints()
    if rooms.writes is not None:
        endpoints += ProductRoutes(rooms.writes, body_timeout_s=body_timeout_s).endpoints()
    if rooms.suggester is not None:
        endpoints += SuggestRoutes(rooms.suggester).endpoints()
    if rooms.recorder is not None and rooms.histories is not None:
        shoppers = InteractionRoutes(rooms.recorder, rooms.histories, body_timeout_s=body_timeout_s)
        endpoints += shoppers.endpoints()
    if rooms.recommending is not None:
        recommend = RecommendRoutes(rooms.recommending, body_timeout_s=body_timeout_s)
        endpoints += recommend.endpoints()
    for endpoint in endpoints:
        add(app, endpoint, rooms.access)
    _add_pages(app, web, rooms.access)
    return Frame(app, Limiter(in_flight_limit), rooms.metrics)


def _endpoints(routes: Routes) -> list[Endpoint]:
    waits = parameter("X-Timeout-Ms", "header", "integer", "Milliseconds that the caller waits.")
    product_id = parameter("product_id", "path", "string", "Id of the product.")
    sha256 = parameter("sha256", "path", "string", "SHA-256 of the photo in lower-case hex.")
    width = parameter("width", "query", "integer", "Width of the thumbnail, 256 or 512.")
    limit = parameter("limit", "query", "integer", "Most shoppers, 1 to 200.")
    query = {JSON: body_of(SearchBody), "multipart/form-data": form_of(SearchBody)}
    ids = {JSON: body_of(BatchGetBody)}
    photo = {"image/jpeg": _BYTES, "image/png": _BYTES, "image/webp": _BYTES}
    products, product = "/v1/products", "/v1/products/{product_id}"
    images, image = "/v1/images", "/v1/images/{sha256}"
    return [
        Endpoint("POST", "/v1/search", routes.search, out.SearchReply, query, [waits]),
        Endpoint("GET", product, routes.get_product, out.ProductReply, None, [product_id]),
        Endpoint("POST", f"{products}:batchGet", routes.batch_get, out.BatchGetReply, ids),
        Endpoint("POST", images, routes.upload_image, out.UploadReply, photo),
        # Who knows the hash of a photo has seen it.
        Endpoint("GET", image, routes.get_image, None, None, [sha256, width], scope=None),
        Endpoint(
            "GET",
            "/v1/shoppers:sample",
            routes.sample_shoppers,
            out.ShoppersReply,
            None,
            [limit],
            scope=ACT_AS_USER,
        ),
        Endpoint("GET", "/livez", routes.live, scope=None),
        Endpoint("GET", "/readyz", routes.ready, scope=None),
        Endpoint("GET", "/metrics", routes.metrics, scope=ADMIN),
    ]


def _add_pages(app: FastAPI, web: Path, access: Access) -> None:
    """Adds the page, its files, and the description."""
    description = Description(app)

    async def index(request: Request) -> Response:
        del request
        page = web / "index.html"
        if not page.is_file():
            raise NotFound("this gateway has no page")
        shown = FileResponse(page, media_type="text/html", headers={"Cache-Control": "no-cache"})
        give_session(shown, access)
        return shown

    async def openapi(request: Request) -> Response:
        del request
        return Response(orjson.dumps(description.document), media_type=JSON)

    async def docs_html(request: Request) -> Response:
        del request
        return Response(docs_page(description.document), media_type="text/html")

    async def docs_css(request: Request) -> Response:
        del request
        return Response(_STYLE, media_type="text/css")

    app.add_route("/", index, include_in_schema=False)
    app.add_route("/openapi.json", openapi, include_in_schema=False)
    app.add_route("/docs", docs_html, include_in_schema=False)
    app.add_route("/docs.css", docs_css, include_in_schema=False)
    app.mount("/web", StaticFiles(directory=web, check_dir=False))


async def _told(request: Request, error: Exception) -> Response:
    """Tells a ServiceError; the text of an internal one stays here."""
    del request
    if isinstance(error, BodyTimeout):
        return problem(error, status=REQUEST_TIMEOUT)
    if not isinstance(error, ServiceError) or isinstance(error, Internal):
        raise error
    return problem(error)


async def _bug(request: Request, error: Exception) -> Response:
    """Tells of a bug without its text; the frame around the application logs it."""
    del request, error
    return problem(Internal("internal error"))


async def _http_told(request: Request, error: Exception) -> Response:
    """Tells what the router found: no such path, no such method."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 405:
        title, code, detail = "Method not allowed", "unimplemented", "this path has no such method"
    elif status == 404:
        title, code, detail = "Not found", "not_found", "there is nothing at this path"
    else:
        known = _CODES.get(status, Code.INVALID_ARGUMENT)
        title, code, detail = known.title, known.name.lower(), "the request cannot be answered"
    return problem_of(status=status, title=title, code=code, detail=detail, headers=headers)


_STYLE = """
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1d1d1f; background: #fafaf8 }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem }
section { margin: 0 0 1.5rem; padding: 1rem; background: #fff; border: 1px solid #e4e2dc;
  border-radius: 8px; overflow-x: auto }
h3 { margin: 0 } p { margin: .25rem 0 } a { color: #7a2e3a } code { font-size: .9em }
table { border-collapse: collapse; width: 100% }
pre { overflow-x: auto; padding: .5rem; font-size: .85em }
td { padding: .25rem .5rem; border-top: 1px solid #eee; vertical-align: top }
@media (prefers-color-scheme: dark) {
  body { background: #161618; color: #eee } a { color: #f0a5b0 }
  section { background: #1f1f22; border-color: #333 } td { border-color: #333 }
}
"""
