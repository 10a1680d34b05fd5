"""Says what a benchmark is to measure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from offline.bench_fresh import Mix


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What to measure.

    Attributes:
        requests: Searches by words in each measurement; a quarter of it by photos.
        products: Size of the synthetic catalogue; 0 measures the catalogue of the data folder.
        searches: Whether searches alone are measured.
        mix: What to write beside searches; None measures no writing.
        replicas: Processes of a stage where the house is started for the measurement.
    """

    requests: int = 4000
    products: int = 0
    searches: bool = True
    mix: Mix | None = None
    replicas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
