"""Generates the stubs into the wheel of hemline-client."""

import shutil
from importlib.resources import files
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface):  # type: ignore[type-arg]  # of no use to us
    """Puts the generated package ``fashion`` into the wheel."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Generates the stubs from the contract beside this file, or at the repository's root."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        beside = root / "protos"
        protos = beside if beside.is_dir() else root.parent.parent / "protos"
        out = root / "build" / "stubs"
        _generate(protos, out)
        build_data["force_include"][str(out / "fashion")] = "fashion"


def _generate(protos: Path, out: Path) -> None:
    from grpc_tools import protoc

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    names = sorted(str(path) for path in protos.rglob("*.proto"))
    wellknown = files("grpc_tools") / "_proto"
    wanted = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", f"-I{protos}", f"-I{wellknown}", *wanted, *names]) != 0:
        raise RuntimeError("protoc refused the contract")
    (out / "fashion" / "py.typed").touch()
