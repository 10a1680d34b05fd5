"""Finds ports for the public doors of a house under test."""

from offline.ports import free_ports, is_free


def two_ports() -> int:
    """A free port of the loopback whose successor is free too."""
    while True:
        (port,) = free_ports(1)
        if is_free("127.0.0.1", port + 1):
            return port
