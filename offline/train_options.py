"""Says how to train, whatever the model."""

from dataclasses import dataclass
from pathlib import Path

from catalog.confidence_rules import DEFAULT_RULES, ConfidenceRules
from runtime.errors import SetupError


class NoInteractions(SetupError):
    """There is nothing to learn from; a release can do without factors."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a training is told beside its recipe.

    Attributes:
        minimum: Least products a shopper, and shoppers a product, to learn from, 1 or more.
        held_out: Share of the time span at its end on which the figures are taken, 0 to .9; 0
            takes none. What is published learns from everything.
        rules: What says how much.
        publish: Whether what can be served is put beside the other artifacts.
        run: Folder of the run; None: one of its own among the runs.
    """

    minimum: int = 2
    held_out: float = 0.1
    rules: ConfidenceRules = DEFAULT_RULES
    publish: bool = True
    run: Path | None = None

    def __post_init__(self) -> None:
        if self.minimum < 1:
            raise SetupError("minimum must be 1 or more")
        if not 0 <= self.held_out <= 0.9:
            raise SetupError("the share held out must lie between 0 and .9")


DEFAULTS = TrainOptions()
