"""Tells the season of a date."""

from datetime import date

SEASONS = ("spring", "summer", "autumn", "winter")
"""In the order in which arrays by season have their columns."""


def season_of(day: date) -> str:
    """Returns the meteorological season of the northern hemisphere: spring begins in March."""
    return SEASONS[(day.month - 3) % 12 // 3]
