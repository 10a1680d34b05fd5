"""Trains a model of shoppers on a catalogue, and publishes what can be served of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path

from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.lessons import Lessons, Teacher, read_side
from offline.model_artifacts import SERVED, Part, parts_of
from offline.model_figures import TOP, figures_of
from offline.model_run import ModelRun, Spent, Stopwatch
from offline.models.contract import Curved, Model, Recipe, Saved, Sided
from offline.progress import progress, say
from offline.publish import formats, in_force
from offline.train_options import DEFAULTS, NoInteractions, TrainOptions
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError

_KINDS_FACT = "kinds"


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training: artifacts by kind, and the folder of the run.

    ``run`` is None where nothing was trained because all of it was there already.
    """

    artifacts: Mapping[str, Artifact]
    run: Path | None


def train_model(data: DataDir, recipe: Recipe, options: TrainOptions = DEFAULTS) -> Trained:
    """Trains on the interactions of a catalogue, keeps the run, and publishes.

    Nothing is trained again while interactions, recipe and options stay as they were, unless the
    run was given a folder or is not to be published. The same interactions, recipe and machine
    give the same artifacts.

    Raises:
        NoInteractions: No two shoppers share a product.
        SetupError: There is no catalogue, or an option makes no sense.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        artifacts = ArtifactStore(data.artifacts)
        inputs = _inputs(artifacts, store, recipe, options)
        if options.publish and options.run is None and (kept := _kept(artifacts, inputs)):
            names = ", ".join(f"{each.kind}/{each.generation}" for each in kept.values())
            say(f"{recipe.name} is up to date: {names}")
            return Trained(kept, None)
        seq = store.seq()
        sided = isinstance(recipe, Sided) and recipe.sided
        side = read_side(data, store) if sided else None
        teacher = Teacher(store, options.minimum, options.rules, side)
        return _Training(data, recipe, options, inputs, seq).run(teacher)
    finally:
        store.close()


def _inputs(
    artifacts: ArtifactStore, store: CatalogStore, recipe: Recipe, options: TrainOptions
) -> dict[str, str]:
    inputs = {
        "interactions": store.interactions_digest(),
        "recipe": json.dumps({"name": recipe.name, **_fields(recipe)}, sort_keys=True),
        "options": json.dumps(
            {"minimum": options.minimum, "held_out": options.held_out, **options.rules.facts()},
            sort_keys=True,
        ),
    }
    if isinstance(recipe, Sided) and recipe.sided:
        inputs["products"] = str(store.seq())
        image = in_force(artifacts, "image").get("image")
        inputs["image"] = image.generation if image else ""
    return inputs


def _fields(recipe: Recipe) -> dict[str, object]:
    plain: object = recipe
    return asdict(plain) if is_dataclass(plain) and not isinstance(plain, type) else {}


def _kept(artifacts: ArtifactStore, inputs: Mapping[str, str]) -> dict[str, Artifact]:
    """Returns all that a training with these inputs published, or nothing where one is missing."""
    found = {
        kind: made
        for kind in SERVED
        if (made := artifacts.find(kind, format=formats()[kind], inputs=inputs)) is not None
    }
    whole = all(made.facts.get(_KINDS_FACT) == sorted(found) for made in found.values())
    return found if whole else {}


class _Training:
    """One training of one recipe."""

    def __init__(
        self,
        data: DataDir,
        recipe: Recipe,
        options: TrainOptions,
        inputs: Mapping[str, str],
        seq: int,
    ) -> None:
        self._data = data
        self._recipe = recipe
        self._options = options
        self._inputs = inputs
        self._seq = seq

    def run(self, teacher: Teacher) -> Trained:
        """Trains, first on what the figures leave and then on everything."""
        lessons = teacher.all()
        if not lessons.training.confidences.nnz:
            raise NoInteractions(
                "there are too few interactions to learn tastes from: "
                "search works without them, import some for personal results"
            )
        run = self._start()
        model, figures, spent = self._learn(teacher, lessons)
        run.curve(model.curve if isinstance(model, Curved) else ())
        if isinstance(model, Saved):
            run.model(model)
        parts = list(parts_of(self._recipe, model, lessons, self._options.rules))
        facts = self._facts(lessons, figures)
        published = self._publish(parts, facts) if self._options.publish else {}
        run.result(
            {
                **facts,
                **asdict(spent),
                "artifacts": {kind: each.generation for kind, each in published.items()},
            }
        )
        say(self._summary(lessons, figures, spent, list(published.values())))
        say(f"The run is kept in {run.folder}")
        return Trained(published, run.folder)

    def _start(self) -> ModelRun:
        digest = hashlib.sha256(json.dumps(dict(self._inputs), sort_keys=True).encode()).hexdigest()
        config = {
            "model": self._recipe.name,
            "recipe": _fields(self._recipe),
            "minimum": self._options.minimum,
            "held_out": self._options.held_out,
            "rules": self._options.rules.facts(),
            "inputs": dict(self._inputs),
        }
        return ModelRun.start(
            self._data.runs,
            config,
            name=self._recipe.name,
            digest=digest,
            at=self._options.run,
        )

    def _learn(
        self, teacher: Teacher, lessons: Lessons
    ) -> tuple[Model, dict[str, object] | None, Spent]:
        """Returns the model, its figures and what the last training alone took."""
        figures = None
        with progress(f"Training {self._recipe.name}") as shown:
            share = self._options.held_out
            if share and (timed := teacher.until(share)) is not None:
                figures = figures_of(self._recipe, timed, shown)
            watch = Stopwatch()
            model = self._recipe.fit(lessons.training, None, shown)
        return model, figures, watch.spent()

    def _facts(self, lessons: Lessons, figures: dict[str, object] | None) -> dict[str, object]:
        confidences = lessons.training.confidences
        return {
            "model": self._recipe.name,
            "recipe": _fields(self._recipe),
            "learned_users": len(lessons.user_ids),
            "learned_products": len(lessons.product_ids),
            "confidences": int(confidences.nnz),
            "dislikes": int((confidences.data < 0).sum()),
            "held_out": figures,
        }

    def _publish(self, parts: Sequence[Part], facts: Mapping[str, object]) -> dict[str, Artifact]:
        kinds = sorted({part.kind for part in parts})
        if len(kinds) != len(parts):
            raise SetupError(
                "both parts are served in the same way, and one would hide the other: "
                "train with --no-publish"
            )
        artifacts, published = ArtifactStore(self._data.artifacts), {}
        for part in parts:

            def write(folder: Path, part: Part = part) -> Mapping[str, object]:
                return {**facts, _KINDS_FACT: kinds, **part.write(folder)}

            published[part.kind] = artifacts.publish(
                part.kind, format=part.format, seq=self._seq, inputs=self._inputs, write=write
            )
        return published

    def _summary(
        self,
        lessons: Lessons,
        figures: dict[str, object] | None,
        spent: Spent,
        published: Sequence[Artifact],
    ) -> str:
        names = ", ".join(f"{each.kind}/{each.generation}" for each in published)
        told = (
            f"{self._recipe.name} learned from {len(lessons.user_ids)} shoppers and "
            f"{len(lessons.product_ids)} products in {spent.wall_s:.1f} s: "
            f"{names or 'nothing of it is published'}"
        )
        if figures is None:
            return told
        return f"{told}; {_told(figures)}"


def _told(figures: Mapping[str, object]) -> str:
    ours, popular = (_recall(figures[name]) for name in ("model", "popularity"))
    return (
        f"of what {figures['shoppers']} shoppers took after {str(figures['cut'])[:10]} the first "
        f"{TOP} hold {ours:.1%} (most popular first: {popular:.1%})"
    )


def _recall(figures: object) -> float:
    found = figures[f"recall@{TOP}"] if isinstance(figures, Mapping) else {}
    return float(found["mean"])
