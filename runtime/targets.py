"""Reads where the replicas of a stage are, and asks the name service for them."""

import asyncio
import socket
from dataclasses import dataclass

from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Static:
    """A fixed list of addresses."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dns:
    """A name behind which each address is a replica, such as a headless Service."""

    host: str
    port: int

    async def resolve(self) -> tuple[str, ...]:
        """Returns the addresses now, sorted; empty when the name is unknown or the service down."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            return ()
        hosts = {(family, str(address[0])) for family, _, _, _, address in found}
        return tuple(
            sorted(
                f"[{host}]:{self.port}" if family == socket.AF_INET6 else f"{host}:{self.port}"
                for family, host in hosts
            )
        )


def parse(text: str) -> Static | Dns:
    """Reads ``static:host:port,host:port`` or ``dns:name:port``.

    Raises:
        SetupError: It is neither.
    """
    kind, _, rest = text.partition(":")
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    if not parts or not all(_is_address(part) for part in parts):
        raise SetupError(_wrong(text))
    if kind == "static":
        return Static(tuple(dict.fromkeys(parts)))
    if kind == "dns" and len(parts) == 1:
        host, _, port = parts[0].rpartition(":")
        return Dns(host, int(port))
    raise SetupError(_wrong(text))


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _wrong(text: str) -> str:
    return f"{text!r} names no replicas: give static:host:port,host:port or dns:name:port"
