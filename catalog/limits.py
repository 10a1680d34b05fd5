"""Says what a product and an interaction may hold, and refuses the rest."""

import re
import unicodedata

from catalog.interaction import KINDS, Interaction
from catalog.product import MAX_ID_CHARS, MAX_IMAGES, Product
from runtime.errors import InvalidArgument

MAX_TITLE_CHARS = 1_000
MAX_DESCRIPTION_CHARS = 20_000
MAX_WORD_CHARS = 200
MAX_URL_CHARS = 2_000
MAX_CATEGORIES = 16
MAX_ATTRIBUTES = 64
MAX_SIZES = 200
MAX_TEXT_CHARS = 512
MAX_INT64 = 2**63 - 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}")
_IMAGE_STATE = re.compile(r"none|pending|embedded|rejected\([a-z0-9_ -]{1,100}\)")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_product(product: Product, *, path: str = "product") -> None:
    """Refuses a product that the catalogue cannot keep.

    Args:
        product: The product; its ``seq`` and ``image_state`` are the store's and are not read.
        path: What the error calls the product, such as ``products[3]``.

    Raises:
        InvalidArgument: A field is over its limit; ``field`` names it.
    """
    check_id(product.id, path=f"{path}.id")
    if product.id in (".", ".."):
        # A browser takes them out of an address, encoded or not: nobody could ask for the product.
        raise InvalidArgument("an id must be neither . nor ..", field=f"{path}.id")
    check_id(product.style_id, path=f"{path}.style_id")
    for name, value in (("id", product.id), ("style_id", product.style_id)):
        if value.isspace():
            raise InvalidArgument("an id must be more than spaces", field=f"{path}.{name}")
    _check_text(product.title, MAX_TITLE_CHARS, f"{path}.title")
    if not product.title.strip():
        raise InvalidArgument("title must not be empty", field=f"{path}.title")
    _check_text(product.description, MAX_DESCRIPTION_CHARS, f"{path}.description")
    for name in ("brand", "kind", "gender", "colour", "season"):
        _check_text(getattr(product, name), MAX_WORD_CHARS, f"{path}.{name}")
    _check_url(product.product_url, f"{path}.product_url")
    _check_count(len(product.category), MAX_CATEGORIES, f"{path}.category")
    for word in product.category:
        _check_text(word, MAX_WORD_CHARS, f"{path}.category")
    _check_count(len(product.attributes), MAX_ATTRIBUTES, f"{path}.attributes")
    for name, value in product.attributes.items():
        _check_text(name, MAX_WORD_CHARS, f"{path}.attributes")
        if not name.strip():
            raise InvalidArgument("an attribute needs a name", field=f"{path}.attributes")
        _check_text(value, MAX_TITLE_CHARS, f"{path}.attributes")
    _check_offer(product, path)


def check_interaction(event: Interaction, *, path: str = "event") -> None:
    """Refuses an interaction that the store cannot keep.

    Raises:
        InvalidArgument: A field is over its limit; ``field`` names it.
    """
    check_id(event.event_id, path=f"{path}.event_id")
    check_id(event.user_id, path=f"{path}.user_id")
    if event.kind not in KINDS:
        raise InvalidArgument(f"kind must be one of {', '.join(KINDS)}", field=f"{path}.kind")
    if event.product_id or event.kind != "search":
        check_id(event.product_id, path=f"{path}.product_id")
    if event.at.tzinfo is None:
        raise InvalidArgument("the time must carry a time zone", field=f"{path}.at")
    if event.value is not None and not 1 <= event.value <= 5:
        raise InvalidArgument("value must be 1 to 5", field=f"{path}.value")
    if event.kind == "rating" and event.value is None:
        raise InvalidArgument("a rating needs a value of 1 to 5", field=f"{path}.value")
    if not 0 <= event.helpful_votes <= MAX_INT64:
        raise InvalidArgument(
            f"helpful votes must be 0 to {MAX_INT64}", field=f"{path}.helpful_votes"
        )
    _check_text(event.text, MAX_TEXT_CHARS, f"{path}.text")


def check_id(value: str, *, path: str) -> None:
    """Refuses an id that is not 1 to 128 characters, or that holds a control character.

    Raises:
        InvalidArgument: The id does not fit.
    """
    if not 1 <= len(value) <= MAX_ID_CHARS:
        raise InvalidArgument(f"an id must be 1 to {MAX_ID_CHARS} characters", field=path)
    if value.isascii() and value.isprintable():
        return
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise InvalidArgument("an id must hold no control character", field=path)


def check_image_state(state: str) -> None:
    """Refuses a state of a photo that is not of the vocabulary.

    Raises:
        InvalidArgument: It is not "none", "pending", "embedded" or "rejected(reason)".
    """
    if not _IMAGE_STATE.fullmatch(state):
        raise InvalidArgument("unknown image state", field="image_state")


def is_sha256(value: str) -> bool:
    """Tells whether a string is a SHA-256 in lower-case hex."""
    return _SHA256.fullmatch(value) is not None


def _check_offer(product: Product, path: str) -> None:
    _check_count(len(product.images), MAX_IMAGES, f"{path}.images")
    if not all(is_sha256(image) for image in product.images):
        raise InvalidArgument("an image must be 64 lower-case hex digits", field=f"{path}.images")
    _check_count(len(product.sizes), MAX_SIZES, f"{path}.sizes")
    for size in product.sizes:
        _check_text(size.size, MAX_WORD_CHARS, f"{path}.sizes")
        if not size.size.strip():
            raise InvalidArgument("a size needs a name", field=f"{path}.sizes")
        if not 0 <= size.stock <= MAX_INT64:
            raise InvalidArgument(f"stock must be 0 to {MAX_INT64}", field=f"{path}.sizes")
    if len({size.size for size in product.sizes}) < len(product.sizes):
        raise InvalidArgument("a size is there twice", field=f"{path}.sizes")
    if product.price_minor is not None:
        if not 0 <= product.price_minor <= MAX_INT64:
            raise InvalidArgument(f"price must be 0 to {MAX_INT64}", field=f"{path}.price_minor")
        if not _CURRENCY.fullmatch(product.currency):
            raise InvalidArgument(
                "a price needs a currency of three capital letters", field=f"{path}.currency"
            )
    elif product.currency:
        raise InvalidArgument("a currency needs a price", field=f"{path}.currency")


def _check_url(url: str, path: str) -> None:
    """Refuses what a shop would link to and is no web address: ``javascript:`` is a script."""
    _check_text(url, MAX_URL_CHARS, path)
    if url and not _WEB_ADDRESS.match(url):
        raise InvalidArgument("an address must begin with http:// or https://", field=path)


def _check_text(text: str, limit: int, path: str) -> None:
    if len(text) > limit:
        raise InvalidArgument(f"text must be at most {limit} characters", field=path)
    if _UNSTORABLE.search(text):
        raise InvalidArgument("text must hold neither NUL nor a lone surrogate", field=path)


def _check_count(count: int, limit: int, path: str) -> None:
    if count > limit:
        raise InvalidArgument(f"at most {limit} entries are kept", field=path)
