"""Logs on standard error: one line an event, as text or JSON; one a request.

No line holds a query value or a header value of a request: names of patients are in them.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.types import Scope

from hilum.config import LogSettings

ACCESS_LOGGER: Final = "hilum.access"

_LONGEST_PATH: Final = 512
_logger = logging.getLogger(ACCESS_LOGGER)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what became of it."""

    request_id: str
    address: str
    """Of the user agent."""
    method: str
    route: str
    """Template of the resource's path; '' where no resource matches."""
    path: str
    """As sent, percent-encoded, without its query."""
    status: int
    """0: the user agent was gone before an answer."""
    milliseconds: float
    bytes_in: int
    bytes_out: int
    complete: bool
    """Whether the whole answer was handed over; False: it was cut."""


def path_of(scope: Scope) -> str:
    """Return the path for a log: percent-encoded, so that it is one word whatever the user agent sent."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    return quote(raw.partition(b"?")[0][:_LONGEST_PATH], safe="/%:@!$&'()*+,;=-._~")


def log_exchange(exchange: Exchange) -> None:
    """Log one request."""
    if _logger.isEnabledFor(logging.INFO):
        # `makeRecord` leaves out the search for the caller, which costs more than all the rest of a line.
        _logger.handle(
            _logger.makeRecord(
                ACCESS_LOGGER, logging.INFO, __file__, 0, "request", (), None, extra={"exchange": exchange}
            )
        )


class TextFormatter(logging.Formatter):
    """One readable line an event; further lines for traces."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        exchange: Exchange | None = getattr(record, "exchange", None)
        message = record.getMessage() if exchange is None else _in_words(exchange)
        line = f"{_time(record)} {record.levelname} {record.name} {_one_line(message)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object an event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        event: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        exchange: Exchange | None = getattr(record, "exchange", None)
        if exchange is not None:
            event |= asdict(exchange)
        if record.exc_info:
            event["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(event, default=str).decode()


def configure_logging(log: LogSettings) -> None:
    """Send the log of this process to standard error in the form that the settings ask for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log.format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    _logger.setLevel(logging.INFO if log.requests else logging.WARNING)


def _in_words(exchange: Exchange) -> str:
    cut = "" if exchange.complete else " cut"
    return (
        f"{exchange.method} {exchange.path} {exchange.status}{cut} {exchange.milliseconds:.1f} ms "
        f"in={exchange.bytes_in} out={exchange.bytes_out} route={exchange.route or '-'} "
        f"from={exchange.address or '-'} id={exchange.request_id}"
    )


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(message: str) -> str:
    return message.replace("\r", "\\r").replace("\n", "\\n")
