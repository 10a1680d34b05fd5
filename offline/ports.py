"""Finds free ports, and says in words when one is taken."""

import random
import socket

from runtime.errors import SetupError

# Below the range from which the kernel takes the ports of outgoing connections, so that none of
# them is in the way when a stage starts again on its port.
LOWEST, HIGHEST = 12000, 31999


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen on ``port`` of ``address``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A listener is still in the way; what a closed one left behind is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, address: str = "127.0.0.1") -> list[int]:
    """Returns ``count`` different free ports.

    Raises:
        SetupError: There are not that many.
    """
    # Houses that start at the same moment should not try the same ports.
    candidates = random.SystemRandom().sample(range(LOWEST, HIGHEST + 1), HIGHEST - LOWEST + 1)
    found: list[int] = []
    for port in candidates:
        if len(found) == count:
            return found
        if is_free(address, port):
            found.append(port)
    raise SetupError(f"there are no {count} free ports on {address}")


def require_free(address: str, port: int) -> None:
    """Checks the public ports, ``port`` for REST and the next for gRPC.

    Raises:
        SetupError: One is taken, or the address is not of this machine.
    """
    if not 1 <= port <= 65534:
        raise SetupError(f"--port must be between 1 and 65534, and {port} is not")
    try:
        socket.getaddrinfo(address, port, flags=socket.AI_NUMERICHOST)
    except OSError:
        raise SetupError(f"--address {address} is not an IP address") from None
    for taken in (port, port + 1):
        if not is_free(address, taken):
            raise SetupError(
                f"port {taken} of {address} is busy (REST takes {port}, gRPC {port + 1}): "
                "choose another with --port"
            )


def two_free_ports(*, address: str = "127.0.0.1") -> int:
    """Returns a free port whose successor is free too."""
    while True:
        (port,) = free_ports(1, address=address)
        if is_free(address, port + 1):
            return port
