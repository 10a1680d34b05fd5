"""Measures how soon a click shows in what is ranked for the shopper."""

import time
from collections.abc import Callable, Collection

MOST = 10_000  # shoppers whose clicks wait for an answer
LONGEST_S = 600.0


class ClickWatch:
    """Times clicks, from their acknowledgement to the first answer that knows them.

    A shopper who asks for nothing yet does not wait: where the next question comes later than the
    click, the time counts from the question. Answers to questions from before the click say
    nothing. What this process acknowledged is timed by the answers of this process.

    Args:
        observe: Told the seconds of each click.
        clock: Monotonic seconds.
    """

    def __init__(
        self, observe: Callable[[float], object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._observe = observe
        self._clock = clock
        self._clicked: dict[str, float] = {}
        self._asked: dict[str, float] = {}

    def now(self) -> float:
        """The time, as it is counted here."""
        return self._clock()

    def acknowledged(self, user_ids: Collection[str]) -> None:
        """Events of these shoppers are durable, and their senders are told so now."""
        now = self._clock()
        for user_id in user_ids:
            if user_id not in self._clicked:
                self._clicked[user_id] = now
        for user_id in list(self._clicked)[: max(0, len(self._clicked) - MOST)]:
            self.forget(user_id)

    def asked(self, user_id: str, at: float) -> None:
        """A question of a shopper came."""
        clicked = self._clicked.get(user_id)
        if clicked is None or at < clicked:
            return
        if at - clicked > LONGEST_S:
            self.forget(user_id)
        else:
            self._asked.setdefault(user_id, at)

    def answered(self, user_id: str, asked_at: float) -> None:
        """A question is answered by all that is known of the shopper."""
        clicked = self._clicked.get(user_id)
        if clicked is not None and asked_at >= clicked:
            self._observe(self._clock() - self._asked.get(user_id, asked_at))
            self.forget(user_id)

    def forget(self, user_id: str) -> None:
        """Waits for no answer to a shopper any longer."""
        self._clicked.pop(user_id, None)
        self._asked.pop(user_id, None)
