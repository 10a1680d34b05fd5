"""Knows which replicas of a stage are in rotation, and takes out the ones that fail."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from prometheus_client import Counter

from runtime.errors import Unavailable
from runtime.replica import Replica, StubT

_EXPLORE = 0.05
_FORGET_S = 30.0


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How a pool of replicas behaves; reasons and measurements stand in docs/operations.md.

    Attributes:
        in_flight_cap: Most calls at once: a stuck stage must not use up its caller.
        eject_after: Failures in a row that take a replica out.
        eject_s: Seconds it is out the first time; doubled each time in a row.
        eject_max_s: Most seconds it is out.
        health_every_s: Seconds between health checks.
        health_timeout_s: Seconds a health check may take.
        hedge_min_s: Least seconds before a second copy is sent.
        hedge_max_s: Most seconds before a second copy is sent.
        hedge_fraction: Second copies for each call.
        hedge_burst: Second copies that a sudden fault may cost.
        retry_fraction: Retries for each call.
        retry_per_s: Retries for each second.
        retry_burst: Retries that a sudden fault may cost.
        resolve_every_s: Seconds between questions to the name service.
        max_message_mib: Largest reply in MiB.
    """

    in_flight_cap: int = 64
    eject_after: int = 3
    eject_s: float = 1.0
    eject_max_s: float = 30.0
    health_every_s: float = 2.0
    health_timeout_s: float = 0.25
    hedge_min_s: float = 0.02
    hedge_max_s: float = 0.2
    hedge_fraction: float = 0.05
    hedge_burst: float = 32
    retry_fraction: float = 0.1
    retry_per_s: float = 3
    retry_burst: float = 64
    resolve_every_s: float = 5.0
    max_message_mib: int = 4


class Roster(Generic[StubT]):
    """The replicas of one stage.

    Those that cannot be reached get nothing. Of the others, those in rotation get the calls;
    when all of them are out, all are used. What merely fails or is slow is taken out only while
    half of the replicas stay.
    """

    def __init__(
        self,
        stage: str,
        settings: PoolSettings,
        ejections: Counter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._ejections = ejections
        self._clock = clock
        self.replicas: list[Replica[StubT]] = []
        self.rotation: list[Replica[StubT]] = []

    def refresh(self) -> None:
        """Works out the rotation anew, after the standing of a replica changed."""
        reachable = [replica for replica in self.replicas if not replica.is_down]
        self.rotation = [replica for replica in reachable if not replica.is_out] or reachable

    def pick(self) -> Replica[StubT]:
        """Returns the better one of two random replicas.

        Raises:
            Unavailable: There is none, or none can be reached.
        """
        if not self.rotation:
            raise Unavailable(f"the {self._stage} stage does not answer", retry_after_s=1.0)
        return self._best(self.rotation)

    def pick_other(self, than: Replica[StubT]) -> Replica[StubT] | None:
        """Returns the better one of two random replicas that are not ``than``.

        Where none of them is in rotation, one that is out is better than a failed call: it may
        only have been slow.
        """
        others = [replica for replica in self.rotation if replica is not than]
        if not others:
            others = [one for one in self.replicas if not one.is_down and one is not than]
        return self._best(others) if others else None

    def answered(self, replica: Replica[StubT], seconds: float) -> None:
        """Enters a call that was answered."""
        replica.failures = 0
        replica.enter(seconds)

    def shed(self, replica: Replica[StubT], seconds: float) -> None:
        """Enters a refusal: it may not attract calls, but an overloaded replica is not ill."""
        replica.enter(seconds)

    def failed(self, replica: Replica[StubT], seconds: float) -> None:
        """Enters a call that failed, with at least the time it was given."""
        replica.enter(seconds)
        replica.failures += 1
        replica.doubt.set()
        if replica.failures >= self._settings.eject_after:
            self.eject(replica)

    def eject(self, replica: Replica[StubT]) -> None:
        """Takes a replica out and moves its calls, unless too many would be out."""
        out = sum(other.is_ejected for other in self.replicas)
        if replica.is_ejected or replica.is_retired or (out + 1) * 2 > len(self.replicas):
            return
        now = self._clock()
        if now - replica.returned_at > _FORGET_S:
            replica.ejections = 0
        seconds = min(self._settings.eject_s * 2**replica.ejections, self._settings.eject_max_s)
        replica.ejections += 1
        replica.failures = 0
        replica.ejected_until = now + seconds
        replica.is_ejected = True
        self._ejections.inc()
        self._leave(replica)

    def lose(self, replica: Replica[StubT]) -> None:
        """Notes that a replica cannot be reached, and moves its calls."""
        if not replica.is_down:
            replica.is_down = True
            self._leave(replica)

    def judge(self, replica: Replica[StubT], *, serves: bool) -> None:
        """Notes what a replica said of itself; a good word ends an ejection that has run out."""
        replica.is_down = False
        replica.is_unfit = not serves
        if serves and replica.is_ejected and self._clock() >= replica.ejected_until:
            replica.is_ejected = False
            replica.failures = 0
            replica.latency_s = 0.0
            replica.returned_at = self._clock()
        self.refresh()

    def _leave(self, replica: Replica[StubT]) -> None:
        self.refresh()
        for call in tuple(replica.calls):
            call.move()

    def _best(self, among: list[Replica[StubT]]) -> Replica[StubT]:
        """Picks by outstanding calls, then by latency when it differs by half.

        Power of two choices, Mitzenmacher 2001. Where two are even, chance decides, and now and
        then the slower one is tried, or it could never show that it has become fast.
        """
        count = len(among)
        if count == 1:
            return among[0]
        first = int(random.random() * count)
        second = int(random.random() * (count - 1))
        one, two = among[first], among[second if second < first else second + 1]
        if one.outstanding != two.outstanding:
            return one if one.outstanding < two.outstanding else two
        if one.latency_s > two.latency_s:
            one, two = two, one
        if two.latency_s > 2 * one.latency_s:
            return two if random.random() < _EXPLORE else one
        return one if random.random() < 0.5 else two
