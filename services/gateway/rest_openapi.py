"""Describes the REST door: what each route takes and gives, as OpenAPI and as a plain page."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, TypeAlias, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.access import Access
from services.gateway.keys import READ
from services.gateway.rest_access import guarded
from services.gateway.schemas import BatchGetBody, SearchBody
from services.gateway.schemas_interactions import EventBody, InteractionsBody
from services.gateway.schemas_out import ProblemReply
from services.gateway.schemas_products import BatchUpsertBody, ProductBody
from services.gateway.schemas_recommend import RecommendBody

Described: TypeAlias = dict[str, Any]  # OpenAPI is JSON of any shape
_REF = "#/components/schemas/{model}"
_BODIES: tuple[type[BaseModel], ...] = (
    SearchBody,
    BatchGetBody,
    ProductBody,
    BatchUpsertBody,
    InteractionsBody,
    EventBody,
    RecommendBody,
    ProblemReply,
)
_METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route.

    ``takes`` are the body's schemas by media type; ``gives`` None is no JSON; ``scope`` is what a
    caller's key must hold, None for nothing.
    """

    method: str
    path: str
    handler: Callable[[Request], Coroutine[Any, Any, Response]]
    gives: type[BaseModel] | None = None
    takes: Mapping[str, Described] | None = None
    parameters: Sequence[Described] = ()
    scope: str | None = READ


def body_of(kind: type[BaseModel]) -> Described:
    """The schema of a JSON body."""
    return {"$ref": _REF.format(model=kind.__name__)}


def form_of(kind: type[BaseModel]) -> Described:
    """The schema of a multipart body: a part ``request`` and files of any name."""
    return {
        "type": "object",
        "properties": {"request": body_of(kind)},
        "additionalProperties": {"type": "string", "format": "binary"},
    }


def parameter(name: str, where: str, kind: str, text: str) -> Described:
    """A parameter in the ``path``, the ``query`` or a ``header``."""
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": text,
        "schema": {"type": kind},
    }


def add(app: FastAPI, endpoint: Endpoint, access: Access) -> None:
    """Adds a route and its description."""
    extra: Described = {"parameters": list(endpoint.parameters)}
    if endpoint.scope is not None:
        extra["security"] = [{"key": []}]
        extra["x-scope"] = endpoint.scope
    if endpoint.takes:
        content = {kind: {"schema": schema} for kind, schema in endpoint.takes.items()}
        extra["requestBody"] = {"required": True, "content": content}
    problem = {"application/problem+json": {"schema": body_of(ProblemReply)}}
    responses: dict[int | str, Described] = {
        "default": {"description": "What went wrong.", "content": problem}
    }
    if endpoint.gives is not None:
        responses[200] = {"model": endpoint.gives}
    app.add_api_route(
        endpoint.path,
        guarded(endpoint.handler, endpoint.scope, access),
        methods=[endpoint.method],
        response_model=None,
        responses=responses,
        openapi_extra=extra,
        summary=(endpoint.handler.__doc__ or "").strip().splitlines()[0],
    )


class Description:
    """The OpenAPI document of an application, made when it is first asked for."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    @cached_property
    def document(self) -> Described:
        """The document."""
        app = self._app
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        _, bodies = models_json_schema(
            [(kind, "validation") for kind in _BODIES], ref_template=_REF
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(bodies["$defs"])
        schemes = document["components"].setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer"}
        return document


def docs_page(document: Described) -> str:
    """The document as a page without scripts; its style stands at ``/docs.css``."""
    calls = "".join(
        _call(method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    schemas = "".join(
        _schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document['info']['title'])} API</title>"
        '<link rel="stylesheet" href="/docs.css"></head><body><main>'
        f"<h1>{escape(document['info']['title'])} API</h1>"
        f"<p>{escape(document['info']['description'])} "
        'The same as <a href="/openapi.json">openapi.json</a>.</p>'
        f"<h2>Calls</h2>{calls}<h2>Shapes</h2>{schemas}</main></body></html>"
    )


def _call(method: str, path: str, call: Described) -> str:
    rows = [
        _row(item["name"], f"{item['in']}, {_type(item['schema'])}", item["description"])
        for item in call.get("parameters", [])
    ]
    for kind, body in call.get("requestBody", {}).get("content", {}).items():
        rows.append(_row("body", _type(body["schema"]), kind))
    for kind, body in call["responses"].get("200", {}).get("content", {}).items():
        if body.get("schema"):
            rows.append(_row("answer", _type(body["schema"]), kind))
    return (
        f"<section><h3><b>{method.upper()}</b> <code>{escape(path)}</code></h3>"
        f"<p>{escape(call.get('summary', ''))}</p><table>{''.join(rows)}</table></section>"
    )


def _schema(name: str, schema: Described) -> str:
    rows = [
        _row(field, _type(shape), shape.get("description", ""))
        for field, shape in schema.get("properties", {}).items()
    ]
    text = escape(schema.get("description", ""))
    shown = "".join(
        f"<pre><code>{escape(json.dumps(example, indent=1))}</code></pre>"
        for example in schema.get("examples", [])
    )
    return f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{text}</p>' + (
        f"<table>{''.join(rows)}</table>{shown}</section>"
    )


def _row(name: str, kind: str, text: str) -> str:
    return f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{escape(text)}</td></tr>"


def _type(schema: Described) -> str:
    """The type of a schema in a few words, as HTML."""
    if "$ref" in schema:
        name = escape(cast(str, schema["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        choices = schema.get("enum", [schema.get("const")])
        return ", ".join(f"<code>{escape(str(choice))}</code>" for choice in choices)
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    low, high = schema.get("minimum", ""), schema.get("maximum", "")
    return escape(f"{kind} {low}..{high}" if low != "" or high != "" else kind)
