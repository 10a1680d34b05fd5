"""Reads queries and what was right for them, from files or from what shoppers did."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from catalog.interaction import Interaction
from catalog.normalize import clean
from offline.fusion_runs import Labelled
from runtime.errors import SetupError
from services.gateway.parts import MAX_TEXT_CHARS

VISIT = timedelta(minutes=30)
"""How long after a search what a shopper does is taken to come of it."""
CLICK_KINDS = ("search", "view", "cart", "purchase")
_WORTH = {"view": 1.0, "cart": 2.0, "purchase": 3.0}
_QRELS = ("qrels.txt", "qrels.tsv", "qrels/test.tsv")
_Gains = defaultdict[tuple[str, str], dict[str, float]]


def read_labelled(path: Path) -> list[Labelled]:
    """Reads a TSV file, or a folder in the layout of TREC or BEIR.

    The file has a header with ``query`` and ``product_id``; ``gain`` (1 where it is not there) and
    ``like`` (a product whose photo is part of the query) are optional. The folder holds
    ``queries.jsonl`` (``_id``, ``text`` and, if wanted, ``like``) and ``qrels.txt``, ``qrels.tsv``
    or ``qrels/test.tsv`` with lines of three columns (query, product, gain) or TREC's four.

    Raises:
        SetupError: There is no such file, or a line is not as it should be.
    """
    try:
        rows = _from_folder(path) if path.is_dir() else _from_table(path)
        gains: _Gains = defaultdict(dict)
        for text, like, product_id, gain in rows:
            if gain > 0:
                gains[_query(text, like, path)][product_id] = gain
        return _labelled(gains)
    except OSError as error:
        raise SetupError(f"{error.filename or path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SetupError(f"{path} is no table in UTF-8") from error


def from_clicks(events: Iterable[Interaction]) -> list[Labelled]:
    """Makes labelled queries of what shoppers did after they searched.

    What a shopper looked at, put in the cart or bought within half an hour of a search, and before
    the next one, was right for it; a purchase counts three, a cart two, a look one. Over several
    shoppers the worths add up.

    Args:
        events: Of :data:`CLICK_KINDS`, the oldest first.
    """
    last: dict[str, Interaction] = {}
    best: dict[tuple[str, str], dict[str, float]] = {}
    gains: _Gains = defaultdict(lambda: defaultdict(float))
    for event in events:
        search = last.get(event.user_id)
        if event.kind == "search":
            _settle(search, best, gains)
            last[event.user_id] = event
        elif search is not None and event.at - search.at <= VISIT and event.kind in _WORTH:
            found = best.setdefault((search.event_id, search.user_id), {})
            found[event.product_id] = max(found.get(event.product_id, 0.0), _WORTH[event.kind])
    for search in last.values():
        _settle(search, best, gains)
    return _labelled(gains)


def _settle(
    search: Interaction | None,
    best: dict[tuple[str, str], dict[str, float]],
    gains: _Gains,
) -> None:
    """Adds what came of one search to what comes of its words."""
    if search is None or not (text := clean(search.text)[:MAX_TEXT_CHARS]):
        return
    for product_id, worth in best.pop((search.event_id, search.user_id), {}).items():
        gains[text, ""][product_id] += worth


def _labelled(gains: Mapping[tuple[str, str], Mapping[str, float]]) -> list[Labelled]:
    return [Labelled(text, like, dict(each)) for (text, like), each in sorted(gains.items())]


def _query(text: str, like: str, path: Path) -> tuple[str, str]:
    text = clean(text)
    if not text and not like:
        raise SetupError(f"{path} holds a query without words and without a picture")
    return text[:MAX_TEXT_CHARS], like


def _from_table(path: Path) -> Iterator[tuple[str, str, str, float]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if not {"query", "product_id"} <= set(rows.fieldnames or ()):
            raise SetupError(f"{path} needs a header with the columns query and product_id")
        for row in rows:
            gain = _gain(row.get("gain") or "1", path, rows.line_num)
            if not row["product_id"]:
                raise SetupError(f"{path}, line {rows.line_num}: there is no product")
            yield row["query"] or "", row.get("like") or "", row["product_id"], gain


def _from_folder(path: Path) -> Iterator[tuple[str, str, str, float]]:
    queries = dict(_queries(path / "queries.jsonl"))
    judged = next((path / name for name in _QRELS if (path / name).is_file()), None)
    if judged is None:
        raise SetupError(f"{path} holds no judgements: looked for {', '.join(_QRELS)}")
    for number, line in enumerate(judged.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or (number == 1 and words[-1] == "score"):
            continue
        if len(words) not in (3, 4):
            raise SetupError(f"{judged}, line {number}: three or four columns are wanted")
        if words[0] in queries:
            text, like = queries[words[0]]
            yield text, like, words[-2], _gain(words[-1], judged, number)


def _queries(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            body = json.loads(line)
            yield str(body["_id"]), (str(body.get("text", "")), str(body.get("like", "")))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise SetupError(f"{path}, line {number}: no query with _id and text") from error


def _gain(text: str, path: Path, line: int) -> float:
    try:
        gain = float(text)
    except ValueError:
        gain = float("nan")
    if not -1e6 <= gain <= 1e6:
        raise SetupError(f"{path}, line {line}: the gain is no number")
    return gain
