"""Holds out products to score on: one split of a catalogue that all evaluations share."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.clip_photos import pixel_digests
from offline.layout import DataDir
from runtime.errors import SetupError

FORMAT = 1
SHARE, SEED = 0.15, 0
FILE = "split.json"


@dataclass(frozen=True, slots=True)
class Split:
    """Which products with photos are held out; the others may be learned from.

    Args:
        held_out: Ids in order.
        groups: Number of groups that were kept together.
        products: Number of products that were split.
        inputs: Digest of what the split was made from.
    """

    held_out: tuple[str, ...]
    groups: int
    products: int
    inputs: str


def held_out(
    products: Iterable[Product],
    pixels: Mapping[str, str],
    *,
    share: float = SHARE,
    seed: int = SEED,
) -> Split:
    """Splits the products that have photos, and never parts a group.

    Products stand in one group when their lower-cased titles are equal, when two of their photos
    are equal in every pixel, when they are variants of one style, or through others. Groups are
    held out in the order of a hash of their smallest id until ``share`` of the products is
    reached: the same products always give the same split, and a few new ones move it little.

    Args:
        products: The catalogue; products without a photo are passed over.
        pixels: Digest of the decoded pixels by SHA-256 of the photo; a photo that is not there
            counts by its bytes.
        share: Part of the products to hold out, 0 to 1.
        seed: Another one gives another split.
    """
    pictured = [product for product in products if product.images]
    groups = _groups({product.id: _keys(product, pixels) for product in pictured})
    chosen: list[str] = []
    for group in sorted(groups, key=lambda ids: _place(ids[0], seed)):
        if len(chosen) >= share * len(pictured):
            break
        chosen.extend(group)
    return Split(tuple(sorted(chosen)), len(groups), len(pictured), _digest(pictured, share, seed))


def ensure_split(data: DataDir, *, workers: int = 2) -> Split:
    """Returns the split of a data folder; makes it, and keeps it there, if the catalogue changed.

    Raises:
        SetupError: The folder holds no catalogue, or no product with a photo.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        pictured = [product for product in store.scan() if product.images]
    finally:
        store.close()
    if not pictured:
        raise SetupError(
            f"no product in {data.root} has a photo: there is nothing to hold out. A catalogue "
            "without photos needs no training: `hemline build --encoder FOLDER` takes any encoder"
        )
    kept = load_split(data)
    if kept is not None and kept.inputs == _digest(pictured, SHARE, SEED):
        return kept
    shas = sorted({sha for product in pictured for sha in product.images})
    split = held_out(pictured, pixel_digests(shas, MediaStore(data.media), workers=workers))
    save_split(data, split)
    return split


def load_split(data: DataDir) -> Split | None:
    """Returns the split that was kept in the data folder, or None before the first.

    Raises:
        SetupError: The file is damaged.
    """
    path = data.root / FILE
    try:
        body = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SetupError(f"{path} is damaged: remove it") from error
    if not isinstance(body, dict) or body.pop("format", None) != FORMAT:
        return None
    return Split(**{**body, "held_out": tuple(body["held_out"])})


def save_split(data: DataDir, split: Split) -> None:
    """Keeps a split in the data folder, whole or not at all."""
    path = data.root / FILE
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps({"format": FORMAT, **asdict(split)}), encoding="utf-8")
    scratch.replace(path)


def _keys(product: Product, pixels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns what a product shares with others of its group."""
    title = " ".join(product.title.lower().split())
    return [
        *([("title", title)] if title else []),
        *([("style", product.style_id)] if product.style_id else []),
        *(("photo", pixels.get(sha, sha)) for sha in product.images),
    ]


def _groups(keys: Mapping[str, list[tuple[str, str]]]) -> list[list[str]]:
    """Joins ids that share a key (union-find); each group and the list of groups are in order."""
    parent = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first: dict[tuple[str, str], str] = {}
    for product_id, shared in keys.items():
        for key in shared:
            parent[root(product_id)] = root(first.setdefault(key, product_id))
    members: defaultdict[str, list[str]] = defaultdict(list)
    for product_id in sorted(keys):
        members[root(product_id)].append(product_id)
    return sorted(members.values())


def _place(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {group}".encode()).hexdigest()


def _digest(pictured: Iterable[Product], share: float, seed: int) -> str:
    whole = hashlib.sha256(f"{FORMAT} {share} {seed}".encode())
    for product in sorted(pictured, key=lambda product: product.id):
        row = [product.id, product.title, product.style_id, *product.images]
        whole.update(json.dumps(row).encode())
    return whole.hexdigest()
