"""Says from whose answers a result was made, and what was missing."""

from collections.abc import Iterable
from dataclasses import dataclass

from runtime.errors import ServiceError
from services.gateway.answer import Generation
from services.gateway.coverage import OK, SKIPPED, STALE, STEPS, coverage_of, leg_reasons
from services.gateway.facets import Counted
from services.gateway.fanout import Legs
from services.gateway.taste import Liking


@dataclass(frozen=True, slots=True)
class Provenance:
    """What came of asking each stage.

    ``alike`` says why the image stage did not tell how alike the hits are; None where it did, or
    was not asked.
    """

    legs: Legs
    liking: Liking
    counted: Counted
    alike: ServiceError | None = None

    @property
    def is_partial(self) -> bool:
        """Whether a stage that was asked did not answer."""
        return bool(self.liking.reasons or self._failed())

    def degraded_reasons(self, min_seq: int) -> list[str]:
        """What was missing; an answer that does not know the change ``min_seq`` is stale."""
        stale = [STALE] if any(seq < min_seq for seq in self._seqs()) else []
        told = [reason for found in self.legs.answered.values() for reason in found.reasons]
        reasons = [*leg_reasons(self._failed()), *self.liking.reasons, *told, *stale]
        return list(dict.fromkeys(reasons))

    def coverage(self) -> dict[str, str]:
        """Who answered, by step."""
        coverage = dict.fromkeys(STEPS, SKIPPED)
        coverage |= dict.fromkeys(self.legs.answered, OK)
        coverage |= {name: coverage_of(error) for name, error in self._failed().items()}
        return coverage | {"taste": self.liking.taste, "ranking": self.liking.ranking}

    def generations(self) -> dict[str, Generation]:
        """The artifacts that answered, by stage."""
        found = {"text": self.counted.generation}
        found |= {name: ranking.generation for name, ranking in self.legs.answered.items()}
        found["ranking"] = self.liking.generation
        return {name: generation for name, generation in found.items() if generation is not None}

    def _failed(self) -> dict[str, ServiceError]:
        failed = dict(self.legs.failed)
        failed |= {"text": self.counted.error} if self.counted.error else {}
        return failed | ({"image": self.alike} if self.alike else {})

    def _seqs(self) -> Iterable[int]:
        """The catalogue changes that the answers take into account."""
        answers = (self.legs.answered, *self.legs.others)
        generations = [found.generation for each in answers for found in each.values()]
        generations.append(self.counted.generation)
        return [found.seq for found in generations if found is not None]
