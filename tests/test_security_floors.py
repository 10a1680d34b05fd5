"""No lock names a version below the floors of security/floors.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
FLOORS = tomllib.loads((ROOT / "security" / "floors.toml").read_text())["floor"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, Version]:
    """Returns the version of each package that a lock names."""
    return {name.lower(): Version(version) for name, version in PIN.findall(text)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_a_lock_stays_above_the_floors(lock: Path) -> None:
    found = pins(lock.read_text())
    assert found, f"{lock.name} names nothing"
    low = {
        floor["package"]: (str(found[floor["package"]]), floor["reason"])
        for floor in FLOORS
        if floor["package"] in found and found[floor["package"]] < Version(floor["min"])
    }
    assert not low


def test_every_floor_guards_something() -> None:
    locked = {name for lock in LOCKS for name in pins(lock.read_text())}
    assert {floor["package"] for floor in FLOORS} - locked == {"torch"}


def test_the_torch_of_the_makefile_stays_above_its_floor() -> None:
    found = re.search(r"^TORCH \?= torch==(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    floor = next(floor for floor in FLOORS if floor["package"] == "torch")
    assert found is not None
    assert Version(found.group(1)) >= Version(floor["min"])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_a_lock_is_hashed_and_names_no_place(lock: Path) -> None:
    text = lock.read_text()
    entries = text.split("\n") if text else []
    assert not [line for line in entries if re.search(r"https?:|file:|index-url|find-links", line)]
    assert text.count("==") <= text.count("--hash=sha256:")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_no_lock_brings_cuda(lock: Path) -> None:
    found = pins(lock.read_text())
    assert not [name for name in found if name.startswith("nvidia") or name == "triton"]
    assert not {"torch", "torchvision"} & found.keys()


def test_the_gateway_is_light() -> None:
    found = pins((ROOT / "requirements" / "gateway.lock").read_text())
    heavy = {"faiss-cpu", "faiss-gpu", "implicit", "open-clip-torch", "timm", "tantivy", "scipy"}
    assert not heavy & found.keys()
    assert {"fastapi", "grpcio", "redis"} <= found.keys()
