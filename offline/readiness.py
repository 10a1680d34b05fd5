"""Asks a member whether it is ready, and tells in words why members are not."""

import http.client
import urllib.parse
from dataclasses import dataclass

SAME_FOR_S = 10.0  # of one reason, before it counts as one that stays
_REMEDY = "run hemline build"
_MAX_CHARS = 400
_SILENT = "no answer yet"
_REMARK = "ready, "  # what stands before what is wrong although a member is ready


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a member is ready, and what is wrong in its own words; empty where nothing is.

    A member that is ready may still have something to tell, such as a release that it refuses.
    """

    ready: bool
    words: str


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


def ask(url: str, *, timeout_s: float = 1.0) -> Answer:
    """Asks ``url``, which answers 200 when it is ready; an empty one always is.

    It is asked directly: a proxy of the environment knows nothing of the loopback.
    """
    if not url:
        return Answer(True, "")
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        words = " ".join(answer.read(4 * _MAX_CHARS).decode(errors="replace").split())
        if answer.status == 200:
            remark = words.removeprefix(_REMARK) if words.startswith(_REMARK) else ""
            return Answer(True, remark[:_MAX_CHARS])
        return Answer(False, words[:_MAX_CHARS] or f"it answers {answer.status}")
    except (http.client.HTTPException, OSError):
        return Answer(False, _SILENT)
    finally:
        connection.close()


def refusal(url: str, *, timeout_s: float = 1.0) -> str:
    """Why ``url`` does not answer 200, in its own words; empty when it does, or is empty."""
    answer = ask(url, timeout_s=timeout_s)
    return "" if answer.ready else answer.words


def answers(url: str, *, timeout_s: float = 1.0) -> bool:
    """Whether ``url`` answers 200; an empty one always does."""
    return ask(url, timeout_s=timeout_s).ready
