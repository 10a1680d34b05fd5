"""Format 1: products, interactions and the clock."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_TEXTS = ("title", "description", "brand", "category", "kind", "gender", "colour", "season")
_OFFER = ("currency", "images", "product_url", "image_state")


def upgrade() -> None:
    """Lays out the tables."""
    id_ = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "catalog_clock",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("format", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "products",
        sa.Column("id", id_, primary_key=True),
        sa.Column("style_id", id_, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("sizes", sa.Text, nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _OFFER),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_index("products_seq", "products", ["seq"], unique=True)
    op.create_index("products_style", "products", ["style_id"])
    op.create_table(
        "interactions",
        sa.Column("event_id", id_, primary_key=True),
        sa.Column("user_id", id_, nullable=False),
        sa.Column("product_id", id_, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float, nullable=True),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("helpful_votes", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("interactions_at", "interactions", ["at_us", "event_id"])
    op.create_index("interactions_user", "interactions", ["user_id", "at_us", "event_id"])
    op.execute("INSERT INTO catalog_clock (id, seq, format) VALUES (1, 0, 1)")
