"""Follows the release in force, and opens what the gateway itself needs of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from runtime.artifacts import ArtifactStore, Release
from runtime.generations import Follower
from runtime.metrics import Metrics
from services.gateway.ranking_generations import RankingGenerations
from services.gateway.sayings import Sayings
from services.gateway.settings import Settings
from services.gateway.tuned_fusion import FORMAT, KIND, TunedFusion
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import FORMAT as VOCABULARY_FORMAT
from services.gateway.vocabulary import KIND as VOCABULARY
from services.gateway.vocabulary import Vocabulary

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Released:
    """What the gateway serves from, all of one release."""

    fusion: TunedFusion
    understanding: Understanding | None


def follow_releases(
    config: Settings, generations: RankingGenerations, metrics: Metrics
) -> Follower[Released]:
    """Follows the release in force; a gateway without one answers what it can."""
    store = ArtifactStore(config.artifact_dir)

    def load(release: Release) -> Released:
        opened = open_released(store, release)
        generations.follow(release)
        return opened

    return Follower(
        store,
        load,
        poll_s=config.poll_s,
        on_state=lambda ready, reason: None,
        metrics=metrics,
    )


def open_released(store: ArtifactStore, release: Release) -> Released:
    """Opens the parts of a release that are the gateway's; one that it does not name is missing.

    Raises:
        ArtifactRefused: A part is missing on disk, damaged, or of another format.
    """
    return Released(_fusion(store, release), _understanding(store, release))


def name_of(releases: Follower[Released]) -> str:
    """The name of the release in force; empty if there is none."""
    return releases.release.name if releases.release else ""


def generations_of(releases: Follower[Released]) -> Mapping[str, str]:
    """The generations of the release in force, by kind; none where there is no release."""
    return releases.release.generations if releases.release else {}


def fusion_of(releases: Follower[Released]) -> TunedFusion:
    """How rankings are merged by the release in force; by default where it does not say."""
    return releases.value.fusion if releases.value else TunedFusion()


def understanding_of(releases: Follower[Released]) -> Understanding | None:
    """What reads the words of queries; None where the release in force holds no vocabulary."""
    return releases.value.understanding if releases.value else None


def sayings_of(releases: Follower[Released]) -> Sayings | None:
    """What completes from the dictionaries; None where the release in force holds none."""
    understanding = understanding_of(releases)
    return None if understanding is None else understanding.sayings


def _understanding(store: ArtifactStore, release: Release) -> Understanding | None:
    generation = release.generations.get(VOCABULARY)
    if generation is None:
        _log.info("release %s holds no vocabulary: no query is understood", release.name)
        return None
    artifact = store.open(VOCABULARY, generation, format=VOCABULARY_FORMAT)
    return Understanding(Vocabulary.open(artifact.folder))


def _fusion(store: ArtifactStore, release: Release) -> TunedFusion:
    generation = release.generations.get(KIND)
    if generation is None:
        _log.info("release %s holds no tuned fusion: rankings are merged by default", release.name)
        return TunedFusion()
    return TunedFusion.open(store.open(KIND, generation, format=FORMAT).folder)
