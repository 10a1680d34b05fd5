"""Lays out the tables of the catalogue in SQL."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

FORMAT = 3
"""Moves with each migration, so that an older build refuses what it would not understand."""

VERSION_TABLE = "catalog_migrations"

# A small index is used where a query repeats its condition to the letter, without a parameter.
IS_PENDING = text("image_state = 'pending' AND NOT deleted")
IS_TOMBSTONE = text("deleted")
IS_LEARNED = text("kind NOT IN ('impression', 'search')")
"""Where Alembic keeps the last step that was taken."""

METADATA = MetaData()
# Ids are compared by code point everywhere, whatever the locale of the database.
_ID = String(128).with_variant(String(128, collation="C"), "postgresql")
_SHA256 = String(64).with_variant(String(64, collation="C"), "postgresql")

CLOCK = Table(
    "catalog_clock",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("format", BigInteger, nullable=False),
    # Tombstones at or below it are gone: whoever stands lower cannot catch up.
    Column("log_floor", BigInteger, nullable=False, server_default="0"),
)
# Numbers that were given out by a catalogue that a backup has replaced since: whoever stands
# between the two saw changes that never were.
CLOCK_JUMPS = Table(
    "clock_jumps",
    METADATA,
    Column("to_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("from_seq", BigInteger, nullable=False),
)
PRODUCTS = Table(
    "products",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("style_id", _ID, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("gender", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("season", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=True),
    Column("currency", Text, nullable=False),
    Column("images", Text, nullable=False),
    Column("product_url", Text, nullable=False),
    Column("image_state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("changed_us", BigInteger, nullable=False, server_default="0"),
    Column("added_seq", BigInteger, nullable=False, server_default="0"),
    Index("products_seq", "seq", unique=True),
    Index("products_style", "style_id"),
    # Small, whatever the size of the catalogue: what the embedder and the purge look for.
    Index(
        "products_pending",
        "seq",
        sqlite_where=IS_PENDING,
        postgresql_where=IS_PENDING,
    ),
    Index(
        "products_tombstones",
        "changed_us",
        sqlite_where=IS_TOMBSTONE,
        postgresql_where=IS_TOMBSTONE,
    ),
)
IMAGE_VECTORS = Table(
    "image_vectors",
    METADATA,
    Column("sha256", _SHA256, primary_key=True),
    Column("fingerprint", _ID, primary_key=True),
    # Little-endian float32; NULL where the photo cannot be decoded, with the problem beside it.
    Column("vector", LargeBinary, nullable=True),
    Column("problem", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Index("image_vectors_seq", "seq", unique=True),
)
IMAGE_CLAIMS = Table(
    "image_claims",
    METADATA,
    Column("sha256", _SHA256, primary_key=True),
    Column("fingerprint", _ID, primary_key=True),
    Column("holder", _ID, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)
MEDIA = Table(
    "media",
    METADATA,
    Column("sha256", _SHA256, primary_key=True),
    Column("media_type", String(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("added_us", BigInteger, nullable=False),
)
INTERACTIONS = Table(
    "interactions",
    METADATA,
    Column("event_id", _ID, primary_key=True),
    Column("user_id", _ID, nullable=False),
    Column("product_id", _ID, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("value", Float, nullable=True),
    Column("verified", Boolean, nullable=False),
    Column("helpful_votes", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("interactions_at", "at_us", "event_id"),
    Index("interactions_user", "user_id", "at_us", "event_id"),
    # What taste is made of: a shopper sees a hundred products for each one he touches.
    Index(
        "interactions_learned",
        "user_id",
        "at_us",
        "event_id",
        sqlite_where=IS_LEARNED,
        postgresql_where=IS_LEARNED,
    ),
)
