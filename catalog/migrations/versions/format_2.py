"""Format 2: vectors, claims and photos as rows, and when products came and changed."""

import time
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision: str | None = "1"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_PENDING = sa.text("image_state = 'pending' AND NOT deleted")
_DELETED = sa.text("deleted")


def upgrade() -> None:
    """Adds columns and tables; of what was there, the last change passes for the first."""
    _extend_clock()
    _extend_products()
    _add_photos()
    op.execute("UPDATE catalog_clock SET format = 2")


def _extend_clock() -> None:
    op.add_column("catalog_clock", _counter("log_floor"))
    op.create_table(
        "clock_jumps",
        sa.Column("to_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("from_seq", sa.BigInteger, nullable=False),
    )


def _extend_products() -> None:
    op.add_column("products", _counter("changed_us"))
    op.add_column("products", _counter("added_seq"))
    products = sa.table(
        "products", sa.column("changed_us"), sa.column("added_seq"), sa.column("seq")
    )
    now_us = time.time_ns() // 1_000
    op.execute(products.update().values(changed_us=now_us, added_seq=products.c.seq))
    op.create_index(
        "products_pending",
        "products",
        ["seq"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index(
        "products_tombstones",
        "products",
        ["changed_us"],
        sqlite_where=_DELETED,
        postgresql_where=_DELETED,
    )


def _add_photos() -> None:
    id_ = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    sha256 = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    op.create_table(
        "image_vectors",
        sa.Column("sha256", sha256, primary_key=True),
        sa.Column("fingerprint", id_, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=True),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
    )
    op.create_index("image_vectors_seq", "image_vectors", ["seq"], unique=True)
    op.create_table(
        "image_claims",
        sa.Column("sha256", sha256, primary_key=True),
        sa.Column("fingerprint", id_, primary_key=True),
        sa.Column("holder", id_, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "media",
        sa.Column("sha256", sha256, primary_key=True),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("added_us", sa.BigInteger, nullable=False),
    )


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
