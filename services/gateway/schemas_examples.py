"""Shows searches as the description of the REST door gives them."""

from collections.abc import Mapping, Sequence

EXAMPLES: Sequence[Mapping[str, object]] = (
    {"text": "navy linen dress under 80", "exclude": ["long sleeves"], "page_size": 12},
    {
        "text": "red",
        "parts": [
            {"image": {"upload": "image"}, "remove_background": True, "weight": 0.7},
            {"product_id": "p-000123", "weight": -0.5},
        ],
        "rerank": {"first": 0.8, "second": 0.7},
    },
    {
        "filter": {
            "and": [{"field": "kind", "in": ["dress"]}, {"field": "in_stock", "in": [True]}]
        },
        "facets": ["brand", "colour", "price_minor"],
        "sort": "price_asc",
        "collapse": True,
    },
    {
        "text": "dress",
        "user_id": "u-0007",
        "understand": {"ignore": ["colour:navy"]},
        "diversity": 0.4,
        "quotas": {"brand": 2},
        "explain": True,
    },
)
"""Bodies of ``POST /v1/search``."""
