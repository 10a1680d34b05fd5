"""Asks a member whether it is ready, and tells in words why members are not."""

import http.client
import urllib.parse

SAME_FOR_S = 10.0  # of one reason, before it counts as one that stays
_REMEDY = "run hemline build"
_MAX_CHARS = 400
_SILENT = "no answer yet"


class Reasons:
    """What members that are not ready say about it, and since when."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}

    def note(self, name: str, reason: str, now: float) -> None:
        """Takes in what a member says at a time; nothing once it is ready."""
        if not reason:
            self._said.pop(name, None)
        elif self._said.get(name, ("", 0.0))[0] != reason:
            self._said[name] = (reason, now)

    def hopeless(self, now: float) -> bool:
        """Whether a member says for long that somebody has to do something: waiting is no use."""
        return any(
            _REMEDY in reason and now - since >= SAME_FOR_S for reason, since in self._said.values()
        )

    def told(self) -> str:
        """Names the members that are not ready, those with one reason together."""
        grouped: dict[str, list[str]] = {}
        for name, (reason, _) in self._said.items():
            grouped.setdefault(reason, []).append(name)
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in grouped.items())


def refusal(url: str, *, timeout_s: float = 1.0) -> str:
    """Why ``url`` does not answer 200, in its own words; empty when it does, or is empty.

    It is asked directly: a proxy of the environment knows nothing of the loopback.
    """
    if not url:
        return ""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        if answer.status == 200:
            return ""
        words = " ".join(answer.read(4 * _MAX_CHARS).decode(errors="replace").split())
        return words[:_MAX_CHARS] or f"it answers {answer.status}"
    except (http.client.HTTPException, OSError):
        return _SILENT
    finally:
        connection.close()


def answers(url: str, *, timeout_s: float = 1.0) -> bool:
    """Whether ``url`` answers 200; an empty one always does."""
    return not refusal(url, timeout_s=timeout_s)
