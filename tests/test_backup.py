"""Promises of copies of the catalogue, and of what follows when one is put back."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.feed import ChangeFeed, LogTruncated
from catalog.store import CatalogStore
from catalog.tail import Tail
from offline.backup import back_up, restore
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.postgres import PostgresProcess
from tests.test_layout import GOLDEN
from tests.test_store import FULL, plain
from tests.test_tail import Copy
from tests.waiting import eventually

OPERATIONS = Path(__file__).parent.parent / "docs" / "operations.md"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data").create()


@pytest.fixture
def shop(data: DataDir) -> Iterator[CatalogStore]:
    store = CatalogStore.open(data.database_url, create=True)
    yield store
    store.close()


def content(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as copy:
        return dict(copy.execute("SELECT id, seq FROM products WHERE NOT deleted").fetchall())


def test_a_copy_made_while_others_write_is_the_catalogue_of_one_moment(
    data: DataDir, shop: CatalogStore, tmp_path: Path
) -> None:
    shop.upsert_all((plain(n) for n in range(3_000)), pause_s=0)
    enough = threading.Event()
    written: list[int] = []

    def write() -> None:
        with closing(CatalogStore.open(data.database_url)) as other:
            while not enough.is_set():
                fifty = [plain(n, f"Take {len(written)}") for n in range(50)]
                written.append(other.upsert(fifty).seq)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: len(written) > 2)
        back_up(data, tmp_path / "copy.sqlite")
        copied = len(written)
        eventually(lambda: len(written) > copied)
    finally:
        enough.set()
        writer.join()
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        (seq,) = copy.execute("SELECT seq FROM catalog_clock").fetchone()
        (newest,) = copy.execute("SELECT max(seq) FROM products").fetchone()
    # Each write moved fifty products and the clock in one commit: neither without the other.
    assert newest == seq
    assert (seq - 3_000) % 50 == 0
    assert seq < shop.seq()
    assert len(content(tmp_path / "copy.sqlite")) == 3_000
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.sqlite"]


def test_no_folder_is_made_for_a_copy(data: DataDir, shop: CatalogStore, tmp_path: Path) -> None:
    shop.upsert([FULL])
    with pytest.raises(SetupError, match="there is no folder"):
        back_up(data, tmp_path / "typo" / "copy.sqlite")
    assert not (tmp_path / "typo").exists()


def test_a_folder_is_no_place_for_a_copy_and_no_copy(
    data: DataDir, shop: CatalogStore, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.upsert([FULL])
    with pytest.raises(SetupError, match="is a folder: name a file in it for the copy"):
        back_up(data, data.root)
    with pytest.raises(SetupError, match="there is no file"):
        restore(data, data.root)
    assert "Copying" not in capsys.readouterr().err
    assert shop.count() == 1


# Makes a copy on a small file system of its own, that is full before the copy is whole.
ON_A_SMALL_DISK = """
import subprocess, sys
from pathlib import Path
from offline.backup import back_up
from offline.layout import DataDir
from runtime.errors import SetupError

disk = Path(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
try:
    back_up(DataDir(Path(sys.argv[1])), disk / "copy.sqlite")
except SetupError as error:
    print(error)
print([path.name for path in disk.iterdir()])
"""


def test_a_copy_that_a_full_disk_ends_leaves_nothing_behind(
    data: DataDir, shop: CatalogStore, tmp_path: Path
) -> None:
    # More than SQLite holds back in memory: only then is a journal on the disk.
    long = (replace(plain(n), description="x" * 8_000) for n in range(1_000))
    shop.upsert_all(long, pause_s=0)
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system of its own can be mounted here (unshare is refused)")
    (tmp_path / "disk").mkdir()
    places = (str(data.root), str(tmp_path / "disk"))
    done = subprocess.run(
        [*unshare, sys.executable, "-c", ON_A_SMALL_DISK, *places],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    why, left = done.stdout.splitlines()
    assert "cannot be copied to" in why
    assert "disk is full" in why
    assert left == "[]"


def test_what_is_put_back_is_what_was_copied_and_what_was_there_is_kept(
    data: DataDir, shop: CatalogStore, tmp_path: Path
) -> None:
    shop.upsert([FULL, plain(1)])
    copied = shop.content_digest()
    back_up(data, tmp_path / "copy.sqlite")
    shop.delete(["007"])
    shop.upsert([plain(2)])
    lost = content(data.database)
    restore(data, tmp_path / "copy.sqlite")
    # The store that was open all the while sees it too.
    assert shop.content_digest() == copied
    assert shop.upsert([plain(3)]).created == 1
    assert content(data.root / "catalog-before-restore.sqlite") == lost
    assert not list(data.root.glob(".*"))


def test_a_copy_goes_where_nothing_is(data: DataDir, shop: CatalogStore, tmp_path: Path) -> None:
    shop.upsert([FULL])
    back_up(data, tmp_path / "copy.sqlite")
    elsewhere = DataDir(tmp_path / "other").create()
    restore(elsewhere, tmp_path / "copy.sqlite")
    with closing(CatalogStore.open(elsewhere.database_url)) as other:
        assert other.content_digest() == shop.content_digest()


def test_after_a_restore_who_was_behind_the_copy_catches_up_and_who_was_ahead_is_told(
    data: DataDir, shop: CatalogStore, tmp_path: Path
) -> None:
    shop.upsert([plain(n) for n in range(5)])
    behind, at, ahead = (Copy() for _ in range(3))
    old = Tail(ChangeFeed(shop, limit=2), behind.apply, after=0)
    Tail(ChangeFeed(shop), at.apply, after=0).catch_up()
    shop.upsert([plain(1, "Changed")])
    back_up(data, tmp_path / "copy.sqlite")
    shop.upsert([plain(0, "Lost"), plain(9, "Lost")])
    live = Tail(ChangeFeed(shop), ahead.apply, after=0, poll_s=0.005)
    live.catch_up()
    live.start()
    try:
        restore(data, tmp_path / "copy.sqlite")
        # Even before anybody writes, and still when the clock has long passed its number.
        eventually(lambda: live.is_cut_off)
    finally:
        live.stop()
    shop.upsert([plain(n, "New") for n in range(2, 12)])
    truth = {product.id: product.title for product in shop.scan()}
    old.catch_up()
    Tail(ChangeFeed(shop), at.apply, after=5).catch_up()
    assert behind.titles == at.titles == truth
    with pytest.raises(LogTruncated):
        Tail(ChangeFeed(shop), ahead.apply, after=live.seq).catch_up()


def test_a_catalogue_put_back_many_times_never_gives_a_number_twice(
    data: DataDir, shop: CatalogStore, tmp_path: Path
) -> None:
    shop.upsert([plain(1)])
    back_up(data, tmp_path / "copy.sqlite")
    seen = [shop.upsert([plain(2)]).seq]
    for turn in range(3):
        restore(data, tmp_path / "copy.sqlite")
        seen.append(shop.upsert([plain(3, f"Take {turn}")]).seq)
    assert seen == sorted(set(seen))
    for lost in seen[:-1]:
        assert not shop.is_followable(lost)
    assert shop.is_followable(seen[-1])


def test_an_older_copy_is_brought_up_to_date_on_its_way(data: DataDir, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as old:
        old.executescript(GOLDEN.read_text())
    restore(data, tmp_path / "old.sqlite")
    with closing(CatalogStore.open(data.database_url)) as store:
        assert store.count() == 3
        assert store.seq() > 7


@pytest.mark.parametrize("broken", ["missing", "text", "other", "cut"])
def test_what_is_no_whole_catalogue_is_refused_and_changes_nothing(
    data: DataDir, shop: CatalogStore, tmp_path: Path, broken: str
) -> None:
    shop.upsert([plain(n) for n in range(500)])
    file = tmp_path / "copy.sqlite"
    if broken == "text":
        file.write_text("not a database, but long enough " * 100)
    elif broken == "other":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE of_somebody_else (id INTEGER)")
    elif broken == "cut":
        back_up(data, file)
        file.write_bytes(file.read_bytes()[:40_960])
    before = shop.content_digest()
    with pytest.raises(SetupError):
        restore(data, file)
    assert (shop.content_digest(), shop.seq()) == (before, 500)
    assert not list(data.root.glob(".*"))


def commands_of(heading: str) -> list[str]:
    """Returns the commands that the documentation shows under a heading, a line each."""
    section = OPERATIONS.read_text().partition(f"### {heading}\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_documented_commands_back_up_and_restore_a_postgresql(
    postgres: PostgresProcess, tmp_path: Path
) -> None:
    if shutil.which("pg_dump", path=str(postgres.bin_dir)) is None:
        pytest.skip("this PostgreSQL comes without pg_dump")
    url = postgres.new_database()
    before, after = commands_of("PostgreSQL")[:1], commands_of("PostgreSQL")[1:]
    with closing(CatalogStore.open(url, create=True)) as store:
        store.upsert([FULL, plain(1)])
        copied = store.content_digest()
        run(before, url, postgres, tmp_path)
        lost = store.upsert([plain(2)]).seq
    run(after, url, postgres, tmp_path)
    with closing(CatalogStore.open(url)) as store:
        assert store.content_digest() == copied
        assert store.seq() > lost
        assert not store.is_followable(lost)
        assert store.is_followable(2)


def run(commands: list[str], url: str, server: PostgresProcess, folder: Path) -> None:
    assert commands
    programs = [server.bin_dir, Path(sys.executable).parent]
    environment = {
        **os.environ,
        "HEMLINE_DATABASE_URL": url,
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    # The build that comes last needs a trained encoder, and is no part of this promise.
    script = "\n".join(line for line in commands if line != "hemline build")
    script = script.replace("hemline ", f"{sys.executable} -m offline.cli ")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
