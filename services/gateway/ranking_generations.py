"""Knows the generation of the factors in use and the one before, and by what rules each learned."""

import logging
from collections.abc import Sequence

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release

KIND = "ranking"
RULES = "confidence_rules"
_log = logging.getLogger(__name__)


class RankingGenerations:
    """What the releases say of the factors.

    Args:
        store: Where they are published.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._known: tuple[str, ...] = ()
        self._rules: dict[str, ConfidenceRules] = {}

    def follow(self, release: Release) -> None:
        """Takes a release for the one in force. Reads files.

        Raises:
            ArtifactRefused: It names factors whose manifest cannot be read.
        """
        name = release.generations.get(KIND, "")
        before = self._known[0] if self._known else self._previous()
        if self._known and name == before:
            return
        known = (name, before) if name and before and before != name else (name,) if name else ()
        rules = {each: self._rules.get(each) or self._read(each) for each in known[:1]}
        for each in known[1:]:
            rules[each] = self._rules.get(each) or self._read_if_there(each)
        self._rules, self._known = rules, known

    def __call__(self) -> Sequence[str]:
        """The generation in use, then the one before; those that there are."""
        return self._known

    @property
    def in_use(self) -> str:
        """The generation in use; empty if there is none."""
        return self._known[0] if self._known else ""

    def rules(self, generation: str) -> ConfidenceRules:
        """The rules by which a generation learned; empty stands for the one in use."""
        return self._rules.get(generation or self.in_use, DEFAULT_RULES)

    def _previous(self) -> str:
        try:
            release = self._store.previous()
        except ArtifactRefused as refused:
            _log.warning("the release before is not known: %s", refused)
            return ""
        return release.generations.get(KIND, "") if release else ""

    def _read_if_there(self, generation: str) -> ConfidenceRules:
        try:
            return self._read(generation)
        except ArtifactRefused as refused:  # It may be pruned: nobody needs it then.
            _log.warning("the factors before are not known: %s", refused)
            return DEFAULT_RULES

    def _read(self, generation: str) -> ConfidenceRules:
        facts = self._store.facts(KIND, generation)
        try:
            return ConfidenceRules.of_facts(facts.get(RULES))
        except ValueError as error:
            raise ArtifactRefused("confidence_rules", f"{KIND}/{generation}: {error}") from error
