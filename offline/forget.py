"""Forgets old deletions that nothing which can be served still needs."""

import time

from catalog.store import CatalogStore
from offline.layout import DataDir
from runtime.artifacts import ArtifactStore

KEPT_DAYS = 30
_DAY_US = 86_400 * 1_000_000


def forget_deletions(data: DataDir, *, kept_days: float = KEPT_DAYS) -> int:
    """Removes the marks of products that were deleted long ago and returns how many.

    A deletion stays marked until every release that is kept was made after it, so that each of
    them can still catch up; and for some days, so that a stage or a copy of the artifacts that was
    away can too.

    Args:
        data: The data folder; without a release nothing is forgotten.
        kept_days: Days that every deletion stays marked.
    """
    seqs = [release.seq for release in ArtifactStore(data.artifacts).releases.kept()]
    if not seqs:
        return 0
    store = CatalogStore.open(data.database_url)
    try:
        before_us = time.time_ns() // 1_000 - round(kept_days * _DAY_US)
        return store.purge_tombstones(before_us, up_to=min(seqs))
    finally:
        store.close()
