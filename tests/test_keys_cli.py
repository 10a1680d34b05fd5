"""Promises of ``hemline keys``."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from offline.cli import main
from offline.demo_catalog import draw_catalog
from offline.keys import add_key, read_keys
from offline.layout import DataDir
from runtime.errors import SetupError, Unauthenticated
from services.gateway import key_file
from services.gateway.keys import KeyRing


def test_a_key_is_shown_once_and_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "shop"
    words = ["keys", "add", "--data", str(shop), "--name", "feed", "--scope", "write"]
    assert main([*words, "--scope", "read"]) == 0
    printed = capsys.readouterr().out.splitlines()
    text = printed[-1]
    path = shop / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = text.split("_", 2)[2]
    assert secret not in path.read_text()
    assert KeyRing(path).caller(text).scopes == {"read", "write"}
    assert main(["keys", "list", "--data", str(shop), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(key["name"], key["scopes"]) for key in shown] == [("feed", ["read", "write"])]
    assert "digest" not in shown[0]
    assert main(["keys", "list", "--data", str(shop)]) == 0
    assert secret not in capsys.readouterr().out


def test_two_keys_live_until_one_is_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.json"
    old, old_text = add_key(path, name="shop", scopes=["read"])
    _, new_text = add_key(path, name="shop", scopes=["read"])
    assert KeyRing(path).caller(old_text).id == old.id
    assert main(["keys", "revoke", old.id, "--data", str(tmp_path)]) == 0
    ring = KeyRing(path)
    ring.caller(new_text)
    with pytest.raises(Unauthenticated):
        ring.caller(old_text)
    when = read_keys(path)[0].revoked
    assert main(["keys", "revoke", old.id, "--data", str(tmp_path)]) == 0
    assert read_keys(path)[0].revoked == when
    assert main(["keys", "revoke", "nobody", "--data", str(tmp_path)]) == 2
    assert "no key in" in capsys.readouterr().err


def test_keys_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    words = ["keys", "add", "--data", str(tmp_path), "--name", "x", "--scope", "read"]
    made = [
        subprocess.Popen([sys.executable, "-m", "offline.cli", *words], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    texts = [process.communicate(timeout=120)[0].decode().split()[-1] for process in made]
    ring = KeyRing(tmp_path / "keys.json")
    assert len({ring.caller(text).id for text in texts}) == 4


def test_a_damaged_file_is_one_sentence_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"keys": "hml_1_secret"}')
    for words in (["add", "--name", "x", "--scope", "read"], ["list"], ["revoke", "x"]):
        assert main(["keys", *words, "--data", str(tmp_path)]) == 2
        told = capsys.readouterr().err
        assert "cannot be read" in told
        assert "hml_1_secret" not in told
    assert path.read_text() == '{"keys": "hml_1_secret"}'


def test_the_command_line_knows_every_scope() -> None:
    from offline.grammar_keys import SCOPES

    assert SCOPES == key_file.SCOPES


def test_an_open_address_needs_a_key_that_lives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["up", "--data", str(tmp_path), "--address", "0.0.0.0", "--port", "20000"]
    assert main(words) == 2
    assert "hemline keys add" in capsys.readouterr().err
    key, _ = add_key(tmp_path / "keys.json", name="shop", scopes=["read"])
    assert main(words) == 2
    assert "there is no catalogue" in capsys.readouterr().err  # the next thing that is missing
    main(["keys", "revoke", key.id, "--data", str(tmp_path)])
    assert main(words) == 2
    assert "hemline keys add" in capsys.readouterr().err


def test_drawing_deletes_nothing_in_another_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, drawn = DataDir(tmp_path / "shop"), DataDir(tmp_path / "drawn")
    draw_catalog(shop, products=200)
    monkeypatch.setenv("HEMLINE_DATABASE_URL", f"sqlite:///{shop.database}")
    with pytest.raises(SetupError, match="would delete them"):
        draw_catalog(drawn, products=300)
