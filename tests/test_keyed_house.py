"""Promises of a house with API keys, on a copy of the small world: real processes, real doors."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from offline.house import UpOptions
from offline.keys import add_key, revoke_key
from offline.layout import DataDir
from offline.up import down, up_detached
from tests.ports import two_ports
from tests.running import Running
from tests.waiting import eventually


@dataclass(frozen=True, slots=True)
class Keyed:
    """A house of two gateways that asks for keys."""

    running: Running
    read: str
    write: str

    @property
    def gateways(self) -> list[str]:
        return [f"http://{member.address}" for member in self.running.members("gateway")]


def copy_of(world: DataDir, root: Path) -> DataDir:
    """The same catalogue, photos and artifacts in another folder, while the first may be served."""
    data = DataDir(root).create()
    for folder in ("artifacts", "media"):
        shutil.copytree(world.root / folder, root / folder, copy_function=os.link)
    with (
        closing(sqlite3.connect(world.database)) as old,
        closing(sqlite3.connect(data.database)) as new,
    ):
        old.backup(new)
    return data


@pytest.fixture(scope="module")
def keyed(world: DataDir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    data = copy_of(world, tmp_path_factory.mktemp("keyed") / "shop")
    _, read = add_key(data.keys, name="storefront", scopes=["read"])
    _, write = add_key(data.keys, name="feed", scopes=["write"])
    up_detached(data, UpOptions(port=two_ports(), replicas={"gateway": 2}))
    yield Keyed(Running(data), read, write)
    down(data)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def hemline(*words: str, key: str = "") -> "subprocess.CompletedProcess[str]":
    told = {name: value for name, value in os.environ.items() if name != "HEMLINE_API_KEY"}
    if key:
        told["HEMLINE_API_KEY"] = key
    return subprocess.run(
        [sys.executable, "-m", "offline.cli", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=told,
    )


def test_the_command_line_asks_with_a_key(keyed: Keyed) -> None:
    words = ("search", "dress", "--data", str(keyed.running.data.root))
    refused = hemline(*words)
    assert refused.returncode == 2
    assert "set HEMLINE_API_KEY" in refused.stderr
    assert hemline(*words, key=keyed.read).returncode == 0
    assert "scope read" in hemline(*words, key=keyed.write).stderr


def test_a_write_at_one_gateway_is_read_at_the_other(keyed: Keyed) -> None:
    first, second = keyed.gateways
    for number in range(20):
        body = {"title": f"Coat {number}"}
        reply = httpx.put(f"{first}/v1/products/coat", json=body, headers=bearer(keyed.write))
        assert reply.status_code == 200, reply.text
        shown = httpx.get(f"{second}/v1/products/coat", headers=bearer(keyed.read)).json()
        assert (shown["title"], shown["seq"]) == (body["title"], reply.json()["seq"])
    gone = httpx.delete(f"{second}/v1/products/coat", headers=bearer(keyed.write))
    assert gone.status_code == 200
    again = httpx.get(f"{first}/v1/products/coat", headers=bearer(keyed.read))
    assert again.status_code == 404


def test_the_session_of_the_page_counts_at_every_gateway(keyed: Keyed) -> None:
    first, second = keyed.gateways
    assert httpx.post(f"{second}/v1/search", json={"text": "dress"}).status_code == 401
    cookies = httpx.get(f"{first}/").cookies
    with httpx.Client(base_url=second, cookies=dict(cookies), timeout=10) as page:
        body = {"text": "dress", "budget_ms": 5000}
        assert page.post("/v1/search", json=body).status_code == 200
        assert page.post("/v1/search", json=body | {"user_id": "u-0001"}).status_code == 403
        assert page.delete("/v1/products/p-000001").status_code == 403


def test_a_revoked_key_opens_nothing_after_a_moment(keyed: Keyed) -> None:
    path = keyed.running.data.keys
    key, text = add_key(path, name="short", scopes=["read"])
    url = f"{keyed.gateways[0]}/v1/products/p-000001"
    eventually(lambda: httpx.get(url, headers=bearer(text)).status_code == 200)
    revoke_key(path, key.id)
    eventually(lambda: httpx.get(url, headers=bearer(text)).status_code == 401)
    assert httpx.get(url, headers=bearer(keyed.read)).status_code == 200
    logs = "".join(log.read_text() for log in keyed.running.data.logs.glob("*.log"))
    assert logs
    for secret in (text, keyed.read, keyed.write):
        assert secret.split("_", 2)[2] not in logs


def test_what_is_written_is_found_at_every_gateway_and_what_is_deleted_is_not(
    keyed: Keyed,
) -> None:
    first, second = keyed.gateways

    def found(gateway: str, seq: int) -> list[str]:
        body = {"text": "zebrawort", "min_seq": seq, "budget_ms": 5000}
        reply = httpx.post(
            f"{gateway}/v1/search", json=body, headers=bearer(keyed.read), timeout=10
        )
        assert reply.status_code == 200, reply.text
        assert "stale_index" not in reply.json()["degraded_reasons"]
        return [hit["product"]["id"] for hit in reply.json()["hits"]]

    url = f"{first}/v1/products/rare"
    told = httpx.put(url, json={"title": "Zebrawort coat"}, headers=bearer(keyed.write))
    assert [found(gateway, told.json()["seq"])[:1] for gateway in (first, second)] == [["rare"]] * 2
    gone = httpx.delete(url, headers=bearer(keyed.write))
    assert all("rare" not in found(gateway, gone.json()["seq"]) for gateway in (first, second))
