"""Promises of tuning a shop: what wins is released and can be taken back, what loses never is."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from offline.fusion_runs import Labelled, Run, recorded_runs
from offline.fusion_trials import held_out
from offline.layout import DataDir
from offline.progress import progress
from offline.released_search import released_search
from offline.rollback import rollback
from offline.tune_fusion import TuneOptions, tune_fusion
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.gateway.tuned_fusion import FORMAT, KIND, TunedFusion

Right = Callable[[Labelled, Run], Sequence[str]]


@pytest.fixture(scope="module")
def shop(world: DataDir, tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """A copy of the small world, to be released anew."""
    root = tmp_path_factory.mktemp("tuned")
    for name in ("artifacts", "media"):
        shutil.copytree(world.root / name, root / name)
    for path in world.root.iterdir():
        if path.is_file():
            shutil.copy(path, root)
    return DataDir(root)


@pytest.fixture(scope="module")
def asked(shop: DataDir) -> list[tuple[Labelled, Run]]:
    """Queries of three words and what both retrievers found, where they disagree."""
    pipeline = released_search(shop).pipeline
    colours = ("red", "navy", "black", "white", "green", "grey", "pink", "beige")
    kinds = ("dress", "shirt", "skirt", "coat", "trousers", "sweater", "jacket", "t-shirt")
    patterns = ("plain", "striped", "checked")
    texts = [f"{one} {two} {three}" for one in patterns for two in colours for three in kinds]
    queries = [Labelled(text, "", {"nothing": 1.0}) for text in texts]
    with progress("Asking", len(queries)) as shown:
        runs = asyncio.run(recorded_runs(pipeline, queries, shown))
    pairs = zip(queries, runs, strict=True)
    return [pair for pair in pairs if only("text")(*pair) and only("image")(*pair)]


def only(name: str) -> Right:
    """The first five of one retriever less the first twenty of the other."""
    other = {"text": "image", "image": "text"}[name]

    def right(query: Labelled, run: Run) -> Sequence[str]:
        far = set(run.rankings[other].ids[:20])
        return [each for each in run.rankings[name].ids[:5] if each not in far]

    return right


def judged(path: Path, asked: Sequence[tuple[Labelled, Run]], right: Right) -> Path:
    """A table of judgements."""
    rows = [
        f"{query.text}\t{product_id}" for query, run in asked for product_id in right(query, run)
    ]
    path.write_text("\n".join(["query\tproduct_id", *rows]) + "\n")
    return path


def test_a_fusion_that_loses_to_an_input_is_refused_and_the_release_stays(
    shop: DataDir,
    asked: list[tuple[Labelled, Run]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queries_asked = [query for query, _ in asked]
    scored = {
        query.text
        for query, is_scored in zip(queries_asked, held_out(queries_asked), strict=True)
        if is_scored
    }

    def right(query: Labelled, run: Run) -> Sequence[str]:
        # What chooses likes the picture, what scores likes the words.
        return only("text" if query.text in scored else "image")(query, run)

    store = ArtifactStore(shop.artifacts)
    before = store.current()
    queries = judged(tmp_path / "judged.tsv", asked, right)
    assert not tune_fusion(shop, TuneOptions(queries, classes=("words_long",)))
    assert "Refused: words_long" in capsys.readouterr().err
    assert store.current() == before
    assert store.generations(KIND) == []


def test_what_wins_is_released_and_a_rollback_takes_it_back(
    shop: DataDir, asked: list[tuple[Labelled, Run]], tmp_path: Path
) -> None:
    store = ArtifactStore(shop.artifacts)
    before = store.current()
    queries = judged(tmp_path / "judged.tsv", asked, only("text"))
    assert tune_fusion(shop, TuneOptions(queries, report=tmp_path))
    release = store.current()
    assert release is not None
    assert before is not None
    assert {**before.generations, KIND: release.generations[KIND]} == dict(release.generations)
    made = store.open(KIND, release.generations[KIND], format=FORMAT)
    tuned = TunedFusion.open(made.folder).by_class
    assert list(tuned) == ["words_long"]
    assert tuned["words_long"].weight("text") > tuned["words_long"].weight("image")
    assert (tmp_path / "fusion.md").is_file()
    rollback(shop)
    after = store.current()
    assert after is not None
    assert KIND not in after.generations


def test_products_that_are_not_there_are_told_and_left_out(
    shop: DataDir,
    asked: list[tuple[Labelled, Run]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queries = judged(tmp_path / "judged.tsv", asked, only("text"))
    with queries.open("a") as file:
        file.write("red dress for a day\tp-gone\n")
    assert tune_fusion(shop, TuneOptions(queries, release=False))
    assert "such as p-gone" in capsys.readouterr().err
    alone = tmp_path / "alone.tsv"
    alone.write_text("query\tproduct_id\nred dress\tp-gone\n")
    with pytest.raises(SetupError, match="of the catalogue"):
        tune_fusion(shop, TuneOptions(alone))
