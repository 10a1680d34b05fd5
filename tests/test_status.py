"""What is wrong with a process is told beside it, although it is ready."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from offline import run_state
from offline.cli import main
from offline.layout import DataDir
from offline.process import Identity
from offline.run_state import Member, RunState
from runtime.metrics import Metrics
from runtime.probes import Probes

REFUSES = "serving r-1: release r-2: text/g-2/words.txt has 3 bytes instead of 9"
House = Callable[[str, str], AbstractContextManager[DataDir]]


@pytest.fixture
def house(tmp_path: Path) -> House:
    @contextmanager
    def opened(why_not: str, remark: str) -> Iterator[DataDir]:
        """A house of one stage that tells its health, kept up by this process."""
        data = DataDir(tmp_path).create()
        data.state.parent.mkdir()
        probes = Probes("127.0.0.1:0", Metrics("text"), lambda: why_not, lambda: remark)
        probes.start()
        try:
            own = Identity.of(os.getpid())
            assert own is not None
            url = f"http://127.0.0.1:{probes.port}/readyz"
            member = Member("text-1", "text", own.pid, own.started, "127.0.0.1:1", url)
            state = RunState(own.pid, own.started, "http://x", "x:1", "", True, (member,))
            run_state.write(data, state)
            yield data
        finally:
            probes.stop()

    return opened


@pytest.mark.parametrize(
    ("why_not", "remark", "state", "told", "code"),
    [
        ("", "", "ready", "", 0),
        ("", REFUSES, "ready", REFUSES, 1),
        ("no release is published yet", "", "running", "no release is published yet", 1),
    ],
)
def test_a_refused_release_stands_in_the_row_of_the_process_that_refuses_it(
    house: House,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    why_not: str,
    remark: str,
    state: str,
    told: str,
    code: int,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with house(why_not, remark) as data:
        assert main(["status", "--json", "--data", str(data.root)]) == code
        (member,) = json.loads(capsys.readouterr().out)["members"]
        assert (member["state"], member["remark"]) == (state, told)
        assert main(["status", "--data", str(data.root)]) == code
    shown = capsys.readouterr().out
    (row,) = (line for line in shown.splitlines() if line.startswith("text-1"))
    assert row.rstrip().endswith(told or "0")
    assert ("remark" in shown) == bool(told)
