"""Reports of changes as rows of the event log: written with the change, read by whoever holds a receiver's connection.

A row names its receivers, those who were subscribed when the change was made. `worklist_receiver` keeps how far each
receiver has got, so that one who comes back is given what it missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Select, Text, bindparam, cast, func, insert, select, update

from hilum.store.database import tables
from hilum.store.database.database import Kind, Session, Value
from hilum.store.rows.events import INSERT_EVENT, event_values
from hilum.store.rows.records import Event
from hilum.store.worklist.records import Members, Report

KIND: Final = "workitem"

_CLOCK_MARGIN_S: Final = 5.0
"""Rows may stand in another order than their times by less than this."""

Cursor = tuple[int, int]

_e: Final = tables.event.c
_r: Final = tables.worklist_receiver.c
_POSITION: Final = select(_r.xact, _r.event).where(_r.ae_title == bindparam("ae"))
_INSERT_POSITION: Final = (
    insert(tables.worklist_receiver)
    .values(ae_title=bindparam("ae"), xact=bindparam("new_xact"), event=bindparam("new_event"))
    .inline()
)
_UPDATE_POSITION: Final = (
    update(tables.worklist_receiver)
    .where(_r.ae_title == bindparam("ae"))
    .values(xact=bindparam("new_xact"), event=bindparam("new_event"))
)
_NUMBER: Final = cast(cast(_e.xact, Text), BigInteger)


def _first_since(kind: Kind) -> Select[Any]:
    xact = _e.xact if kind is Kind.SQLITE else _NUMBER
    return select(xact, _e.id).where(_e.kind == KIND, _e.time >= bindparam("since")).order_by(_e.time).limit(1)


def _latest(kind: Kind) -> Select[Any]:
    if kind is Kind.SQLITE:
        return select(_e.xact, _e.id).order_by(_e.id.desc()).limit(1)
    is_settled = _e.xact < func.pg_snapshot_xmin(func.pg_current_snapshot())
    return select(_NUMBER, _e.id).where(is_settled).order_by(_e.xact.desc(), _e.id.desc()).limit(1)


_FIRST_SINCE: Final = {kind: _first_since(kind) for kind in Kind}
_LATEST: Final = {kind: _latest(kind) for kind in Kind}


def write_reports(session: Session, uid: str, receivers: Sequence[str], reports: Sequence[Members]) -> None:
    """Write one row a report; without receivers it still says that the workitem changed."""
    session.run_many(
        INSERT_EVENT,
        [
            event_values(KIND, ("", "", uid), orjson.dumps({"to": receivers, "report": report}).decode())
            for report in reports
        ],
    )


def report_of(event: Event) -> Report:
    """Return the report that a row of the event log is."""
    detail: Mapping[str, Any] = orjson.loads(event.detail)
    return Report(event.cursor, event.time, event.sop_instance_uid, frozenset(detail["to"]), detail["report"])


def position_of(session: Session, ae_title: str) -> Cursor | None:
    """Return how far a receiver has got, None if it never had a connection."""
    row = session.row(_POSITION, {"ae": ae_title})
    return None if row is None else (row[0], row[1])


def keep_positions(session: Session, positions: Mapping[str, Cursor]) -> None:
    """Keep how far receivers have got; none ever goes back."""
    for ae_title, cursor in sorted(positions.items()):
        known = position_of(session, ae_title)
        values: dict[str, Value] = {"ae": ae_title, "new_xact": cursor[0], "new_event": cursor[1]}
        if known is None:
            session.run(_INSERT_POSITION, values)
        elif known < cursor:
            session.run(_UPDATE_POSITION, values)


def cursor_before(session: Session, kind: Kind, since: float) -> Cursor:
    """Return a position before all reports written since that time (seconds since the epoch), and not far before."""
    row = session.row(_FIRST_SINCE[kind], {"since": since - _CLOCK_MARGIN_S})
    return latest(session, kind) if row is None else (row[0], row[1] - 1)


def latest(session: Session, kind: Kind) -> Cursor:
    """Return the position behind all events that readers see."""
    row = session.row(_LATEST[kind], {})
    return (0, 0) if row is None else (row[0], row[1])
