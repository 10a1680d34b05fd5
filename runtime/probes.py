"""Shows metrics and health over plain HTTP, from a thread of its own."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runtime.errors import SetupError
from runtime.metrics import Metrics

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Probes:
    """Serves ``/metrics``, ``/livez`` and ``/readyz``.

    Args:
        address: ``host:port``; port 0 takes a free one.
        metrics: What ``/metrics`` shows.
        why_not_ready: Returns the reason; empty when ready. Called from other threads.
        remark: Returns what is wrong although ready; empty when nothing is.

    Raises:
        SetupError: The address is malformed or cannot be bound.
    """

    def __init__(
        self,
        address: str,
        metrics: Metrics,
        why_not_ready: Callable[[], str],
        remark: Callable[[], str] = lambda: "",
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise SetupError(f"{address!r} is not an address: give host:port")
        try:
            self._server = _Server((host.strip("[]"), int(port)), _Handler)
        except OSError:
            raise SetupError(f"{address} cannot be bound: is it taken?") from None
        self._server.metrics = metrics
        self._server.why_not_ready = why_not_ready
        self._server.remark = remark
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Begins to answer."""
        threading.Thread(target=self._server.serve_forever, name="probes", daemon=True).start()

    def stop(self) -> None:
        """Stops answering and frees the port."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    metrics: Metrics
    why_not_ready: Callable[[], str]
    remark: Callable[[], str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0
    server_version = "hemline"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers one of the three paths."""
        if self.path == "/metrics":
            self._answer(200, self.server.metrics.render())
        elif self.path == "/livez":
            self._answer(200, b"live\n")
        elif self.path == "/readyz":
            reason = self.server.why_not_ready()
            remark = self.server.remark()
            ready = f"ready, {remark}" if remark else "ready"
            self._answer(503 if reason else 200, f"{reason or ready}\n".encode())
        else:
            self._answer(404, b"not found\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's word
        """Says nothing: probes come every few seconds."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", _TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
