"""Does what the command line asks to be measured."""

import argparse
from pathlib import Path

from offline.layout import DataDir
from offline.verbs import running_on
from runtime.errors import SetupError


def bench(options: argparse.Namespace) -> int:
    """Measures the running system; 1 when a search failed or a change was never shown."""
    if options.training:
        from offline.bench_train import bench_train

        bench_train(options.training, as_json=options.json)
        return 0
    if options.ranking:
        from offline.bench_ranking import bench_ranking

        bench_ranking(options.ranking, as_json=options.json)
        return 0
    from offline.bench import bench as measure
    from offline.bench_fresh import Mix
    from offline.bench_options import BenchOptions
    from offline.house import parse_replicas

    mix = Mix(options.writes, options.searches, options.seconds)
    if min(options.writes, options.searches, options.seconds) <= 0:
        raise SetupError("--writes, --searches and --seconds must be more than 0")
    chosen = BenchOptions(
        requests=options.requests,
        products=options.products,
        searches=options.mix != "writes",
        mix=mix if options.mix != "searches" else None,
        replicas=parse_replicas(options.replicas),
    )
    if options.scale:
        from offline.bench_scale import scale

        root = options.data or Path("var")
        return scale(root, sizes_of(options.scale), chosen, mix, as_json=options.json)
    if options.products and options.data is None:
        data = DataDir(Path(f"var/bench-{options.products}"))
    else:
        data = running_on(options.data)
    return measure(data, chosen, as_json=options.json)


def sizes_of(words: str) -> list[int]:
    """Reads ``10000,100000``.

    Raises:
        SetupError: It is no list of whole numbers of 600 or more.
    """
    sizes = [int(word) if word.isascii() and word.isdecimal() else 0 for word in words.split(",")]
    if min(sizes) < 600:
        raise SetupError("--scale takes numbers of 600 products or more, such as 10000,100000")
    return sizes
