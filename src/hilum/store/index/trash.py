"""States of instances: to the trash and back, and out of it for good; and what verification reads."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, update

from hilum.dicom.searching.query import Level
from hilum.errors import InstanceCommitted, TargetGone, TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import Database, Row, Session, Value
from hilum.store.rows.events import INSERT_EVENT, event_values
from hilum.store.rows.keys import DELETE_KEYS
from hilum.store.rows.level_rows import LevelRows
from hilum.store.rows.reading import STORED, stored_instance
from hilum.store.rows.recording import DELETE_BODY, IS_LIVE
from hilum.store.rows.records import (
    IndexRow,
    RecordedContradiction,
    Restored,
    State,
    StoredInstance,
    Totals,
)

_BATCH: Final = 1000
_STATES: Final = {tables.LIVE: State.LIVE, tables.TRASHED: State.TRASHED, tables.GONE: State.GONE}

_study, _series, _instance = tables.study.c, tables.series.c, tables.instance.c
_WITH_LEVELS: Final = tables.instance.join(tables.series).join(tables.study)
_IS_TRASHED: Final[ColumnElement[bool]] = literal_column("instance.state = 1")
_ROW: Final = (
    _instance.id,
    _study.study_instance_uid,
    _series.series_instance_uid,
    _instance.sop_instance_uid,
    _instance.blob_id,
    _instance.size_bytes,
    _instance.committed_until,
)
_IN_ORDER: Final = (
    select(*_ROW)
    .select_from(_WITH_LEVELS)
    # The newest of several trashed objects under one UID comes first.
    .order_by(
        _study.study_instance_uid,
        _series.series_instance_uid,
        _instance.sop_instance_uid,
        _instance.id.desc(),
    )
)
_OF_STUDY: Final = (_study.study_instance_uid == bindparam("study"),)
_OF_SERIES: Final = (*_OF_STUDY, _series.series_instance_uid == bindparam("series"))
_OF_INSTANCE: Final = (*_OF_SERIES, _instance.sop_instance_uid == bindparam("instance"))


def _by_target(statement: Select[Any]) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Return the statement for a study, for a series and for an instance."""
    return statement.where(*_OF_STUDY), statement.where(*_OF_SERIES), statement.where(*_OF_INSTANCE)


_LIVE: Final = _by_target(_IN_ORDER.where(IS_LIVE))
_TRASHED: Final = _by_target(_IN_ORDER.where(_IS_TRASHED))
_ANY: Final = _by_target(select(_instance.id).select_from(_WITH_LEVELS).limit(literal_column("1")))
_TRASHED_STORED: Final = _by_target(
    STORED.where(_IS_TRASHED).order_by(
        _study.study_instance_uid, _series.series_instance_uid, _instance.sop_instance_uid, _instance.id
    )
)
_TO_EMPTY: Final = (
    _IN_ORDER.where(_IS_TRASHED, _instance.changed < bindparam("before"))
    .where(_instance.committed_until < bindparam("now"))
    .limit(literal_column(str(_BATCH)))
)
_LIVE_UID: Final = select(_instance.id).where(_instance.sop_instance_uid == bindparam("uid"), IS_LIVE)
_SET_STATE: Final = (
    update(tables.instance)
    .where(_instance.id == bindparam("row"), _instance.state == bindparam("old"))
    .values(state=bindparam("new"), changed=bindparam("now"))
)
_EMPTY_ROW: Final = (
    update(tables.instance)
    .where(_instance.id == bindparam("row"))
    .values(
        instance_number=literal_column(str(tables.NO_NUMBER)),
        **dict.fromkeys(("number_of_frames", "rows", "columns", "bits_allocated"), literal_column(str(tables.UNKNOWN))),
        **dict.fromkeys(("extra", "wire_form"), literal_column("''")),
    )
)
_LEFT_IN_SERIES: Final = (
    select(_instance.id)
    .where(_instance.series_row == bindparam("row"), literal_column("instance.state < 2"))
    .limit(literal_column("1"))
)
_LEFT_IN_STUDY: Final = (
    select(_instance.id)
    .select_from(tables.instance.join(tables.series))
    .where(_series.study_row == bindparam("row"), literal_column("instance.state < 2"))
    .limit(literal_column("1"))
)


class Target:
    """A study, a series or an instance: which of three statements serves it, and with what."""

    __slots__ = ("depth", "level", "values")

    def __init__(self, study: str, series: str | None, instance: str | None) -> None:
        """Name the target from the top; nothing follows a None."""
        self.depth: Final = 0 if series is None else 1 if instance is None else 2
        self.level: Final = ("study", "series", "instance")[self.depth]
        self.values: Final = {
            name: uid for name, uid in (("study", study), ("series", series), ("instance", instance)) if uid is not None
        }


def move_to_trash(session: Session, target: Target) -> list[str]:
    """Move the live instances of the target to the trash and return their blob ids.

    Raises:
        TargetNotFound: there never was such a target.
        TargetGone: it has no live instance any more.
        InstanceCommitted: an instance of it is committed to be kept; then nothing of it is moved.
    """
    levels = LevelRows(session)
    levels.lock_study(target.values["study"])
    rows = session.rows(_LIVE[target.depth], target.values)
    if not rows:
        if session.row(_ANY[target.depth], target.values):
            raise TargetGone(f"The {target.level} was deleted.")
        raise TargetNotFound(f"There is no such {target.level} on this origin server.")
    now = time.time()
    if any(row[6] > now for row in rows):
        raise InstanceCommitted(f"The {target.level} holds an instance that this origin server is committed to keep.")
    for row in rows:
        _change_state(session, row, tables.LIVE, tables.TRASHED, "trashed")
        _count(levels, row, -1)
    levels.write()
    return [row[4] for row in rows]


def restore(session: Session, target: Target, chosen: Collection[str] | None = None) -> Restored:
    """Move instances of the target back from the trash, but those under whose UID another one is live.

    Whatever is not among the `chosen` blob ids stays, if they are given.

    Raises:
        TargetNotFound: nothing of the target is in the trash.
    """
    levels = LevelRows(session)
    levels.lock_study(target.values["study"])
    wanted = None if chosen is None else frozenset(chosen)
    found = session.rows(_TRASHED[target.depth], target.values)
    rows = [row for row in found if wanted is None or row[4] in wanted]
    if not rows:
        raise TargetNotFound(f"Nothing of this {target.level} is in the trash.")
    blob_ids: list[str] = []
    refused: list[str] = []
    for row in rows:
        if session.row(_LIVE_UID, {"uid": row[3]}):
            refused.append(row[3])
            continue
        _change_state(session, row, tables.TRASHED, tables.LIVE, "restored")
        _count(levels, row, 1)
        blob_ids.append(row[4])
    levels.write()
    return Restored(blob_ids, refused)


def candidates(session: Session, before: float) -> Sequence[str]:
    """Return the blob ids of what `empty` would take."""
    return [row[4] for row in session.rows(_TO_EMPTY, {"before": before, "now": time.time()})]


def empty(session: Session, before: float, blob_ids: Collection[str] | None) -> list[str]:
    """Make instances that were trashed before that time gone for good, at most 1,000; return their blob ids.

    Their rows keep UIDs alone. An instance with a storage commitment stays in the trash, and so does whatever is
    not among `blob_ids`, if they are given.
    """
    levels = LevelRows(session)
    wanted = None if blob_ids is None else frozenset(blob_ids)
    rows = [
        row
        for row in session.rows(_TO_EMPTY, {"before": before, "now": time.time()})
        if wanted is None or row[4] in wanted
    ]
    for row in rows:
        levels.lock_study(row[1])
    emptied = [row for row in rows if _change_state(session, row, tables.TRASHED, tables.GONE, "emptied")]
    for row in emptied:
        session.run(_EMPTY_ROW, {"row": row[0]})
        session.run(DELETE_BODY, {"owner": row[0]})
        session.run(DELETE_KEYS[Level.INSTANCE], {"owner": row[0]})
    _wipe_levels(session, levels, {(row[1], row[2]) for row in emptied})
    levels.write()
    return [row[4] for row in emptied]


def _wipe_levels(session: Session, levels: LevelRows, places: set[tuple[str, str]]) -> None:
    for study_uid, series_uid in sorted(places):
        study = levels.lock_study(study_uid)
        series = levels.find_series(study, series_uid) if study else None
        if series and not session.row(_LEFT_IN_SERIES, {"row": series.row}):
            levels.wipe_series(series)
    for study_uid in sorted({study_uid for study_uid, _ in places}):
        study = levels.lock_study(study_uid)
        if study and not session.row(_LEFT_IN_STUDY, {"row": study.row}):
            levels.wipe_study(study)


def _change_state(session: Session, row: Row, old: int, new: int, kind: str) -> bool:
    """Change the state of a row; False if another process was first."""
    values = {"row": row[0], "old": old, "new": new, "now": time.time()}
    if session.run(_SET_STATE, values).rowcount == 0:
        return False
    detail = f'{{"blob_id":"{row[4]}"}}'
    session.run(INSERT_EVENT, event_values(kind, (row[1], row[2], row[3]), detail))
    return True


def _count(levels: LevelRows, row: Row, instances: int) -> None:
    study = levels.lock_study(row[1])
    series = levels.find_series(study, row[2]) if study else None
    if series is None:
        raise LookupError(row[2])
    levels.count(series, instances, instances * row[5])


def trashed(database: Database, target: Target) -> list[StoredInstance]:
    """Return the instances of the target that are in the trash, by UIDs."""
    rows = database.read(lambda session: session.rows(_TRASHED_STORED[target.depth], target.values))
    return [stored_instance(row) for row in rows]


ROWS: Final = (
    select(
        _instance.id,
        _instance.state,
        _study.study_instance_uid,
        _series.series_instance_uid,
        _instance.sop_instance_uid,
        _instance.blob_id,
        _instance.size_bytes,
        _instance.data_set_offset,
        _instance.head_digest,
        _instance.data_set_digest,
        _instance.changed,
    )
    .select_from(_WITH_LEVELS)
    .order_by(_instance.id)
    .limit(bindparam("limit"))
)
"""What `index_row` takes, of instances in any state."""
_ROWS_AFTER: Final = ROWS.where(_instance.id > bindparam("after"))
_ROWS_OF_BLOB: Final = ROWS.where(_instance.blob_id == bindparam("blob_id"))
_CONTRADICTIONS: Final = (
    select(
        tables.contradiction.c.id,
        _study.study_instance_uid,
        func.coalesce(_series.series_instance_uid, literal_column("''")),
        tables.contradiction.c.sop_instance_uid,
        tables.contradiction.c.tag,
        tables.contradiction.c.kept,
        tables.contradiction.c.offered,
    )
    .select_from(
        tables.contradiction.join(tables.study).outerjoin(
            tables.series, tables.series.c.id == tables.contradiction.c.series_row
        )
    )
    .where(tables.contradiction.c.id > bindparam("after"))
    .order_by(tables.contradiction.c.id)
    .limit(bindparam("limit"))
)
_TOTALS: Final = select(
    func.count(),
    func.coalesce(func.sum(_study.series_count), 0),
    func.coalesce(func.sum(_study.instance_count), 0),
    func.coalesce(func.sum(_study.size_bytes), 0),
).where(literal_column("study.visible = 1"))


def all_rows(database: Database) -> Iterator[IndexRow]:
    """Yield every instance row, whatever its state, in the order of their making."""
    for row in _in_batches(database, _ROWS_AFTER):
        yield index_row(row)


def rows_of_blob(database: Database, blob_id: str) -> Sequence[IndexRow]:
    """Return the rows that name a blob: none, or one."""
    values: dict[str, Value] = {"blob_id": blob_id, "limit": _BATCH}
    return [index_row(row) for row in database.read(lambda session: session.rows(_ROWS_OF_BLOB, values))]


def all_contradictions(database: Database) -> Iterator[RecordedContradiction]:
    """Yield every recorded contradiction in the order of their discovery."""
    for row in _in_batches(database, _CONTRADICTIONS):
        yield RecordedContradiction(*row[1:])


def totals(database: Database) -> Totals:
    """Return counts and bytes of what is live."""
    row = database.read(lambda session: session.only(_TOTALS, {}))
    return Totals(*map(int, row))


def _in_batches(database: Database, statement: Select[Any]) -> Iterator[Row]:
    after = 0
    while True:
        values = {"after": after, "limit": _BATCH}
        rows = database.read(lambda session, values=values: session.rows(statement, values))  # type: ignore[misc]  # a default holds the loop's value
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]


def index_row(row: Row) -> IndexRow:
    """Return the record of a row of `ROWS`."""
    return IndexRow(
        instance_id=row[0],
        state=_STATES[row[1]],
        study_instance_uid=row[2],
        series_instance_uid=row[3],
        sop_instance_uid=row[4],
        blob_id=row[5],
        size_bytes=row[6],
        data_set_offset=row[7],
        head_digest=bytes(row[8]),
        data_set_digest=bytes(row[9]),
        changed=row[10],
    )
