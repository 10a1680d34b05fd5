"""Tells whether a catalogue can be shared by programs on several machines."""

from runtime.errors import SetupError


def require_shared(url: str) -> None:
    """Refuses a SQLite file: over a network its locks do not hold, and it would be damaged.

    Args:
        url: The URL of a catalogue; never shown, since it may hold a password.

    Raises:
        SetupError: It is one.
    """
    if url.startswith("sqlite"):
        raise SetupError(
            "the catalogue is a SQLite file, which replicas on several machines cannot share: "
            "give HEMLINE_DATABASE_URL a postgresql:// URL"
        )
