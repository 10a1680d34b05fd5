"""Runs the text retriever: opens the released index, follows releases, and answers."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc

from catalog.store import CatalogStore
from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime import canaries, logs, settings
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.text_retriever.index import CANARY_TOLERANCE, FORMAT, TextIndex
from services.text_retriever.live import FixedText, LiveText, TextView
from services.text_retriever.scratch import Scratch
from services.text_retriever.servicer import NAME, TextRetrieverServicer
from services.text_retriever.servicer_messages import MAX_BATCH
from services.text_retriever.writable import WritableIndex

STAGE = "text"
KIND = "text"
_IN_FLIGHT = 2 * MAX_BATCH  # a query takes about a millisecond
_DELAYS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 30.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment.

    Without ``database_url`` it serves the released index as it is. ``scratch_dir`` is where it
    writes the index that follows the catalogue; empty means the system's folder for such.
    """

    artifact_dir: Path
    poll_s: float = 5.0
    database_url: str = field(default="", metadata={"secret": True})  # may hold a password
    scratch_dir: str = ""


class TextOpener:
    """Opens the text index that a release names, in the place of the one before.

    Args:
        artifacts: Where releases are published.
        database_url: The catalogue to follow; empty follows none.
        scratch_dir: Where indexes are written.
        metrics: Gets the delay of changes, and how far the index is.
    """

    def __init__(
        self, artifacts: ArtifactStore, database_url: str, scratch_dir: str, metrics: Metrics
    ) -> None:
        self._artifacts = artifacts
        self._url = database_url
        self._scratch_dir = Path(scratch_dir) if scratch_dir else None
        self._store: CatalogStore | None = None
        self._scratch: Scratch | None = None
        self._opened: LiveText | FixedText | None = None
        self._delays = metrics.histogram(
            "change_delay_seconds", "Time from a change to its being searchable", buckets=_DELAYS
        )
        self._watch(metrics)

    def open(self, release: Release) -> LiveText | FixedText:
        """Returns the index of a release, caught up with the catalogue.

        Raises:
            ArtifactRefused: It is not whole, of another format, answers otherwise than when it
                was built, or cannot catch up.
        """
        artifact = self._artifacts.open(KIND, release.generations[KIND], format=FORMAT)
        opened = self._followed(artifact) if self._url else _fixed(artifact)
        # The one before answers until the swap, a moment later, and is no longer needed to follow.
        before, self._opened = self._opened, opened
        if before is not None:
            before.close()
        return opened

    def close(self) -> None:
        """Ends following, and leaves nothing behind."""
        if self._opened is not None:
            self._opened.close()
        if self._scratch is not None:
            self._scratch.close()
        if self._store is not None:
            self._store.close()

    def _followed(self, artifact: Artifact) -> LiveText:
        store, scratch = self._ground()
        index = WritableIndex.copied(artifact.folder, scratch.folder())
        try:
            canaries.check(artifact.folder, index.view().answer, tolerance=CANARY_TOLERANCE)
        except ArtifactRefused:
            index.close()
            raise
        generation, seq = artifact.generation, artifact.seq
        return LiveText(index, generation, seq, store, scratch, self._observe)

    def _ground(self) -> tuple[CatalogStore, Scratch]:
        try:
            self._store = self._store or CatalogStore.open(self._url)
            self._scratch = self._scratch or Scratch(self._scratch_dir)
        except SetupError as error:
            raise ArtifactRefused("catalogue_unavailable", str(error)) from error
        except OSError as error:
            raise ArtifactRefused("scratch_unwritable", f"no scratch folder: {error}") from error
        return self._store, self._scratch

    def _observe(self, delays: Sequence[float]) -> None:
        for delay_s in delays:
            self._delays.observe(delay_s)

    def _watch(self, metrics: Metrics) -> None:
        applied = metrics.gauge("applied_seq", "Last catalogue change that answers hold")
        applied.set_function(lambda: self._opened.view.seq if self._opened else 0)
        worn = metrics.gauge("superseded_share", "Superseded documents among all, 0 to 1")
        worn.set_function(lambda: self._opened.superseded_share if self._opened else 0)
        followed = metrics.gauge(
            "catalog_followed", "Whether changes of the catalogue are followed"
        )
        followed.set_function(lambda: _is_followed(self._opened))


def _is_followed(opened: LiveText | FixedText | None) -> bool:
    return opened is not None and opened.is_following and not opened.problem


def _fixed(artifact: Artifact) -> FixedText:
    index = TextIndex.open(artifact.folder)
    canaries.check(artifact.folder, index.answer, tolerance=CANARY_TOLERANCE)
    return FixedText(TextView(index, artifact.generation, artifact.seq))


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    artifacts = ArtifactStore(config.artifact_dir)
    opener = TextOpener(artifacts, config.database_url, config.scratch_dir, metrics)

    def register(server: grpc.aio.Server) -> None:
        servicer = TextRetrieverServicer(lambda: follower.value, stage.run_blocking, metrics)
        add = pb_grpc.add_TextRetrieverServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    stage = StageServer(STAGE, register, [NAME], serving, metrics)
    follower = Follower(
        artifacts,
        opener.open,
        poll_s=config.poll_s,
        on_state=stage.set_ready,
        metrics=metrics,
        kinds=(KIND,),
    )
    await stage.start()
    try:
        await stage.serve_until_stopped(follower.run())
    finally:
        opener.close()


def main() -> None:
    """Reads the environment and runs the stage."""
    try:
        serving = settings.load(ServerSettings, os.environ)
        logs.configure(STAGE, serving.log_level)
        limited = replace(serving, in_flight_limit=serving.in_flight_limit or _IN_FLIGHT)
        asyncio.run(run(settings.load(Settings, os.environ), limited))
    except SetupError as error:
        sys.exit(f"{STAGE}: {error}")


if __name__ == "__main__":
    main()
