"""Says what JSON a product is written as, and turns it into one."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.limits import check_id
from catalog.product import Product, SizeStock
from catalog.reports import Verdict
from runtime.errors import InvalidArgument
from services.gateway.catalog_writes import MAX_PRODUCTS, REJECTED, Item
from services.gateway.rest_problems import refused

_IGNORED = "Set by the catalogue; accepted, so that what was read can be written, and not read."


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SizeBody(_Body):
    """How many pieces of one size are in stock."""

    size: str
    stock: int


class ProductBody(_Body):
    """A product as it is written. What is left out is empty, whatever it was before."""

    id: str | None = Field(None, description="As in the path; needed in a batch only.")
    style_id: str | None = Field(None, description="Groups colour variants; the id if left out.")
    title: str
    description: str = ""
    brand: str = ""
    category: list[str] = Field(default_factory=list, description="From the widest word on.")
    kind: str = ""
    gender: str = ""
    colour: str = ""
    season: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    sizes: list[SizeBody] = Field(default_factory=list)
    price_minor: int | None = Field(None, description="Minor units of the currency (cents).")
    currency: str = Field("", description="ISO 4217; the same in the whole catalogue.")
    images: list[str] = Field(
        default_factory=list,
        description="Hashes of photos that were uploaded before, the face first.",
    )
    product_url: str = ""
    in_stock: object = Field(None, description=_IGNORED)
    image_url: object = Field(None, description=_IGNORED)
    image_state: object = Field(None, description=_IGNORED)
    seq: object = Field(None, description=_IGNORED)
    added_seq: object = Field(None, description=_IGNORED)


class BatchUpsertBody(_Body):
    """Products to write; each is judged by itself."""

    products: list[object] = Field(
        min_length=1,
        max_length=MAX_PRODUCTS,
        json_schema_extra={"items": {"$ref": "#/components/schemas/ProductBody"}},
    )


class SeqReply(_Body):
    """The catalogue's clock after the write, as ``min_seq`` of a search takes it."""

    seq: int


class UpsertVerdict(_Body):
    """What became of one product: created, updated, unchanged or rejected, and why."""

    id: str
    status: str
    problem: str | None
    field: str | None


class BatchUpsertReply(_Body):
    """The clock after the write, and a verdict for each product in the order given."""

    seq: int
    results: list[UpsertVerdict]


def to_product(body: ProductBody, product_id: str) -> Product:
    """The product of a body."""
    return Product(
        id=product_id,
        style_id=product_id if body.style_id is None else body.style_id,
        title=body.title,
        description=body.description,
        brand=body.brand,
        category=tuple(body.category),
        kind=body.kind,
        gender=body.gender,
        colour=body.colour,
        season=body.season,
        attributes=body.attributes,
        sizes=tuple(SizeStock(size.size, size.stock) for size in body.sizes),
        price_minor=body.price_minor,
        currency=body.currency,
        images=tuple(body.images),
        product_url=body.product_url,
    )


def to_items(body: BatchUpsertBody) -> list[Item]:
    """The products of a batch; what is none has its verdict already."""
    return [_item(found) for found in body.products]


def _item(found: object) -> Item:
    try:
        if not isinstance(found, dict):
            raise InvalidArgument("a product is a JSON object")
        body = ProductBody.model_validate(found)
        if body.id is None:
            raise InvalidArgument("a product in a batch needs its id", field="id")
        return to_product(body, body.id)
    except ValidationError as error:
        problem = refused(error, whole="")
    except InvalidArgument as error:
        problem = error
    return Verdict(_id_of(found), REJECTED, problem.message, problem.field or "")


def _id_of(found: object) -> str:
    """The id of what was refused, by which its sender knows it again; empty if it is none."""
    product_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(product_id, str):
        return ""
    try:
        check_id(product_id, path="id")
    except InvalidArgument:
        return ""
    return product_id
