"""Writes the log as one line of JSON for each event."""

import json
import logging
import sys
from datetime import UTC, datetime

from runtime.errors import SetupError
from runtime.tracing import current_request_id

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; what came by ``extra`` stands beside the message.

    A line break in a message is escaped, so nobody can forge a line.
    """

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line without its line break."""
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "stage": self._stage,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line.update((k, v) for k, v in vars(record).items() if k not in _OWN and k not in line)
        return json.dumps(line, default=str)


def configure(stage: str, level: str) -> None:
    """Sends the log of this process to stderr.

    Raises:
        SetupError: The level is not one of Python's.
    """
    if level.upper() not in _LEVELS:
        raise SetupError(f"HEMLINE_LOG_LEVEL: {level!r} is not one of {', '.join(_LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(stage))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
