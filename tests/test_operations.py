"""The page for operators is true: settings, metrics and the rights of the gateway in Redis."""

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from offline.ports import free_ports
from offline.redis_server import binary
from runtime.server import ServerSettings
from services.gateway.redis_keep import connect
from tests.manifests import DEPLOY, ROOT, SETTINGS, is_required

PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##)", PAGE, re.M | re.S))
TABLES: dict[str, type] = {
    "Every stage": ServerSettings,
    **{stage.capitalize(): kind for stage, kind in SETTINGS.items() if stage != "encode"},
}


def shown(field: "dataclasses.Field[object]") -> str:
    if is_required(field):
        return "required"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, tuple):
        return f"`{','.join(field.default)}`"
    return f"`{field.default}`" if field.default != "" else "empty"


@pytest.mark.parametrize("section", TABLES)
def test_each_setting_is_told_with_its_default(section: str) -> None:
    rows = re.findall(r"^\| `(HEMLINE_\w+)` \| (.+?) \| .+ \|$", SECTIONS[section], re.M)
    fields = dataclasses.fields(TABLES[section])
    assert rows == [(f"HEMLINE_{field.name.upper()}", shown(field)) for field in fields]


def made_metrics() -> set[str]:
    """The names of the metrics that the stages make."""
    call = re.compile(r"metrics\.(counter|gauge|histogram)\(\s*\"(\w+)\"")
    return {
        f"hemline_{name}" + ("_total" if kind == "counter" else "")
        for room in ("runtime", "services")
        for path in (ROOT / room).rglob("*.py")
        for kind, name in call.findall(path.read_text())
    } | {"hemline_stage_info"}


def test_each_metric_is_told_and_no_other() -> None:
    told = re.search(r"^## Metrics\n(.*?)^## ", PAGE, re.M | re.S)
    assert told
    names = re.findall(r"`(hemline_\w+)`", "\n".join(re.findall(r"^\|.*", told[1], re.M)))
    assert len(names) == len(set(names))
    assert set(names) == made_metrics()


def test_each_component_is_told() -> None:
    there = {path.name for path in (DEPLOY / "k8s" / "components").iterdir()}
    assert set(re.findall(r"^\| `components/([\w-]+)`", PAGE, re.M)) == there


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A real Redis with the documented users and the configuration of the cluster."""
    users = re.findall(r"^ *(user .*)$", PAGE, re.M)
    (tmp_path / "users.acl").write_text("\n".join(users).replace("+client|setinfo ", "") + "\n")
    port = free_ports(1)[0]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary(), *arguments, "--aclfile", str(tmp_path / "users.acl")],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        )
    try:
        while b"eady to accept" not in (tmp_path / "log").read_bytes():
            assert process.poll() is None, (tmp_path / "log").read_text()
        yield f"redis://gateway:PASSWORD@127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


async def test_the_documented_rights_are_enough_for_the_gateway_and_no_more(redis_url: str) -> None:
    client = connect(redis_url)
    try:
        for prefix in ("uf", "un", "pg", "qv"):
            await client.set(f"{prefix}:a", b"1", ex=60, nx=True)
            assert await client.mget([f"{prefix}:a"]) == [b"1"]
        assert await client.ping()
        for command in (("GET", "other"), ("KEYS", "*"), ("FLUSHALL",), ("CONFIG", "GET", "*")):
            with pytest.raises(NoPermissionError):
                await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()
