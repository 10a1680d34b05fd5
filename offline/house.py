"""Says which processes make up a house, and with which settings."""

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from offline import redis_server
from offline.layout import DataDir
from offline.ports import free_ports
from offline.run_state import log_of
from offline.supervisor import Plan
from runtime.errors import SetupError

MODULES = {"text": "text_retriever", "image": "image_retriever", "ranking": "reranker"}
STAGES = (*MODULES, "gateway")
# The stages that follow the catalogue.
LIVE = ("text", "image", "ranking")
LOOPBACK = "127.0.0.1"
API_KEY = "HEMLINE_API_KEY"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How a house is opened.

    Attributes:
        port: Port of REST; gRPC takes the next.
        address: IP address that the public doors bind.
        replicas: How many processes a stage gets; 1 where it is not named.
    """

    port: int = 8080
    address: str = LOOPBACK
    replicas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class House:
    """The processes to start, and where the public doors will be."""

    plans: tuple[Plan, ...]
    url: str
    grpc: str
    redis: str
    more_doors: tuple[str, ...]


def plan_house(
    data: DataDir, options: UpOptions, *, trained: Sequence[str], environ: Mapping[str, str]
) -> House:
    """Lays out the processes.

    Args:
        data: The data folder, with a release in force.
        options: How to open the house.
        trained: Kinds of the release; a stage whose kind is missing is started, not awaited.
        environ: What the processes inherit; what is planned here wins over it.
    """
    # What somebody asks with is nothing to those who answer.
    common = {name: value for name, value in environ.items() if name != API_KEY}
    common["HEMLINE_ARTIFACT_DIR"] = str(data.artifacts.resolve())
    catalogue = {
        **common,
        # Not the system's folder for such, which may be small, or memory.
        "HEMLINE_SCRATCH_DIR": str(data.run.resolve()),
        "HEMLINE_DATABASE_URL": data.database_url,
        "HEMLINE_MEDIA_DIR": str(data.media.resolve()),
    }
    plans: list[Plan] = []
    redis = redis_server.external(environ)
    if not redis:
        plan, redis = _redis(data, environ)
        plans.append(plan)
    targets: dict[str, list[str]] = {}
    for stage, module in MODULES.items():
        for number in _numbers(stage, options):
            told = catalogue if stage in LIVE else common
            plan = _stage(data, stage, number, module, told, needed=stage in trained)
            plans.append(plan)
            targets.setdefault(stage, []).append(plan.address)
    settings = {
        **catalogue,
        "HEMLINE_REDIS_URL": redis,
        "HEMLINE_KEY_FILE": str(data.keys.resolve()),
        "HEMLINE_CACHE_SECRET": secrets.token_hex(32),
        "HEMLINE_DEMO_SHOPPERS": str(data.drawn.is_file()).lower(),
        **{
            f"HEMLINE_{stage.upper()}_TARGETS": "static:" + ",".join(addresses)
            for stage, addresses in targets.items()
        },
    }
    gateways = [
        _gateway(data, number, settings, options) for number in _numbers("gateway", options)
    ]
    urls = [f"http://{plan.address}" for plan in gateways]
    grpc = f"{_bracketed(options.address)}:{options.port + 1}"
    return House((*plans, *gateways), urls[0], grpc, redis, tuple(urls[1:]))


def parse_replicas(words: Sequence[str]) -> dict[str, int]:
    """Reads ``["image=2", ...]``.

    Raises:
        SetupError: A word is not of this form, or names no stage.
    """
    found: dict[str, int] = {}
    for word in words:
        stage, _, number = word.partition("=")
        if stage not in STAGES or not number.isdecimal() or not 1 <= int(number) <= 16:
            raise SetupError(
                f"--replicas takes STAGE=N with a stage of {', '.join(STAGES)} and N from 1 to 16, "
                f"such as image=2, and {word!r} is none"
            )
        found[stage] = int(number)
    return found


def _numbers(stage: str, options: UpOptions) -> range:
    return range(1, options.replicas.get(stage, 1) + 1)


def _redis(data: DataDir, environ: Mapping[str, str]) -> tuple[Plan, str]:
    program, url = redis_server.command(
        redis_server.binary(), folder=data.run, port=free_ports(1)[0]
    )
    log = log_of(data, "redis")
    return Plan("redis", "redis", program, environ, log, address=url, last=True), url


def _stage(
    data: DataDir, stage: str, number: int, module: str, told: Mapping[str, str], *, needed: bool
) -> Plan:
    port, probes = free_ports(2)
    address, name = f"{LOOPBACK}:{port}", f"{stage}-{number}"
    settings = {
        **told,
        "HEMLINE_ADDRESS": address,
        "HEMLINE_METRICS_ADDRESS": f"{LOOPBACK}:{probes}",
    }
    return Plan(
        name=name,
        stage=stage,
        program=_module(f"services.{module}.main"),
        environment=settings,
        log=log_of(data, name),
        address=address,
        readiness=f"http://{LOOPBACK}:{probes}/readyz",
        needed=needed,
    )


def _gateway(data: DataDir, number: int, settings: Mapping[str, str], options: UpOptions) -> Plan:
    ports = (options.port, options.port + 1)
    if number > 1:
        first, second = free_ports(2, address=options.address)
        ports = (first, second)
    host = _bracketed(options.address)
    name = f"gateway-{number}"
    # Any address of the machine is reached by its loopback too.
    reached = LOOPBACK if options.address in ("0.0.0.0", "::") else host  # noqa: S104  # compared
    return Plan(
        name=name,
        stage="gateway",
        program=_module("services.gateway.main"),
        environment={
            **settings,
            "HEMLINE_HTTP_ADDRESS": f"{host}:{ports[0]}",
            "HEMLINE_GRPC_ADDRESS": f"{host}:{ports[1]}",
        },
        log=log_of(data, name),
        address=f"{reached}:{ports[0]}",
        readiness=f"http://{reached}:{ports[0]}/readyz",
    )


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def inherited() -> dict[str, str]:
    """Returns the environment that the processes of a house inherit from this one."""
    return dict(os.environ)
