"""Trains a network on what shoppers like, and on products that they never met."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch.nn.functional import binary_cross_entropy_with_logits

from offline.models.contract import Floats, Rows, Training, Validation
from offline.models.held_out import HeldOutOne, checked, ndcg
from offline.models.networks import Network
from offline.models.pairs import Pairs
from offline.progress import Progress
from runtime.errors import SetupError

Curve = tuple[dict[str, float], ...]
Make = Callable[[Training], Network]
_LOOKED_AT = 600
_LEAST_GAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast a network learns.

    Attributes:
        epochs: Passes over all pairs at most, 1 or more.
        batch: Pairs of one step, negatives among them, 1 or more.
        negatives: Products that the shopper never met for each pair, 1 or more.
        learning_rate: Of Adam, more than 0.
        decay: How much of every weight each step takes, times the learning rate; 0 or more.
        patience: Ends after so many epochs in a row that were no better than the best; 0 looks
            at nothing and runs all epochs.
        seed: Of all draws.
    """

    epochs: int
    batch: int
    negatives: int
    learning_rate: float
    decay: float
    patience: int
    seed: int

    @classmethod
    def of(cls, recipe: object) -> "Schedule":
        """Returns the schedule of a recipe, which has options of these names."""
        return cls(**{each.name: getattr(recipe, each.name) for each in fields(cls)})

    def check(self) -> None:
        """Refuses what makes no sense.

        Raises:
            SetupError: An option is out of its range.
        """
        if min(self.epochs, self.batch, self.negatives) < 1 or self.patience < 0:
            raise SetupError("epochs, batch and negatives must be 1 or more, patience 0 or more")
        if not (self.learning_rate > 0 and self.decay >= 0):
            raise SetupError("the learning rate must be more than 0, the decay 0 or more")


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """A trained network.

    Attributes:
        network: In the state of its last step.
        unknown: bool [products]; nothing is known of them, and they stand last.
        curve: One line for each epoch that was looked at.
    """

    network: Network
    unknown: npt.NDArray[np.bool_]
    curve: Curve = ()

    def scores(self, users: Rows) -> Floats:
        """Logits, float32 [len(users), products]."""
        with torch.no_grad(), one_thread():
            found = self.network.against_all(torch.from_numpy(users)).numpy()
        found[:, self.unknown] = found.min(axis=1, keepdims=True) - 1.0
        return np.asarray(found, np.float32)

    def save(self, folder: Path) -> None:
        """Writes ``network.safetensors``."""
        state = {name: each.numpy() for name, each in self.network.state_dict().items()}
        save_file(state, folder / "network.safetensors")


def trained(
    make: Make, training: Training, validation: Validation | None, plan: Schedule, shown: Progress
) -> tuple[Network, Curve]:
    """Makes a network and trains it on everything.

    With patience, a first network learns without what is held out until it gets no better; the
    second one, which is returned, learns from everything for as many epochs.

    Args:
        make: Makes a network for a training, the same each time.
        training: What to learn from.
        validation: What to look for; None: one liking of each of some users.
        plan: How long and how fast.
        shown: Told of each epoch done.

    Raises:
        SetupError: An option makes no sense, or there is nothing to learn from.
    """
    plan.check()
    if not training.confidences.nnz:
        raise SetupError("there are no interactions to learn from")
    with one_thread():
        if not plan.patience:
            return _run(make, training, plan, plan.epochs, shown), ()
        curve = _looks(make, checked(training, validation, users=_LOOKED_AT), plan, shown)
        best = max(curve, key=lambda line: line["ndcg@10"])
        return _run(make, training, plan, int(best["step"]), shown), curve


def widths(layers: Sequence[str]) -> tuple[int, ...]:
    """Reads widths of layers.

    Raises:
        SetupError: They are not two or more whole numbers of 1 or more.
    """
    try:
        read = tuple(int(width) for width in layers)
    except ValueError as problem:
        raise SetupError("layers are whole numbers joined by +, such as 32+64+16") from problem
    if len(read) < 2 or min(read) < 1:
        raise SetupError("there must be two layers or more, each of width 1 or more")
    return read


def unmet(training: Training) -> npt.NDArray[np.bool_]:
    """Returns which products nobody had to do with, bool [products]."""
    return np.asarray(training.confidences.getnnz(axis=0) == 0, np.bool_)


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch keep to one core: batches are small, and sums keep their order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(make: Make, training: Training, plan: Schedule, epochs: int, shown: Progress) -> Network:
    network = make(training)
    for _ in islice(_epochs(network, training, plan, shown), epochs):
        pass
    # Nobody ever said anything about these: what their embeddings began with means nothing.
    network.forget(torch.from_numpy(unmet(training)))
    return network


def _looks(make: Make, split: HeldOutOne, plan: Schedule, shown: Progress) -> Curve:
    network, curve = make(split.training), list[dict[str, float]]()
    best, waited = -1.0, 0
    unknown = unmet(split.training)
    for loss in _epochs(network, split.training, plan, shown):
        network.eval()
        found = ndcg(NetworkModel(network, unknown), split.training, split.validation)
        curve.append({"step": len(curve) + 1, "loss": loss, "ndcg@10": found})
        shown.note(f"loss {loss:.4f}, NDCG@10 {found:.4f}")
        waited = 0 if found > best + _LEAST_GAIN else waited + 1
        best = max(best, found)
        if waited >= plan.patience:
            break
    return tuple(curve)


def _epochs(
    network: Network, training: Training, plan: Schedule, shown: Progress
) -> Iterator[float]:
    """Trains, and yields the mean loss after each epoch."""
    pairs = Pairs(training.confidences, negatives=plan.negatives, size=plan.batch, seed=plan.seed)
    adam = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.decay)
    for _ in range(plan.epochs):
        network.train()
        losses = []
        for batch in pairs.epoch():
            logits = network(torch.from_numpy(batch.users), torch.from_numpy(batch.products))
            loss = binary_cross_entropy_with_logits(
                logits, torch.from_numpy(batch.liked), torch.from_numpy(batch.weights)
            )
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            adam.step()
            losses.append(float(loss.detach()))
        network.eval()
        shown.advance()
        yield float(np.mean(losses))
