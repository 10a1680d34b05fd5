"""Promises of the gateway's program: what it refuses to start with, it says in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offline.keys import add_key

STAGES = ("TEXT", "IMAGE", "RANKING")


def start(folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Runs the gateway until it ends; what is started here must refuse to serve."""
    told = {
        "HEMLINE_ARTIFACT_DIR": str(folder / "artifacts"),
        "HEMLINE_DATABASE_URL": f"sqlite:///{folder / 'catalog.sqlite'}",
        "HEMLINE_MEDIA_DIR": str(folder / "media"),
        "HEMLINE_HTTP_ADDRESS": "127.0.0.1:0",
        "HEMLINE_GRPC_ADDRESS": "127.0.0.1:0",
        **{f"HEMLINE_{stage}_TARGETS": "static:127.0.0.1:1" for stage in STAGES},
        **changes,
    }
    return subprocess.run(
        [sys.executable, "-m", "services.gateway.main"],
        env={**os.environ, **told},
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
