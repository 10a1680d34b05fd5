"""Promises of the gateway's program: what it refuses to start with, it says in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from offline.keys import add_key
from offline.ports import free_ports
from tests.waiting import eventually

STAGES = ("TEXT", "IMAGE", "RANKING")


def environment(folder: Path, changes: dict[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "HEMLINE_ARTIFACT_DIR": str(folder / "artifacts"),
        "HEMLINE_DATABASE_URL": f"sqlite:///{folder / 'catalog.sqlite'}",
        "HEMLINE_MEDIA_DIR": str(folder / "media"),
        "HEMLINE_HTTP_ADDRESS": "127.0.0.1:0",
        "HEMLINE_GRPC_ADDRESS": "127.0.0.1:0",
        **{f"HEMLINE_{stage}_TARGETS": "static:127.0.0.1:1" for stage in STAGES},
        **changes,
    }


def start(folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Runs the gateway until it ends; what is started here must refuse to serve."""
    return subprocess.run(
        [sys.executable, "-m", "services.gateway.main"],
        env=environment(folder, changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"HEMLINE_REFUSE_SQLITE": "true"}, "give HEMLINE_DATABASE_URL a postgresql:// URL"),
        ({"HEMLINE_HTTP_ADDRESS": "0.0.0.0:0"}, "make one with `hemline keys add`"),
        ({"HEMLINE_GRPC_ADDRESS": "[::]:0"}, "make one with `hemline keys add`"),
    ],
)
def test_it_ends_with_one_sentence(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    keys = {"HEMLINE_KEY_FILE": str(tmp_path / "keys.json")}
    ended = start(tmp_path, **keys, **changes)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert sentence in line


def test_a_key_file_that_is_damaged_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    _, text = add_key(path, name="shop", scopes=["read"])
    path.write_bytes(path.read_bytes()[:-20])
    ended = start(tmp_path, HEMLINE_KEY_FILE=str(path))
    assert ended.returncode == 1
    assert "cannot be read" in ended.stderr
    assert text.split("_", 2)[2] not in ended.stderr


@pytest.mark.parametrize("place", ["127.0.0.1:1/shop", "127.0.0.1:port/shop"])
def test_a_database_that_cannot_be_reached_keeps_it_waiting_and_not_falling(
    tmp_path: Path, place: str
) -> None:
    (port,) = free_ports(1)
    changes = {
        "HEMLINE_DATABASE_URL": f"postgresql://shop:zq9secret@{place}",
        "HEMLINE_HTTP_ADDRESS": f"127.0.0.1:{port}",
    }

    def is_told_or_over() -> bool:
        if gateway.poll() is not None:
            return True
        try:
            reply = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=5)
        except httpx.TransportError:
            return False
        assert reply.status_code == 503
        return reply.text == "the catalogue cannot be opened\n"

    log = tmp_path / "log"
    with log.open("w") as out:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "services.gateway.main"],
            env=environment(tmp_path, changes),
            stdout=out,
            stderr=out,
        )
        try:
            eventually(is_told_or_over, within_s=60)
            assert gateway.poll() is None, log.read_text()
        finally:
            gateway.terminate()
            gateway.wait(60)
    told = log.read_text()
    assert "Traceback" not in told
    assert "zq9secret" not in told
