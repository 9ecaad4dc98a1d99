"""Send Event Report (PS3.18 11.13, PS3.4 CC.2.4): what receivers get, and what the server says of itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from hilum.archive.archive import Archive
from hilum.dicom.worklist.reports import status_report
from hilum.store.worklist.records import Report

Cursor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Missed:
    """Reports that a receiver has not got yet."""

    cursor: Cursor
    """Position behind them."""
    reports: Sequence[Report]
    is_end: bool
    """Nothing more was in the log."""


def report_restart(*, archive: Archive) -> None:
    """Report that the server has started; subscriptions and workitems are those of before (UPSE-26, UPSE-27)."""
    archive.index.worklist.report_status(status_report("RESTARTED", "WARM START"), archive.settings.worklist.receivers)


def report_going_down(*, archive: Archive) -> int:
    """Report that the server is about to end; return to how many (UPSE-26)."""
    going_down = status_report("GOING DOWN", "WARM START")
    return archive.index.worklist.report_status(going_down, archive.settings.worklist.receivers)


def start_of_replay(ae_title: str, *, archive: Archive) -> Cursor:
    """Return where the reports to a receiver that comes back begin (UPSE-07)."""
    worklist = archive.index.worklist
    replay_s = archive.settings.worklist.replay_s
    return worklist.start_of_replay(ae_title, time.time() - replay_s) if replay_s else worklist.latest()


def missed_reports(ae_title: str, cursor: Cursor, limit: int, *, archive: Archive) -> Missed:
    """Return the reports to a receiver among the next `limit` events behind `cursor`."""
    behind, reports = archive.index.worklist.reports_after(cursor, limit)
    mine = [report for report in reports if ae_title in report.receivers]
    return Missed(behind, mine, is_end=behind == cursor)
