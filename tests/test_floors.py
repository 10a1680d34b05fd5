"""Imports look down, and no room is over its budget."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("catalog", "runtime", "services", "offline")
WIRES = {"grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "fashion"}
# Doors translate between the wire and the rooms; anything else in a stage is a room.
DOORS = {"clients", "main", "rest", "schemas", "servicer"}
# What turns the vocabulary into messages; for doors alone.
CATALOG_DOORS = {"catalog.wire", "catalog.filter_wire"}
# Of the manners a room knows only the errors, the shape of an artifact and its canaries.
ROOM_MANNERS = {"runtime.errors", "runtime.artifacts", "runtime.canaries"}
# Programs that are clients of the public contract, as any other client would be.
PUBLIC_CLIENTS = {"bench_load", "bench_probe", "bench_workload", "search"}
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_ARGUMENTS = 250, 40, 6
# A garment is drawn stroke by stroke, and its strokes are data: cut in two, it reads worse.
MAX_DRAWING_LINES = 75


def modules() -> list[Path]:
    """Returns every module of ours, relative to the root."""
    return sorted(path.relative_to(ROOT) for home in OURS for path in (ROOT / home).rglob("*.py"))


def imports(path: Path, root: Path = ROOT) -> Iterator[str]:
    """Yields the full name of each module that ``path`` imports, wherever in the file."""
    for node in ast.walk(ast.parse((root / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (
                name if (root / Path(*name.split("."))).with_suffix(".py").exists() else node.module
                for name in names
                if node.module
            )


def is_door(path: Path) -> bool:
    """Whether a module of a stage may speak gRPC; doors in parts are named ``rest_…``."""
    return path.stem.split("_")[0] in DOORS


def forbidden(path: Path, root: Path = ROOT) -> set[str]:
    """Returns the imports of a module that look up, or sideways."""
    found = set(imports(path, root))
    home = path.parts[0]
    if home == "catalog":
        wires = set() if f"catalog.{path.stem}" in CATALOG_DOORS else _under(found, WIRES)
        return wires | _of_ours(found, {"catalog"}, {"runtime.errors"})
    if home == "runtime":
        return _of_ours(found, {"runtime"}, set()) | _under(found, {"fashion"})
    if home == "services":
        return _forbidden_in_stage(path, found)
    doors = {name for name in found if name.startswith("services.") and _names_door(name)}
    wires = set() if path.stem in PUBLIC_CLIENTS else _under(found, {"fashion"})
    return doors | wires | _under(found, {"tests"})


def _forbidden_in_stage(path: Path, found: set[str]) -> set[str]:
    stage = ".".join(path.parts[:2])
    bad = {
        name
        for name in found
        if name.split(".")[0] in {"offline", "tests"}
        or (name.startswith("services.") and not _within(name, stage))
        or (name.startswith("services.") and name.endswith(".main"))
    }
    if is_door(path) or path.stem == "__init__":
        return bad
    manners = {name for name in found if _within(name, "runtime")}
    doors = {name for name in found if name.startswith("services.") and _names_door(name)}
    wires = _under(found, WIRES | {"prometheus_client"}) | found & CATALOG_DOORS
    return bad | wires | doors | (manners - ROOM_MANNERS)


def _names_door(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 2 and parts[2].split("_")[0] in DOORS


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _under(found: set[str], packages: set[str]) -> set[str]:
    return {name for name in found if name.split(".")[0] in packages}


def _of_ours(found: set[str], homes: set[str], also: set[str]) -> set[str]:
    strangers = {*OURS, "tests"} - homes
    return _under(found, strangers) - also


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_look_down(path: Path) -> None:
    assert not forbidden(path)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_keeps_to_its_budget(path: Path) -> None:
    text = (ROOT / path).read_text()
    drawn = path.parent.name == "drawing"
    over = [
        f"{node.name}: {kind}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for kind in _excesses(node, MAX_DRAWING_LINES if drawn else MAX_FUNCTION_LINES)
    ]
    assert text.count("\n") <= MAX_FILE_LINES
    assert not over


def _excesses(node: ast.FunctionDef | ast.AsyncFunctionDef, most: int) -> Iterator[str]:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if body and (lines := (body[-1].end_lineno or 0) - body[0].lineno + 1) > most:
        yield f"{lines} lines"
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if node.name == "__init__" and len(arguments) - 1 > MAX_ARGUMENTS:
        yield f"{len(arguments) - 1} arguments"


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text())) or ""
    first = docstring.split("\n\n")[0]
    assert first.endswith((".", ":", "?")), "its first paragraph is a sentence"


@pytest.mark.parametrize("path", modules(), ids=str)
def test_only_the_edge_reads_the_environment(path: Path) -> None:
    allowed = path.stem == "main" or path.parts[0] == "offline"
    reads = "environ" in {
        node.attr
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert allowed or not reads


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("services/text_retriever/index.py", "import grpc"),
        ("services/text_retriever/index.py", "from services.gateway import fusion"),
        ("services/gateway/pipeline.py", "from services.gateway.clients import TextClient"),
        ("services/gateway/pipeline.py", "from runtime.server import StageServer"),
        ("services/gateway/rest.py", "from offline.layout import DataDir"),
        ("catalog/store.py", "from fashion.catalog.v1 import catalog_pb2"),
        ("catalog/store.py", "import runtime.server"),
        ("runtime/server.py", "from catalog.product import Product"),
        ("offline/build.py", "from services.gateway.servicer import SearchServicer"),
    ],
)
def test_a_planted_violation_is_caught(path: str, line: str, tmp_path: Path) -> None:
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(f'"""Planted."""\n\n{line}\n')
    assert forbidden(Path(path), tmp_path)
