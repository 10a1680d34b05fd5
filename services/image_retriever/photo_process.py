"""Starts one photo worker process, talks to it with a deadline, and kills it."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from services.image_retriever import photo_worker as wire

_START_S = 30.0
_MAX_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload from a worker, and the size in pixels of the whole upright photo."""

    payload: bytes
    width: int
    height: int


class PhotoProcess:
    """One decoding process and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # No shell and no inherited environment: a decoder that is taken over finds no secrets.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", str(Path(wire.__file__).resolve())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
            )
        self._socket = ours
        self._is_ready = self._is_loaded = False

    def ask(self, frame: bytes, timeout_s: float) -> tuple[bytes, Decoded]:
        """Sends one request; raises TimeoutError when late, OSError when the process died."""
        # Starting the interpreter, or numpy, is no fault of the photo and has its own limit.
        if not self._is_ready:
            self._receive(time.monotonic() + _START_S)
            self._is_ready = True
        if frame.startswith(wire.GARMENT) and not self._is_loaded:
            self._exchange(wire.REQUEST.pack(wire.LOAD, 0, 0, 0, 0, 0, 0), _START_S)
            self._is_loaded = True
        return self._exchange(frame, timeout_s)

    def _exchange(self, frame: bytes, timeout_s: float) -> tuple[bytes, Decoded]:
        deadline = time.monotonic() + timeout_s
        self._socket.settimeout(timeout_s)
        self._socket.sendall(frame)
        return self._receive(deadline)

    def _receive(self, deadline: float) -> tuple[bytes, Decoded]:
        header = self._read(wire.ANSWER.size, deadline)
        status, width, height, count = wire.ANSWER.unpack(header)
        if count > _MAX_ANSWER_BYTES:
            raise ConnectionAbortedError("photo worker answers nonsense")
        return status, Decoded(self._read(count, deadline), width, height)

    def _read(self, count: int, deadline: float) -> bytes:
        data = bytearray(count)
        view = memoryview(data)
        while view.nbytes:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("photo worker is late")
            self._socket.settimeout(left)
            got = self._socket.recv_into(view)
            if not got:
                raise ConnectionResetError("photo worker is gone")
            view = view[got:]
        return bytes(data)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def kill(self) -> None:
        """Ends the process at once and waits for it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
