"""The command line teaches, says no in one sentence, and means its exit codes."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch

from catalog.media import MediaStore
from catalog.store import CatalogStore
from offline import disk, run_state
from offline.cli import main, reported
from offline.grammar import parser
from offline.layout import DataDir
from offline.ports import is_free
from offline.progress import progress
from runtime.errors import SetupError, Unavailable
from tests.ports import two_ports
from tests.running import Running
from tests.waiting import eventually

VERBS = [
    "demo",
    "import",
    "images fetch",
    "export",
    "build",
    "publish",
    "releases",
    "rollback",
    "train clip",
    "train als",
    "train popularity",
    "train blend",
    "train als-search",
    "up",
    "down",
    "status",
    "search",
    "evaluate retrieval",
    "bench",
    "keys add",
    "keys list",
    "keys revoke",
    "backup",
    "restore",
]


def hemline(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "offline.cli", *words],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **environment},
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_teaches(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "--data DIR" in said
    examples = said.partition("examples:\n")[2].strip().splitlines()
    assert examples
    assert all(re.match(rf" *hemline {verb}\b", example) for example in examples)


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_can_be_read(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*verb.split(), "--help"])
    text = capsys.readouterr().out.partition("examples:\n")[2]
    commands = [part for line in text.splitlines() for part in re.split(r"&&|\|", line)]
    for command in commands:
        words = shlex.split(command)
        if words and words[0] == "hemline":
            parser().parse_args(words[1:])


def test_the_default_folders() -> None:
    assert parser().parse_args(["demo"]).data == Path("var/demo")
    assert parser().parse_args(["build"]).data == Path("var/data")
    assert parser().parse_args(["up", "--data", "x"]).data == Path("x")


def test_no_verb_imports_what_it_does_not_need() -> None:
    code = (
        "import sys; from offline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'grpc', 'faiss', 'rich', 'httpx', 'sqlalchemy'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["build"],
            "there is no catalogue in {data}: make one with `hemline demo` or `hemline import`",
        ),
        (["up"], "there is no catalogue in {data}"),
        (["train", "clip"], "there is no catalogue in {data}"),
        (["train", "als"], "there is no catalogue in {data}"),
        (["evaluate", "retrieval"], "there is no catalogue in {data}"),
        (["search", "dress"], "nothing runs on {data}: start it with `hemline up`"),
        (["search", "--url", "http://127.0.0.1:1"], "ask for something"),
        (["search", "x", "--url", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1"),
        (["search", b"\xff\xfe".decode(errors="surrogateescape")], "what was given as text is not"),
        (["search", "x", "--user", ""], "--user needs the id of a shopper"),
        (["up", "--replicas", "image"], "--replicas takes STAGE=N"),
        (["demo", "--products", "5"], "--products must be at least"),
        (["demo", "--port", "70000"], "--port must be between"),
        (["demo", "--address", "here"], "--address here is not an IP address"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("hemline: " + sentence.format(data=tmp_path))
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_missing_package_is_told_with_the_extra_that_brings_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def needs(name: str) -> Callable[[], int]:
        return lambda: len(import_module(name).__name__)

    assert reported(needs("no_such_package.part")) == 2
    assert capsys.readouterr().err == (
        "hemline: this command needs the package no_such_package, which is not installed here: "
        'pip install "hemline[offline,cpu]"\n'
    )
    with pytest.raises(ModuleNotFoundError):
        reported(needs("offline.no_such_module"))


def test_a_device_that_is_not_there_is_refused_where_nothing_is_to_be_made(
    world: DataDir, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert main(["build", "--data", str(world.root), "--device", "cuda"]) == 2
    assert "this torch sees no GPU" in capsys.readouterr().err


def test_a_missing_encoder_is_told_before_photos_are_compared(
    world: DataDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDir(tmp_path)
    shutil.copy(world.database, data.database)
    data.media.symlink_to(world.media.resolve())
    assert main(["evaluate", "retrieval", "--data", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err == "hemline: there is no encoder to score: run hemline train clip\n"


def test_down_and_status_say_that_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--data", str(tmp_path)]) == 1
    assert main(["status", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"nothing runs on {tmp_path}\n" * 2
    assert main(["status", "--json", "--data", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out) == {"ready": False, "members": []}


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--data", str(tmp_path / "file" / "x"), "--port", str(two_ports())]) == 2
    assert "cannot write to the data folder" in capsys.readouterr().err


def test_a_full_disk_is_told_before_the_work_starts(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"the disk is too full: this needs \d+ MiB, and \d+ MiB"):
        disk.require_room(tmp_path / "not" / "there" / "yet", mib=1 << 40)
    disk.require_room(tmp_path / "not" / "there" / "yet", mib=1)


def test_progress_is_shown_in_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("Drawing products", 3) as shown:
        for _ in range(3):
            shown.advance()
        shown.note("loss 0.5")
    assert re.fullmatch(
        r"Drawing products: 3/3, loss 0\.5, done after \d+\.\d s\n", capsys.readouterr().err
    )


def test_progress_tells_when_it_was_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    def train() -> None:
        with progress("Training", 10) as shown:
            shown.advance(4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert "Training: 4/10, stopped" in capsys.readouterr().err


def test_building_again_changes_nothing(world: DataDir, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in (world.artifacts / "releases").iterdir())
    assert main(["build", "--data", str(world.root)]) == 0
    assert sorted(path.name for path in (world.artifacts / "releases").iterdir()) == before
    assert "is in force" in capsys.readouterr().err


def test_search_prints_a_table(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "red dress", "--data", str(running.data.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(n for n, line in enumerate(lines) if line.split()[:2] == ["id", "title"])
    assert lines[head].split() == ["id", "title", "brand", "price", "score"]
    assert lines[head + 1].split()[0] == "1"
    assert "EUR" in lines[head + 1]
    assert any("colour" in line and "red" in line for line in lines), "how the words were read"


def test_exclusions_alone_list_the_rest(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["search", "--exclude", "black", "--json", "--data", str(running.data.root)]
    assert main(asked) == 0
    hits = json.loads(capsys.readouterr().out)["hits"]
    assert hits
    assert "black" not in {hit["product"]["colour"] for hit in hits}


def test_search_by_photo_and_for_a_shopper(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = CatalogStore.open(running.data.database_url)
    product = next(iter(store.scan()))
    store.close()
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(MediaStore(running.data.media).get(product.images[0]) or b"")
    words = ["search", "--image", str(photo), "--json", "--data", str(running.data.root)]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["product"]["id"] == product.id
    assert main([*words, "--user", "u-0001", "--why"]) == 0
    hit = json.loads(capsys.readouterr().out)["hits"][0]
    assert {term["name"] for term in hit["explanation"]["terms"]} >= {"taste"}


def test_search_says_no_with_its_exit_code(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "zzzz", "--data", str(running.data.root)]) == 1
    assert capsys.readouterr().out == "nothing found\n"
    assert main(["search", "x" * 600, "--data", str(running.data.root)]) == 2
    assert "the gateway refused: " in capsys.readouterr().err


def test_status_shows_every_process(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    running.await_whole()
    assert main(["status", "--json", "--data", str(running.data.root)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["url"] == running.rest_url
    assert {member["name"] for member in shown["members"]} == {
        "redis", "text-1", "image-1", "ranking-1", "gateway-1",
    }  # fmt: skip
    assert {member["state"] for member in shown["members"]} == {"ready"}


def test_a_second_house_on_the_folder_is_refused(running: Running) -> None:
    port = str(two_ports())
    for more in ([], ["--detach"]):
        ended = hemline("up", "--data", str(running.data.root), "--port", port, *more)
        assert ended.returncode == 2
        assert f"already at {running.rest_url}" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_busy_port_is_told_before_anything_starts(running: Running) -> None:
    port = running.rest_url.rpartition(":")[2]
    ended = hemline("demo", "--data", str(running.data.root.parent / "other"), "--port", port)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"hemline: port {port} of 127.0.0.1 is busy")
    assert not (running.data.root.parent / "other").exists()


House = namedtuple("House", "process url port data")


@pytest.fixture
def house(world: DataDir, tmp_path: Path) -> Iterator[House]:
    """A house in the foreground, on a copy of the world, with two gateways."""
    data = DataDir(tmp_path / "world")
    shutil.copytree(world.root, data.root, ignore=shutil.ignore_patterns("run", "runs", "vectors"))
    port = two_ports()
    words = ["up", "--data", str(data.root), "--port", str(port), "--replicas", "gateway=2"]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "offline.cli", *words], stdout=subprocess.PIPE, stderr=said
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            assert line, (tmp_path / "said").read_text()
            yield House(process, line, port, data)
        finally:
            process.terminate()
            process.wait(60)
            assert process.stdout is not None
            process.stdout.close()


def test_up_says_where_and_ctrl_c_stops_all_of_it(house: House, tmp_path: Path) -> None:
    assert house.url == f"Hemline is ready at http://127.0.0.1:{house.port}\n"
    state = run_state.read(house.data)
    assert state is not None
    assert state.grpc == f"127.0.0.1:{house.port + 1}"
    further = [member for member in state.members if member.name == "gateway-2"]
    assert (
        f"A further gateway answers at http://{further[0].address}"
        in (tmp_path / "said").read_text()
    )
    names = {
        member.stage: Path(f"/proc/{member.pid}/cmdline").read_bytes().split(b"\0")[1:3]
        for member in state.members
    }
    assert names["image"] == [b"-m", b"services.image_retriever.main"]
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(60) == 0
    assert not any(member.identity.alive() for member in state.members)
    assert run_state.read(house.data) is None
    assert is_free("127.0.0.1", house.port)
    assert is_free("127.0.0.1", house.port + 1)


def test_a_house_that_is_stopped_while_it_starts_says_so(world: DataDir, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "world")
    shutil.copytree(world.root, data.root, ignore=shutil.ignore_patterns("run", "runs", "vectors"))
    words = ["up", "--data", str(data.root), "--port", str(two_ports()), "--detach"]
    starter = subprocess.Popen(
        [sys.executable, "-m", "offline.cli", *words], stderr=subprocess.PIPE, text=True
    )
    eventually(lambda: run_state.read(data) is not None, within_s=60)
    assert main(["down", "--data", str(data.root)]) == 0
    _, said = starter.communicate(timeout=60)
    assert starter.returncode == 2
    assert said.splitlines()[-1] == "hemline: stopped while starting"


def test_the_demo_makes_a_shop_out_of_nothing_and_makes_nothing_twice(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "demo")
    words = ["demo", "--data", str(data.root), "--products", "200", "--detach"]
    port = str(two_ports())
    try:
        first = hemline(*words, "--port", port)
        assert first.returncode == 0, first.stderr
        assert first.stdout.endswith(f"Hemline is ready at http://127.0.0.1:{port}\n")
        for step in ("Drawing products", "Training", "Embedded 200 photos", "Indexing words"):
            assert step in first.stderr
        answer = hemline("search", "dress", "--user", "u-0007", "--data", str(data.root))
        assert answer.returncode == 0, answer.stderr
        assert "something was missing" not in answer.stderr
        assert hemline("down", "--data", str(data.root)).returncode == 0
        made = sorted(data.artifacts.glob("*/*"))
        again = hemline(*words, "--port", port)
        assert again.returncode == 0, again.stderr
        assert sorted(data.artifacts.glob("*/*")) == made
        for step in ("Drawing", "Training", "Embedded", "Indexing"):
            assert step not in again.stderr
    finally:
        hemline("down", "--data", str(data.root))


def test_ctrl_c_while_working_ends_with_130(tmp_path: Path) -> None:
    data, said = tmp_path / "demo", tmp_path / "said"
    # Tests that run in the background ignore Ctrl-C, and what they start would too.
    listening = (
        "import signal, sys; from offline.cli import main;"
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main(sys.argv[1:]))"
    )
    words = ["demo", "--data", str(data), "--products", "3000", "--port", str(two_ports())]
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", listening, *words],
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            eventually(data.joinpath("catalog.sqlite").exists, within_s=60)
            os.killpg(process.pid, signal.SIGINT)  # all of the terminal's, as Ctrl-C does
            assert process.wait(60) == 130
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert said.read_text().endswith("hemline: interrupted\n")
    assert "Traceback" not in said.read_text()


def test_a_disk_that_fills_up_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")

    assert reported(work) == 2
    assert capsys.readouterr().err == (
        "hemline: the disk is full while writing /data/x: make room and run the command again\n"
    )


def test_an_import_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage"
    row = "Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual"
    table = [f"{header},productDisplayName", f"1,{row},Blue Shirt", f"2,{row},", "3,Men"]
    (tmp_path / "images").mkdir()
    (tmp_path / "styles.csv").write_text("\n".join(table) + "\n")
    data = str(tmp_path / "data")
    words = ["import", "kaggle-fashion", str(tmp_path), "--data", data]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "1 products: 1 new, 0 changed, 0 as they were; 0 with a photo\n" in said
    assert re.search(r"  refused \d: .+\n", said)
    assert "rejects" in said
    assert main(words) == 0
    assert "1 products: 0 new, 0 changed, 1 as they were" in capsys.readouterr().err


def test_what_the_catalogue_refuses_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> int:
        raise Unavailable("the catalogue cannot be written, its disk is full: make room")

    assert reported(full) == 2
    assert capsys.readouterr().err.splitlines() == [
        "hemline: the catalogue cannot be written, its disk is full: make room"
    ]


def test_an_address_that_others_can_reach_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "demo"
    assert main(["demo", "--data", str(data), "--address", "0.0.0.0"]) == 2
    assert "leave it at 127.0.0.1" in capsys.readouterr().err
    assert not data.exists()
