"""Promises of the Dockerfiles and of the compose file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.manifests import DEPLOY, ROOT, Manifest

COMPOSE: Manifest = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILES = sorted((DEPLOY / "docker").glob("*.Dockerfile"))
MODULES = {
    "text": "services.text_retriever.main",
    "image": "services.image_retriever.main",
    "ranking": "services.reranker.main",
    "gateway": "services.gateway.main",
}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_is_clean(path: Path) -> None:
    config = DEPLOY / "docker" / "hadolint.yaml"
    hadolint = Path(sys.executable).parent / "hadolint"
    run = subprocess.run(
        [hadolint, "--config", config, path], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_holds_what_is_locked_and_no_compiler(path: Path) -> None:
    text = path.read_text()
    *before, last = re.split(r"^FROM ", text, flags=re.M)
    assert len(before) == 3
    assert "--require-hashes --only-binary :all:" in text
    assert not re.search(r"apt-get|pip |gcc|build-essential", last)
    assert re.search(r"^USER 10001:10001$", last, re.M)
    locks = re.findall(r"^COPY (requirements/\w+\.lock)", text, re.M)
    assert all((ROOT / lock).is_file() for lock in locks)
    base = re.search(r"^ARG PYTHON_IMAGE=(.*)$", text, re.M)
    assert base
    assert manifests.PINNED.fullmatch(base[1])


def test_each_stage_has_an_image_that_starts_it() -> None:
    started = {
        stage: re.search(r"ENTRYPOINT (.*)", (DEPLOY / "docker" / f"{name}.Dockerfile").read_text())
        for stage, name in (
            ("text", "text_retriever"),
            ("image", "image_retriever"),
            ("ranking", "reranker"),
            ("gateway", "gateway"),
        )
    }
    for stage, entry in started.items():
        assert entry
        assert json.loads(entry[1]) == ["python", "-m", MODULES[stage]]
    assert {path.stem for path in DOCKERFILES} == {
        "text_retriever",
        "image_retriever",
        "reranker",
        "gateway",
        "offline",
    }


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_composed_service_is_locked_down(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert "ports" not in service
    assert manifests.PINNED.fullmatch(service["image"])
    if "build" in service:
        build = service["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() in DOCKERFILES


@pytest.mark.parametrize("stage", ["text", "image", "ranking", "gateway"])
def test_a_composed_stage_is_told_what_it_reads_and_serves_loopback_only(stage: str) -> None:
    told: dict[str, str] = COMPOSE["services"][stage]["environment"]
    fields = manifests.fields_of(stage)
    assert told.keys() <= fields.keys()
    assert {name for name, field in fields.items() if manifests.is_required(field)} <= told.keys()
    addresses = [value for name, value in told.items() if name.endswith("ADDRESS")]
    assert addresses
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_the_composed_gateway_calls_the_composed_stages() -> None:
    services = COMPOSE["services"]
    told = services["gateway"]["environment"]
    for stage in ("text", "image", "ranking"):
        served = services[stage]["environment"]["HEMLINE_ADDRESS"]
        assert told[f"HEMLINE_{stage.upper()}_TARGETS"] == f"static:{served}"
    bound = [
        v
        for s in services.values()
        for n, v in s.get("environment", {}).items()
        if n.endswith("ADDRESS")
    ]
    assert len(bound) == len(set(bound))


def test_the_composed_database_serves_those_who_read_it_and_nobody_else() -> None:
    services = COMPOSE["services"]
    urls = {
        name: service["environment"]["HEMLINE_DATABASE_URL"]
        for name, service in services.items()
        if "HEMLINE_DATABASE_URL" in service.get("environment", {})
    }
    assert set(urls) == {"text", "image", "ranking", "gateway", "offline"}
    assert len(set(urls.values())) == 1
    assert "HEMLINE_DATABASE_PASSWORD:?" in urls["gateway"]
    assert "listen_addresses=127.0.0.1" in services["postgresql"]["command"]
