"""Does what the command line asks for; each verb imports what it needs and no more."""

import argparse
import ipaddress
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from offline.layout import DataDir
from offline.progress import say
from runtime.errors import SetupError

DATA, DEMO_DATA = Path("var/data"), Path("var/demo")
DEMO_MIB, BUILD_MIB = 600, 200
MIN_PRODUCTS = 200


def demo(options: argparse.Namespace) -> int:
    """Draws, trains, builds and serves; returns what ``up`` does."""
    from offline.demo import make
    from offline.disk import require_room
    from offline.ports import require_free
    from offline.run_state import read

    if options.products < MIN_PRODUCTS:
        raise SetupError(
            f"--products must be at least {MIN_PRODUCTS}: fewer cannot be learned from"
        )
    data = DataDir(options.data)
    if (running := read(data)) is not None:
        stop = f"stop it with `hemline down --data {data.root}`"
        raise SetupError(f"the demo runs already at {running.url}: {stop}")
    _require_loopback(options)
    require_free(options.address, options.port)
    require_room(data.root, mib=DEMO_MIB)
    make(data, products=options.products)
    if not options.detach:
        _become_up(options)
    return up(options)


def _become_up(options: argparse.Namespace) -> NoReturn:
    """Becomes ``hemline up``, which holds nothing of what was needed to train."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, _up_command(options))  # noqa: S606  # no shell: that is the point


def _up_command(options: argparse.Namespace) -> list[str]:
    words = [sys.executable, "-m", "offline.cli", "up", "--data", str(options.data)]
    words += ["--port", str(options.port), "--address", options.address]
    return [*words, *(word for each in options.replicas for word in ("--replicas", each))]


def train_clip(options: argparse.Namespace) -> int:
    """Trains the encoder."""
    from offline.clip_options import PRESETS
    from offline.train_clip import train_clip as train

    if options.preset not in PRESETS:
        raise SetupError(f"--preset is one of {', '.join(PRESETS)}, and {options.preset} is none")
    chosen = PRESETS[options.preset]
    chosen = replace(
        chosen,
        epochs=chosen.epochs if options.epochs is None else options.epochs,
        learning_rate=chosen.learning_rate if options.lr is None else options.lr,
        run=options.run,
    )
    train(DataDir(options.data).require_catalog(), chosen)
    return 0


def up(options: argparse.Namespace) -> int:
    """Serves."""
    from offline import up as house
    from offline.house import UpOptions, parse_replicas

    _require_loopback(options)
    chosen = UpOptions(options.port, options.address, parse_replicas(options.replicas))
    run = house.up_detached if options.detach else house.up
    return run(DataDir(options.data), chosen)


def down(options: argparse.Namespace) -> int:
    """Stops what runs."""
    from offline import up as house

    data = running_on(options.data)
    if not house.down(data):
        say(f"nothing runs on {data.root}")
        return 1
    say(f"stopped what ran on {data.root}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Shows what runs."""
    from offline import status as shown
    from offline.run_state import read

    data = running_on(options.data)
    state = read(data)
    if state is None:
        if options.json:
            print(json.dumps({"ready": False, "members": []}))
        else:
            say(f"nothing runs on {data.root}")
        return 1
    members = shown.look(state)
    if options.json:
        print(json.dumps(shown.as_json(state, members), indent=1))
    else:
        shown.show(state, members)
    return 0 if state.ready and all(member.is_well for member in members) else 1


def search(options: argparse.Namespace) -> int:
    """Asks the gateway; 1 when nothing was found."""
    from offline.search import Question, ask, hits_of
    from offline.search_shown import show

    if options.user == "":
        raise SetupError("--user needs the id of a shopper, such as u-0007: leave it away for none")
    question = Question(
        options.text,
        options.image,
        options.user or "",
        options.count,
        options.why,
        tuple(options.exclude),
        options.literal,
    )
    key = os.environ.get("HEMLINE_API_KEY", "")
    answer = ask(options.url or _url(options.data), question, key=key)
    if options.json:
        print(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        show(answer, why=options.why)
    return 0 if hits_of(answer) else 1


def evaluate_retrieval(options: argparse.Namespace) -> int:
    """Scores the system on held-out products, or by one of the suites."""
    if options.suite:
        from offline.suites import run_suite

        data = DataDir(options.data)
        run_suite(options.suite, data, options.dataset, report=options.report, as_json=options.json)
        return 0
    from offline.evaluate_retrieval import EvaluationOptions
    from offline.evaluate_retrieval import evaluate_retrieval as evaluate

    chosen = EvaluationOptions(report=options.report, as_json=options.json)
    evaluate(DataDir(options.data).require_catalog(), chosen)
    return 0


def _require_loopback(options: argparse.Namespace) -> None:
    """Refuses at once what the gateway would refuse after everything was made.

    With an API key that lives any address will do. What is no address at all is left to
    :func:`offline.ports.require_free`.
    """
    from offline.keys import read_keys

    try:
        is_open = not ipaddress.ip_address(options.address).is_loopback
    except ValueError:
        return
    if is_open and not any(key.is_live for key in read_keys(DataDir(options.data).keys)):
        raise SetupError(
            f"--address {options.address} can be reached from other machines, and without API keys "
            "the gateway serves this machine only: leave it at 127.0.0.1, or make a key with "
            f"`hemline keys add --data {options.data} --name NAME --scope read`"
        )


def running_on(data: Path | None) -> DataDir:
    """Returns the folder that was named, else the one of the two usual ones that is up."""
    from offline.run_state import read

    if data is not None:
        return DataDir(data)
    usual, drawn = DataDir(DATA), DataDir(DEMO_DATA)
    return drawn if read(usual) is None and read(drawn) is not None else usual


def _url(data: Path | None) -> str:
    from offline.run_state import read

    folder = running_on(data)
    state = read(folder)
    if state is None:
        raise SetupError(
            f"nothing runs on {folder.root}: start it with `hemline up`, or name a gateway by --url"
        )
    return state.url
