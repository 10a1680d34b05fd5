"""What a shopper did with a product."""

from dataclasses import dataclass
from datetime import datetime

KINDS = ("impression", "search", "view", "cart", "purchase", "like", "dislike", "rating", "return")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One event of one shopper.

    ``kind`` is one of :data:`KINDS`; ``value`` is the stars of a rating (1 to 5), else None;
    ``at`` carries a time zone; ``verified`` tells a rating by a buyer; ``product_id`` is empty for
    a search, whose words stand in ``text``.
    """

    event_id: str
    user_id: str
    product_id: str
    kind: str
    at: datetime
    value: float | None = None
    verified: bool = False
    helpful_votes: int = 0
    text: str = ""
