"""Prints the answer of a gateway for a person: how it read the words, what it found, and why."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from offline.search import hits_of

PIPE_WIDTH = 120
_MINOR = 100
_DONE = {
    "boost": "lifts {field} {value}",
    "filter": "admits only {field} {value}",
    "exclude": "leaves out {field} {value}",
    "translate": "is looked up as {value}",
    "spell": "is read as {value}",
    "widen": "is looked up as {value}: no product is called so",
    "other_currency": "is not used: prices are not in {value}",
    "no_prices": "is not used: no product has a price",
    "no_such_size": "is not used: no product is of size {value}",
    "unknown": "is known to nothing here, and leaves nothing out",
}
_FIELDS = {"price_minor": "price"}


def show(answer: dict[str, object], *, why: bool = False) -> None:
    """Prints an answer; what is missing from it goes to standard error."""
    hits = hits_of(answer)
    # In a pipe nobody knows how wide the reader is; a row stays one line where it can.
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    currency = next((hit["product"].get("currency") or "" for hit in hits), "")
    for line in readings(answer, currency):
        console.print(line, markup=False, soft_wrap=True)
    if hits:
        console.print(_table(hits, why=why))
    else:
        console.print("nothing found")
    cost = answer.get("relevance_cost")
    if isinstance(cost, float) and cost > 0:
        console.print(f"diversity and quotas cost {cost:.1%} of the relevance of this page")
    if answer.get("degraded"):
        reasons = answer.get("degraded_reasons")
        named = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        print(f"something was missing: {named}", file=sys.stderr)


def readings(answer: Mapping[str, object], currency: str) -> list[str]:
    """What was understood, a line each, such as ``"navy" lifts colour navy``."""
    found = answer.get("understood")
    lines = [_reading(each, currency) for each in found] if isinstance(found, list) else []
    meant = answer.get("did_you_mean")
    if not meant:
        return lines
    is_used = isinstance(found, list) and any(each["effect"] == "spell" for each in found)
    return [*lines, f'showing results for "{meant}"' if is_used else f'did you mean "{meant}"?']


def _reading(each: Mapping[str, str], currency: str) -> str:
    field, value = each["field"], each["value"]
    if field == "price_minor":
        value = _range(value, currency)
    name = _FIELDS.get(field, field.removeprefix("attributes."))
    # Words that no field knows need no name, nor does what says its own: "without sleeves".
    named = "" if field == "words" or value.startswith(name) else name
    done = _DONE.get(each["effect"], each["effect"]).format(field=named, value=value)
    written = each["from"].strip('"')
    return f'"{written}" {" ".join(done.split())}'


def _range(value: str, currency: str) -> str:
    """``2000..4999`` as ``20.00 to 49.99 EUR``."""
    least, dots, most = value.partition("..")
    if not dots:
        return value
    low, high = (f"{int(end) / _MINOR:.2f}" if end.isdecimal() else "" for end in (least, most))
    told = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    return f"{told} {currency}".rstrip()


def _table(hits: list[dict[str, Any]], *, why: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("", justify="right", overflow="fold")
    for name in ("id", "title", "brand"):
        table.add_column(name, overflow="fold")
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    if why:
        table.add_column("why")
    for hit in hits:
        product = hit["product"]
        cells = [str(hit["rank"]), product["id"], product["title"], product["brand"]]
        cells += [_price(product), f"{hit['score']:.3f}"]
        table.add_row(*cells, *([_why(hit)] if why else []))
    return table


def _price(product: dict[str, object]) -> str:
    minor = product.get("price_minor")
    if not isinstance(minor, int):
        return ""
    return f"{minor / _MINOR:.2f} {product.get('currency') or ''}".strip()


def _why(hit: dict[str, object]) -> str:
    """The terms of the score, and the steps from its place by score to its rank."""
    explanation = hit.get("explanation")
    if not isinstance(explanation, dict):
        return ""
    terms = [f"{term['name']} {term['value']:.3f}" for term in explanation.get("terms", [])]
    moves = [
        f"{move['stage']} {move['from']} to {move['to']}" for move in explanation.get("moves", [])
    ]
    return ", ".join([*terms, *moves])
