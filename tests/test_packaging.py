"""Each distribution holds what it promises and no more; the gateway starts on its extra alone."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from offline.ports import free_ports
from offline.process import Child
from offline.readiness import answers
from tests.test_floors import OURS, imports
from tests.test_security_floors import pins
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "faiss", "implicit", "open_clip", "tantivy", "scipy", "PIL")


def run(*program: str | Path, cwd: Path = ROOT, within_s: float = 280) -> str:
    """Runs a program to its end and returns what it said; fails with that when it failed."""
    ended = subprocess.run(
        [str(word) for word in program],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def wheel_of(project: Path, out: Path) -> zipfile.ZipFile:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project)
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in hemline's wheel."""
    return set(wheel_of(ROOT, tmp_path_factory.mktemp("hemline")).namelist())


def test_the_wheel_holds_the_stubs(contents: set[str]) -> None:
    stubs = {name for name in contents if name.startswith("fashion/")}
    for proto in (ROOT / "protos").rglob("*.proto"):
        stem = str(proto.relative_to(ROOT / "protos").with_suffix(""))
        assert {f"{stem}_pb2.py", f"{stem}_pb2.pyi", f"{stem}_pb2_grpc.py"} <= stubs


def test_the_wheel_holds_every_module_and_data_file(contents: set[str]) -> None:
    homes = ("catalog", "runtime", "services", "offline")
    asked = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *homes)
    known = {name for name in run(*asked).splitlines() if (ROOT / name).exists()}
    assert "catalog/product.py" in known
    assert known - contents == set()


def test_the_wheel_holds_nothing_else(contents: set[str]) -> None:
    homes = {name.split("/")[0] for name in contents}
    assert homes == {"catalog", "runtime", "services", "offline", "fashion"} | {
        home for home in homes if re.fullmatch(r"hemline-[\d.]+\.dist-info", home)
    }


def test_the_client_is_the_stubs_and_nothing_else(tmp_path: Path) -> None:
    wheel = wheel_of(ROOT / "clients" / "python", tmp_path)
    names = wheel.namelist()
    ours = [name for name in names if not name.split("/")[0].endswith(".dist-info")]
    assert {name.split("/")[0] for name in ours} == {"fashion"}
    assert "fashion/search/v1/search_pb2_grpc.py" in ours
    wheel.extractall(tmp_path / "site")
    said = run(
        *(sys.executable, "-c"),
        "import sys; sys.path.insert(0, 'site');"
        "from fashion.search.v1 import search_pb2, search_pb2_grpc;"
        "print(search_pb2.__file__, search_pb2.SearchRequest(text='tee').text)",
        cwd=tmp_path,
    )
    assert said.split() == [str(tmp_path / "site/fashion/search/v1/search_pb2.py"), "tee"]


STAGES = {
    "text": "services.text_retriever.main",
    "image": "services.image_retriever.main",
    "ranking": "services.reranker.main",
    "gateway": "services.gateway.main",
    "offline": "offline.build",
}


def third_parties(module: str) -> set[str]:
    """Returns the distributions of what a module of ours imports, directly or through others."""
    homes = packages_distributions()
    seen, found, open_ones = {module}, set[str](), [module]
    while open_ones:
        path = Path(*open_ones.pop().split(".")).with_suffix(".py")
        for name in imports(path):
            top = name.split(".")[0]
            if (
                top in OURS
                and name not in seen
                and (ROOT / Path(*name.split("."))).with_suffix(".py").exists()
            ):
                seen.add(name)
                open_ones.append(name)
            elif top not in OURS and top not in sys.stdlib_module_names and top != "fashion":
                found.update(homes[top][:1] if top != "google" else ["protobuf"])
    return {name.lower().replace("_", "-") for name in found}


@pytest.mark.parametrize("stage", STAGES)
def test_the_lock_of_a_stage_holds_all_that_it_imports(stage: str) -> None:
    locked = pins((ROOT / "requirements" / f"{stage}.lock").read_text()).keys()
    assert third_parties(STAGES[stage]) - locked - {"torch", "torchvision"} == set()


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with ``hemline[gateway]`` alone; returns its python."""
    home = tmp_path_factory.mktemp("light")
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / "bin" / "python"
    pins = re.sub(
        r" \\\n(?: +--hash=\S+(?: \\)?\n)+",
        "\n",
        (ROOT / "requirements" / "gateway.lock").read_text(),
    )
    (home / "pins.txt").write_text(pins)
    first = pins.splitlines()[0]
    asked = subprocess.run(
        [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", home, first],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        pytest.skip(f"no package index can be reached: {asked.stderr.strip()[-200:]}")
    run(python, "-m", "pip", "install", "--quiet", "-c", home / "pins.txt", f"{ROOT}[gateway]")
    return python


def test_the_gateway_starts_on_its_extra_alone(light: Path, tmp_path: Path) -> None:
    rest, grpc = free_ports(2)
    settings = {
        "HEMLINE_HTTP_ADDRESS": f"127.0.0.1:{rest}",
        "HEMLINE_GRPC_ADDRESS": f"127.0.0.1:{grpc}",
        "HEMLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'catalog.sqlite'}",
        "HEMLINE_MEDIA_DIR": str(tmp_path / "media"),
        "HEMLINE_ARTIFACT_DIR": str(tmp_path / "artifacts"),
        "HEMLINE_REDIS_URL": "redis://127.0.0.1:1/0",
        "HEMLINE_TEXT_TARGETS": "static:127.0.0.1:1",
        "HEMLINE_IMAGE_TARGETS": "static:127.0.0.1:1",
        "HEMLINE_RANKING_TARGETS": "static:127.0.0.1:1",
        "HEMLINE_CACHE_SECRET": "of a test",
    }
    log = tmp_path / "log"
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    program = [str(light), "-m", "services.gateway.main"]
    gateway = Child(program, {**clean, **settings}, log, append=False)
    try:
        eventually(
            lambda: answers(f"http://127.0.0.1:{rest}/livez") or gateway.exit_code() is not None,
            within_s=60,
        )
        assert gateway.exit_code() is None, log.read_text()[-3000:]
    finally:
        gateway.kill()


def test_the_light_environment_is_light(light: Path, tmp_path: Path) -> None:
    look = (
        "import sys; from importlib.util import find_spec; print(*filter(find_spec, sys.argv[1:]))"
    )
    assert run(light, "-c", look, *HEAVY, cwd=tmp_path).strip() == ""


def test_the_command_line_starts_without_the_heavy_packages(light: Path, tmp_path: Path) -> None:
    hemline = light.with_name("hemline")
    assert re.fullmatch(r"hemline \d+\.\d+\.\d+\n", run(hemline, "--version", cwd=tmp_path))
    assert "hemline demo" in run(hemline, "--help", cwd=tmp_path)


def test_a_verb_that_needs_more_than_the_gateway_says_what_to_install(
    light: Path, tmp_path: Path
) -> None:
    for words in (["search", "dress"], ["search", "dress", "--url", "http://127.0.0.1:1"]):
        ended = subprocess.run(
            [light.with_name("hemline"), *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 2
        assert 'pip install "hemline[offline,cpu]"' in ended.stderr
        assert ended.stderr.count("\n") == 1
