"""Says why a product is proposed."""

from collections.abc import Collection, Sequence

from services.gateway.answer import Because
from services.gateway.proposals import BOUGHT_TOGETHER, NEW, POPULAR, USER, Blended, Voice

LIKED, SESSION = "liked", "session"


def reasons_for(
    proposed: Blended,
    recent: Sequence[str],
    session: Collection[str],
    mode: str,
    there: Collection[str],
) -> list[Because]:
    """The reasons for a product, the strongest first, each once.

    Args:
        proposed: The product, and what speaks for it.
        recent: The products by whose places it is told what speaks for it.
        session: Those of the session.
        mode: Whose taste it is.
        there: The products that still exist: no other is named.
    """
    told = [_reason(voice, recent, session, mode, there) for voice in proposed.voices]
    return list(dict.fromkeys(told))


def _reason(
    voice: Voice,
    recent: Sequence[str],
    session: Collection[str],
    mode: str,
    there: Collection[str],
) -> Because:
    if voice.source in (POPULAR, NEW):
        return Because(voice.source)
    named = recent[voice.because] if 0 <= voice.because < len(recent) else ""
    shown = named if named in there else ""
    if voice.source == BOUGHT_TOGETHER:
        return Because(BOUGHT_TOGETHER, shown)
    is_of_session = named in session if named else mode != USER
    return Because(SESSION if is_of_session else LIKED, shown)
