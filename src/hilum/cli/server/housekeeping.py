"""What nobody asks for and somebody must do: sweep what was left behind, empty the trash in time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from hilum.app import open_archive
from hilum.archive.removal import empty_trash, sweep, sweep_staging
from hilum.config import Settings
from hilum.services.commitment.request import work_off
from hilum.services.worklist.housekeeping import keep_worklist

_EVERY_S: Final = 60.0
_COMMITMENTS_EVERY_S: Final = 0.5
_STAGING_EVERY: Final = 10
"""Rounds between sweeps of staging and the trash."""
_ALL_BLOBS_EVERY: Final = 360
_ALL_BLOBS_FIRST: Final = 10
"""Rounds between sweeps of all blobs, and before the first."""
_END_PATIENCE_S: Final = 10.0
_DAY_S: Final = 86_400

_log = logging.getLogger(__name__)


@contextmanager
def housekeeping(settings: Settings) -> Iterator[None]:
    """Keep house in a thread as long as the context lasts. One process a data folder does so: the lock's holder."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=target, args=(settings, stop), name=name, daemon=True)
        for target, name in ((_keep_house, "housekeeping"), (_keep_promises, "commitments"))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(_END_PATIENCE_S)


def keep_house_once(settings: Settings, *, now: float) -> None:
    """Look after the worklist, sweep all blobs, and empty the trash of what is older than `trash.keep_days`."""
    _keep_services(settings, now)
    _keep(settings, now, sweep)


def _keep_services(settings: Settings, now: float) -> None:
    with open_archive(settings) as archive:
        keep_worklist(archive=archive, now=now)
        archive.index.commitments.forget_results(now - settings.commitment.result_days * _DAY_S)


def _keep_promises(settings: Settings, stop: threading.Event) -> None:
    """Work on requests for storage commitment that were too large to be worked on at once."""
    while not stop.wait(_COMMITMENTS_EVERY_S):
        try:
            with open_archive(settings) as archive:
                while not stop.is_set():
                    work_off(archive=archive)
                    stop.wait(_COMMITMENTS_EVERY_S)
        except Exception:  # noqa: BLE001 - outermost layer of the thread: a dead one never tries again
            _log.exception("Work on storage commitments failed; it goes on.")


def _keep(settings: Settings, now: float, sweep_some: Callable[..., int]) -> None:
    with open_archive(settings) as archive:
        sweep_some(archive=archive)
        emptied = empty_trash(archive=archive, before=now - settings.trash.keep_days * _DAY_S)
    if emptied:
        _log.info("Emptied %d instances from the trash.", emptied)


def _keep_house(settings: Settings, stop: threading.Event) -> None:
    rounds = 0
    while not stop.wait(_EVERY_S):
        try:
            if rounds == 0 or rounds % _ALL_BLOBS_EVERY == _ALL_BLOBS_FIRST:
                _keep(settings, time.time(), sweep if rounds else sweep_staging)
            elif rounds % _STAGING_EVERY == 0:
                _keep(settings, time.time(), sweep_staging)
            _keep_services(settings, time.time())
        except Exception:  # noqa: BLE001 - outermost layer of the thread: a dead one never tries again
            _log.exception("Housekeeping failed; the next round is in %d seconds.", _EVERY_S)
        rounds += 1
