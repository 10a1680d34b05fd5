"""A real Redis of a test's own, that can be frozen and killed."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offline.ports import free_ports
from offline.redis_server import binary, command
from tests.waiting import eventually


class RedisProcess:
    """One Redis on a port of the loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (self.port,) = free_ports(1)
        self.url = f"redis://:pw-of-the-test@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = [
            binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--dir", str(self._folder), "--requirepass", "pw-of-the-test",
        ]  # fmt: skip
        self._process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def freeze(self) -> None:
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        process = self._running()
        process.kill()
        process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return bool(connection.recv(16))
        except OSError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisProcess]:
    redis = RedisProcess(folder)
    redis.start()
    try:
        yield redis
    finally:
        redis.stop()


@contextmanager
def socket_redis(folder: Path) -> Iterator[str]:
    """A Redis as ``hemline up`` starts it; yields its URL."""
    program, url = command(binary(), folder=folder, port=free_ports(1)[0])
    path = Path(url.removeprefix("unix://"))
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    try:
        eventually(path.exists)
        yield url
    finally:
        process.kill()
        process.wait()
