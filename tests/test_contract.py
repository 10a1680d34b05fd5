"""The contract is documented, lies where its name says, and breaks no client."""

from collections.abc import Iterator
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
RECORDED = ROOT / "tests" / "golden" / "contract.binpb"


def compiled(protos: Path, out: Path) -> FileDescriptorSet:
    """Returns the contract as protoc understands it, with its comments."""
    names = sorted(str(path) for path in protos.rglob("*.proto"))
    roots = [f"-I{protos}", f"-I{WELL_KNOWN}"]
    arguments = [*roots, "--include_source_info", f"--descriptor_set_out={out}", *names]
    assert protoc.main(["protoc", *arguments]) == 0
    return FileDescriptorSet.FromString(out.read_bytes())


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    return compiled(ROOT / "protos", tmp_path_factory.mktemp("contract") / "set.binpb")


def elements(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yields the path and the name of everything in a file that needs a comment."""
    for number, service in enumerate(file.service):
        yield (6, number), service.name
        for place, method in enumerate(service.method):
            yield (6, number, 2, place), f"{service.name}.{method.name}"
    for number, message in enumerate(file.message_type):
        yield from _of_message((4, number), message)
    for number, enum in enumerate(file.enum_type):
        yield from _of_enum((5, number), enum)


def _of_message(
    path: tuple[int, ...], message: DescriptorProto
) -> Iterator[tuple[tuple[int, ...], str]]:
    if message.options.map_entry:
        return
    yield path, message.name
    for number, field in enumerate(message.field):
        yield (*path, 2, number), f"{message.name}.{field.name}"
    for number, oneof in enumerate(message.oneof_decl):
        if not oneof.name.startswith("_"):  # what protoc makes of an optional field
            yield (*path, 8, number), f"{message.name}.{oneof.name}"
    for number, nested in enumerate(message.nested_type):
        yield from _of_message((*path, 3, number), nested)
    for number, enum in enumerate(message.enum_type):
        yield from _of_enum((*path, 4, number), enum)


def _of_enum(
    path: tuple[int, ...], enum: EnumDescriptorProto
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, enum.name
    for number, value in enumerate(enum.value):
        yield (*path, 2, number), f"{enum.name}.{value.name}"


def test_everything_is_documented(contract: FileDescriptorSet) -> None:
    for file in contract.file:
        said = {
            tuple(place.path): place.leading_comments for place in file.source_code_info.location
        }
        silent = [name for path, name in elements(file) if not said.get(path, "").strip()]
        assert not silent, file.name
        assert said.get((2,), "").strip(), f"{file.name}: the package says what it is for"


def test_a_package_lies_in_the_folder_of_its_name(contract: FileDescriptorSet) -> None:
    assert len(contract.file) == 5
    for file in contract.file:
        assert str(Path(file.name).parent) == file.package.replace(".", "/")
        assert file.package.startswith("fashion.")
        assert file.package.endswith(".v1")


def test_every_call_has_messages_of_its_own(contract: FileDescriptorSet) -> None:
    for service in (service for file in contract.file for service in file.service):
        for method in service.method:
            asked = method.input_type.rpartition(".")[2]
            answered = method.output_type.rpartition(".")[2]
            assert (asked, answered) == (f"{method.name}Request", f"{method.name}Response")


def breaks(before: FileDescriptorSet, after: FileDescriptorSet) -> list[str]:
    """Names what a client of ``before`` would miss in ``after``."""
    old, new = _names(before), _names(after)
    return sorted(f"{name}: {what}" for name, what in old.items() if new.get(name) != what)


def _names(contract: FileDescriptorSet) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in contract.file:
        for message in file.message_type:
            found.update(_names_of_message(file.package, message))
        for enum in file.enum_type:
            found.update(_names_of_enum(file.package, enum))
        for service in file.service:
            found.update(_names_of_service(file.package, service))
    return found


def _names_of_message(scope: str, message: DescriptorProto) -> Iterator[tuple[str, str]]:
    name = f"{scope}.{message.name}"
    yield name, "message"
    for field in message.field:
        yield f"{name}.{field.name}", _shape(message, field)
    for nested in message.nested_type:
        yield from _names_of_message(name, nested)
    for enum in message.enum_type:
        yield from _names_of_enum(name, enum)


def _shape(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
    kind = FieldDescriptorProto.Type.Name(field.type)
    label = FieldDescriptorProto.Label.Name(field.label)
    return f"{field.number} {label} {kind} {field.type_name} {oneof}"


def _names_of_enum(scope: str, enum: EnumDescriptorProto) -> Iterator[tuple[str, str]]:
    for value in enum.value:
        yield f"{scope}.{enum.name}.{value.name}", str(value.number)


def _names_of_service(scope: str, service: ServiceDescriptorProto) -> Iterator[tuple[str, str]]:
    for method in service.method:
        streams = f"{method.client_streaming} {method.server_streaming}"
        name = f"{scope}.{service.name}.{method.name}"
        yield name, f"{method.input_type} {method.output_type} {streams}"


def test_nothing_breaks_a_client_of_the_recorded_contract(contract: FileDescriptorSet) -> None:
    recorded = FileDescriptorSet.FromString(RECORDED.read_bytes())
    # What is imported from elsewhere is recorded too, and is not ours to break.
    ours = [each for each in recorded.file if each.name.startswith("fashion/")]
    recorded = FileDescriptorSet(file=ours)
    assert len(_names(recorded)) > 100
    assert not breaks(recorded, contract)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("string title = 3;", "bytes title = 3;"),
        ("string title = 3;", "string title = 30;"),
        ("string title = 3;", "string name = 3;"),
        ("string title = 3;", "repeated string title = 3;"),
        ("optional int64 price_minor = 14;", "int64 price_minor = 14;"),
        ("message SizeStock {", "message Size {"),
    ],
)
def test_a_breaking_change_is_caught(
    before: str, after: str, contract: FileDescriptorSet, tmp_path: Path
) -> None:
    source = (ROOT / "protos/fashion/catalog/v1/catalog.proto").read_text()
    assert before in source
    changed = tmp_path / "protos" / "fashion" / "catalog" / "v1" / "catalog.proto"
    changed.parent.mkdir(parents=True)
    text = source.replace(before, after)
    changed.write_text(
        text.replace("repeated SizeStock", "repeated Size") if "Size {" in after else text
    )
    one = FileDescriptorSet(file=[f for f in contract.file if f.package == "fashion.catalog.v1"])
    assert breaks(one, compiled(tmp_path / "protos", tmp_path / "set.binpb"))
