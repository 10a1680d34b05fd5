"""Generates the Python stubs in gen/ from protos/, whenever the project is built."""

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface):  # type: ignore[type-arg]  # of no use to us
    """Puts the generated package ``fashion`` into the wheel."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Generates the stubs; an editable install reads them where they are made."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        generate(root / "protos", root / "gen")
        if version == "editable":  # A copy would hide gen/ as soon as a message changes.
            return
        build_data["force_include"][str(root / "gen" / "fashion")] = "fashion"


def generate(protos: Path, out: Path) -> None:
    """Writes the stubs of every .proto under ``protos`` into ``out``, replacing what was there.

    The new stubs are made aside and swapped in, so that a failure leaves the old ones.

    Raises:
        RuntimeError: protoc refused a file; its words are on standard error.
    """
    from grpc_tools import protoc

    names = sorted(str(path) for path in protos.rglob("*.proto"))
    scratch = out.with_name(out.name + ".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    wellknown = files("grpc_tools") / "_proto"
    wanted = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", f"-I{protos}", f"-I{wellknown}", *wanted, *names]) != 0:
        shutil.rmtree(scratch)
        raise RuntimeError("protoc refused the contract")
    if _listing(scratch) == _listing(out):
        shutil.rmtree(scratch)  # A process that runs from `out` is not disturbed for nothing.
        return
    shutil.rmtree(out, ignore_errors=True)
    scratch.rename(out)


def _listing(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of each stub below a folder, by its path in there."""
    stubs = [path for path in folder.rglob("*_pb2*") if path.suffix in (".py", ".pyi")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in stubs}


def main() -> int:
    """Generates gen/ beside this file."""
    root = Path(__file__).resolve().parent
    generate(root / "protos", root / "gen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
