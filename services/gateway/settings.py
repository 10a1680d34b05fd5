"""Says what the gateway is told by its environment."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Settings:
    """The gateway's own settings; those of every server stand in ``ServerSettings``.

    Attributes:
        artifact_dir: Where releases are published.
        database_url: The catalogue.
        media_dir: Folder of the photos.
        text_targets: Replicas of the text stage, ``static:host:port,...`` or ``dns:name:port``.
        image_targets: Replicas of the image stage that search.
        ranking_targets: Replicas of the ranking stage.
        encode_targets: Replicas of the image stage that encode; empty: the same as search.
        http_address: Where REST and the page are served; port 0 takes a free one.
        grpc_address: Where the public gRPC is served.
        redis_url: The cache; empty: none, each gateway keeps query vectors for itself.
        cache_secret: Makes the keys in Redis untellable; the same in all gateways that share a
            Redis; empty: drawn at each start, so that nothing is shared.
        gather: Whether searches that wait for a stage share a call.
        demo_shoppers: Whether ``/v1/shoppers:sample`` shows shoppers; for drawn catalogues only.
        key_file: The file of `hemline keys`; empty, or while there is none: everybody may do
            everything, and only this machine is served.
        page_session: Whether the page may search without a key of its own where keys are asked for.
        past_queries: Whether words that five shoppers searched for are suggested to others.
        refuse_sqlite: Whether a catalogue in a file is refused, as a cluster must.
        new_share: Share of a page of recommendations for new arrivals, 0 to 1, where a request
            does not say.
        replenishable_kinds: Kinds of products that are recommended again 30 days after they were
            bought; of all others neither what was bought is, nor anything of its style.
        poll_s: Seconds between looks at the release and, while it is not there, the catalogue.
    """

    artifact_dir: Path
    database_url: str = field(metadata={"secret": True})  # may hold a password
    media_dir: Path
    text_targets: str
    image_targets: str
    ranking_targets: str
    encode_targets: str = ""
    http_address: str = "127.0.0.1:8080"
    grpc_address: str = "127.0.0.1:8081"
    redis_url: str = field(default="", metadata={"secret": True})
    cache_secret: str = field(default="", metadata={"secret": True})
    gather: bool = False
    demo_shoppers: bool = False
    key_file: str = ""
    page_session: bool = True
    past_queries: bool = True
    refuse_sqlite: bool = False
    new_share: float = 0.1
    replenishable_kinds: tuple[str, ...] = ("socks", "underwear", "tights", "stockings")
    poll_s: float = 5.0


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``.

    Raises:
        SetupError: It is not of this form.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SetupError(f"{address!r} is not an address: give host:port")
    return host.strip("[]"), int(port)


def require_loopback(name: str, address: str) -> None:
    """Refuses an address that other machines can reach: nobody could be kept out.

    Raises:
        SetupError: It is not of this machine alone.
    """
    host, _ = split_address(address)
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SetupError(
            f"{name}: {address} can be reached from other machines, and without API keys "
            "the gateway serves this machine only: make one with `hemline keys add` and name the "
            "file in HEMLINE_KEY_FILE, or bind 127.0.0.1"
        )
