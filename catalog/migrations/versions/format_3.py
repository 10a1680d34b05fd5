"""Format 3: what taste is made of is found without what was merely shown."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision: str | None = "2"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_LEARNED = sa.text("kind NOT IN ('impression', 'search')")


def upgrade() -> None:
    """Adds an index."""
    op.create_index(
        "interactions_learned",
        "interactions",
        ["user_id", "at_us", "event_id"],
        sqlite_where=_LEARNED,
        postgresql_where=_LEARNED,
    )
    op.execute("UPDATE catalog_clock SET format = 3")
