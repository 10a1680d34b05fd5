"""The examples in the documentation work as they stand."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Running

ROOT = Path(__file__).parent.parent
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNNABLE = {"bash", "python"}
SHOWN = {"json", "text", "yaml", "toml", "proto", "markdown"}


@dataclass(frozen=True, slots=True)
class Example:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    marks: tuple[str, ...]
    code: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def examples(page: str) -> list[Example]:
    text = (ROOT / page).read_text()
    return [
        Example(
            page, text[: found.start()].count("\n") + 1, found[1], tuple(found[2].split()), found[3]
        )
        for found in FENCE.finditer(text)
    ]


def blocks(language: str) -> list[object]:
    found = [example for page in PAGES for example in examples(page)]
    return [
        pytest.param(example, id=example.name)
        for example in found
        if example.language == language and "measured" not in example.marks
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_shown_or_measured(page: str) -> None:
    for example in examples(page):
        assert example.language in RUNNABLE | SHOWN, example.name
        assert set(example.marks) <= {"measured"}, example.name


@pytest.mark.parametrize("page", PAGES)
def test_measured_blocks_tell_when_and_on_what(page: str) -> None:
    for example in examples(page):
        if "measured" not in example.marks:
            continue
        first = example.code.splitlines()[0]
        assert re.match(r"# \d{4}-\d{2}-\d{2}, .*cores", first), example.name
        assert "/data/" not in example.code, f"{example.name}: take the folder as $DATASET"


@pytest.fixture(scope="module")
def workplace(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a checkout whose demo runs, so that examples read as written."""
    place = tmp_path_factory.mktemp("checkout")
    for name in ("Makefile", "clients", "protos", "docs", "README.md"):
        (place / name).symlink_to(ROOT / name)
    (place / "var").mkdir()
    (place / "var" / "demo").symlink_to(running.data.root)
    (place / "var" / "data").symlink_to(running.data.root)
    return place


def here(code: str, running: Running) -> str:
    """Puts the addresses of the running system in the place of the documented ones."""
    for documented, actual in {
        "http://127.0.0.1:8080": running.rest_url,
        "127.0.0.1:8081": running.grpc_target,
        "text-retriever:50051": running.target("text"),
        "image-retriever:50051": running.target("image"),
        "reranker:50051": running.target("ranking"),
    }.items():
        code = code.replace(documented, actual)
    return code


def environment() -> dict[str, str]:
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }


@pytest.mark.parametrize("example", blocks("bash"))
def test_shell_example_works(example: Example, running: Running, workplace: Path) -> None:
    script = here(example.code, running)
    # A target of the Makefile starts everything anew: that it exists is enough here, that it works
    # is what `make test` itself and the tests of the command line show.
    script = re.sub(r"^make ", f"make -n -C {ROOT} ", script, flags=re.MULTILINE)
    # Installing is tested in test_packaging, in an environment of its own.
    script = re.sub(
        r"^(git clone|cd hemline|pip install|\. \.venv).*$", ":", script, flags=re.MULTILINE
    )
    # curl alone calls an error page a success.
    script = re.sub(r"\bcurl ", "curl --fail-with-body ", script)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=workplace,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{example.name}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("example", blocks("python"))
def test_python_example_works(example: Example, running: Running, workplace: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", here(example.code, running)],
        cwd=workplace,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{example.name}\n{done.stdout}\n{done.stderr}"
