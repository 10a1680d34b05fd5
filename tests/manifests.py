"""Reads what lies in deploy/, for the tests that check it."""

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from runtime.server import ServerSettings
from services.gateway.settings import Settings as GatewaySettings
from services.image_retriever import main as image
from services.reranker import main as ranking
from services.text_retriever import main as text

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
STAGES = ("text", "image", "ranking", "gateway", "encode")
SETTINGS: Mapping[str, type] = {
    "text": text.Settings,
    "image": image.Settings,
    "encode": image.Settings,
    "ranking": ranking.Settings,
    "gateway": GatewaySettings,
}
# The name behind which the replicas of a stage are found.
SERVICES = {
    "text": "text-retriever",
    "image": "image-retriever",
    "encode": "image-encoder",
    "ranking": "reranker",
    "gateway": "gateway-pods",
}

Manifest = dict[str, Any]
PINNED = re.compile(r"[a-z0-9./-]+(:(?!latest$)[\w.-]*\d[\w.-]*|@sha256:[0-9a-f]{64})")


@functools.cache
def manifests() -> list[tuple[Path, Manifest]]:
    """Every Kubernetes object of the base, the Jobs and the components, with its file."""
    return [
        (path, document)
        for path in sorted(K8S.rglob("*.yaml"))
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader)
        if isinstance(document, dict)
        and document.get("kind") not in ("Kustomization", "Component")
        and "op" not in document
        and not is_patch(path)
    ]


def is_patch(path: Path) -> bool:
    """Whether a file changes objects of the base rather than adding some."""
    rules = path.parent / "kustomization.yaml"
    patches = yaml.safe_load(rules.read_text()).get("patches", ())
    return path.name in {patch.get("path") for patch in patches}


@functools.cache
def of_kind(kind: str) -> dict[str, Manifest]:
    """Objects of a kind by name."""
    return {
        document["metadata"]["name"]: document
        for _, document in manifests()
        if document["kind"] == kind
    }


@functools.cache
def pods() -> dict[str, Manifest]:
    """The pod templates of Deployments and Jobs, by name."""
    return {
        name: document["spec"]["template"]
        for kind in ("Deployment", "Job")
        for name, document in of_kind(kind).items()
    }


def containers(pod: Manifest) -> Iterator[Manifest]:
    """The containers of a pod, those that start first included."""
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]


def main_container(stage: str) -> Manifest:
    """The container of a Deployment that serves."""
    found: Manifest = next(c for c in containers(pods()[stage]) if c["name"] == stage)
    return found


def told(container: Manifest) -> dict[str, Manifest]:
    """The environment of a container by name."""
    return {variable["name"]: variable for variable in container.get("env", ())}


def fields_of(stage: str) -> dict[str, dataclasses.Field[Any]]:
    """The settings that a stage reads, by the name of the variable."""
    both = (*dataclasses.fields(ServerSettings), *dataclasses.fields(SETTINGS[stage]))
    return {f"HEMLINE_{field.name.upper()}": field for field in both}


def is_required(field: dataclasses.Field[Any]) -> bool:
    """Whether a stage does not start without it."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
