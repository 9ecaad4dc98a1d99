"""Telling the receivers of event reports that the server has started, or is about to end (PS3.4 CC.2.4.3)."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from hilum.app import open_archive
from hilum.config import Settings
from hilum.services.worklist.event_reports import report_going_down, report_restart

_PATIENCE_S: Final = 2.0
_DELIVERY_S: Final = 0.3
"""Time for the workers to send the last report before they end."""

_log = logging.getLogger(__name__)


def report_start(settings: Settings) -> None:
    """Report that the server has started; the workers deliver it as receivers come back."""
    with open_archive(settings) as archive:
        report_restart(archive=archive)


def report_end(settings: Settings) -> None:
    """Report that the server is about to end, and wait a moment for its delivery; a stop never waits long for it."""
    thread = threading.Thread(target=_report_end, args=(settings,), name="farewell", daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)


def _report_end(settings: Settings) -> None:
    try:
        with open_archive(settings) as archive:
            receivers = report_going_down(archive=archive)
    except Exception:  # noqa: BLE001 - as the next line says
        # The outermost layer of the thread: whatever it is, the server ends all the same.
        _log.exception("Receivers of event reports could not be told that the server ends.")
        return
    if receivers:
        threading.Event().wait(_DELIVERY_S)


def before_end(farewell: Callable[[], None]) -> None:
    """Call `farewell` when SIGTERM or SIGINT comes, before what the signals do already; in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        following = signal.getsignal(number)
        if callable(following):
            signal.signal(number, _after(farewell, following))


def _after(
    farewell: Callable[[], None], following: Callable[[int, FrameType | None], object]
) -> Callable[[int, FrameType | None], None]:
    said = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if not said.is_set():
            said.set()
            farewell()
        following(number, frame)

    return handle
