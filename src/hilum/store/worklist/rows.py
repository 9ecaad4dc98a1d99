"""Rows of workitems: found, made, changed and deleted inside a transaction of the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, literal_column, select, update

from hilum.dicom.levels import tag_of
from hilum.dicom.worklist.checks import STATE, text_of
from hilum.dicom.worklist.states import State
from hilum.errors import StateConflict, TargetGone, TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import UNIQUE_VIOLATIONS, Row, Session, Value
from hilum.store.database.text import date_time_key
from hilum.store.rows.keys import inserting, key_values
from hilum.store.rows.merging import KeyRow, key_rows
from hilum.store.worklist.records import Members, Revision, Workitem

START: Final = tag_of("ScheduledProcedureStepStartDateTime")
_EXPIRATION: Final = tag_of("ScheduledProcedureStepExpirationDateTime")
_INPUT: Final = tag_of("InputInformationSequence")
_PERFORMED: Final = tag_of("UnifiedProcedureStepPerformedProcedureSequence")
_OUTPUT: Final = tag_of("OutputInformationSequence")

UNMATCHED: Final = frozenset(
    tag_of(keyword)
    for keyword in (
        "ScheduledProcessingParametersSequence",
        "ProcedureStepProgressInformationSequence",
        "OutputDestinationSequence",
        "TransactionUID",
    )
)
"""Top-level attributes that are no matching keys (PS3.4 Table CC.2.5-3)."""

_w: Final = tables.workitem.c
_b: Final = tables.workitem_body.c
_ROW: Final = (_w.id, _w.sop_instance_uid, _w.state, _w.transaction_uid, _w.version)
_FIND: Final = (
    select(*_ROW, _b.attributes)
    .select_from(tables.workitem.join(tables.workitem_body))
    .where(_w.sop_instance_uid == bindparam("uid"))
)
_KNOWN: Final = select(*_ROW).where(_w.sop_instance_uid == bindparam("uid"))
_LOCK: Final = _KNOWN.with_for_update()
_BODY: Final = select(_b.attributes).where(_b.workitem_row == bindparam("row"))
_INSERT_BODY: Final = inserting(tables.workitem_body).inline()
_UPDATE_BODY: Final = (
    update(tables.workitem_body).where(_b.workitem_row == bindparam("row")).values(attributes=bindparam("new"))
)
_INSERT: Final = inserting(tables.workitem).returning(_w.id)
_CHANGED_COLUMNS: Final = ("state", "transaction_uid", "start", "expires", "changed", "version")
_UPDATE: Final = (
    update(tables.workitem)
    .where(_w.id == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED_COLUMNS})
)
_INSERT_KEY: Final = inserting(tables.workitem_key).inline()
_k: Final = tables.workitem_key.c
_DELETE_KEYS_OF_PATH: Final = delete(tables.workitem_key).where(
    _k.owner == bindparam("owner"), _k.path == bindparam("path")
)
_DELETE_KEYS: Final = delete(tables.workitem_key).where(_k.owner == bindparam("owner"))


def find(session: Session, uid: str) -> Workitem:
    """Return a workitem.

    Raises:
        TargetNotFound: there never was one.
        TargetGone: it was deleted.
    """
    return workitem_of(_existing(session.row(_FIND, {"uid": uid})))


def lock(session: Session, uid: str) -> tuple[int, Workitem]:
    """Return the row id and the workitem; nobody else can change it before this transaction ends.

    It is the first write of a transaction on PostgreSQL, so that transaction ids ascend in the order of changes.

    Raises:
        TargetNotFound: there never was one.
        TargetGone: it was deleted.
    """
    row = _existing(session.row(_LOCK, {"uid": uid}))
    # A statement of its own: one that had to wait for the lock would join the body of before.
    return row[0], workitem_of((*row, *session.only(_BODY, {"row": row[0]})))


def _existing(row: Row | None) -> Row:
    if row is None:
        raise TargetNotFound("There is no such workitem on this origin server.")
    if not row[2]:
        raise TargetGone("The workitem was deleted.")
    return row


def workitem_of(row: Row) -> Workitem:
    """Return the workitem of a row of `_FIND`."""
    _, uid, state, transaction_uid, version, attributes = row
    return Workitem(uid, State(state), transaction_uid, version, orjson.loads(attributes))


def add(session: Session, uid: str, revision: Revision, now: float) -> int:
    """Make a workitem and return its row id.

    Raises:
        StateConflict: there is or was one of that UID.
    """
    conflict = "There is a workitem of this SOP Instance UID already."
    if session.row(_KNOWN, {"uid": uid}) is not None:
        raise StateConflict(conflict)
    values = {"sop_instance_uid": uid, **_columns(revision, now), "version": 1}
    try:
        row: int = session.only(_INSERT, values)[0]
    except UNIQUE_VIOLATIONS as error:
        raise StateConflict(conflict) from error
    session.run(_INSERT_BODY, {"workitem_row": row, "attributes": _text_of(revision.members)})
    session.run_many(_INSERT_KEY, [key_values(row, key) for key in searchable(revision.members)])
    return row


def change(session: Session, row: int, before: Workitem, revision: Revision, now: float) -> None:
    """Write what a workitem has become, and of its key rows those that differ."""
    values = {**_columns(revision, now), "version": before.version + 1}
    session.run(_UPDATE, {"row": row, **{f"new_{name}": value for name, value in values.items()}})
    session.run(_UPDATE_BODY, {"row": row, "new": _text_of(revision.members)})
    old, new = _by_path(searchable(before.members)), _by_path(searchable(revision.members))
    stale = [path for path in old if old[path] != new.get(path)]
    session.run_many(_DELETE_KEYS_OF_PATH, [{"owner": row, "path": path} for path in stale])
    fresh = [key for path, keys in new.items() if keys != old.get(path) for key in keys]
    session.run_many(_INSERT_KEY, [key_values(row, key) for key in fresh])


def remove(session: Session, row: int, now: float) -> None:
    """Delete a workitem; its UID stays known (410)."""
    empty: dict[str, Value] = {
        "state": "",
        "transaction_uid": "",
        "start": "",
        "expires": 0.0,
        "changed": now,
        "version": 0,
    }
    session.run(_UPDATE, {"row": row, **{f"new_{name}": value for name, value in empty.items()}})
    session.run(_UPDATE_BODY, {"row": row, "new": ""})
    session.run(_DELETE_KEYS, {"owner": row})


def _columns(revision: Revision, now: float) -> dict[str, Any]:
    members = revision.members
    return {
        "state": revision.state.value,
        "transaction_uid": revision.transaction_uid,
        "start": date_time_key(text_of(members, START)),
        "expires": moment(text_of(members, _EXPIRATION)),
        "changed": now,
    }


def _text_of(members: Members) -> str:
    return orjson.dumps(members).decode()


def searchable(members: Members) -> list[KeyRow]:
    """Return the key rows of what searches may match.

    Of the input only its studies and series are, of the performed procedure all but its output: lists of instances
    have no end and are no matching keys. The state has a column.
    """
    kept = {tag: element for tag, element in members.items() if tag not in UNMATCHED and tag != STATE}
    return [key for key in key_rows(kept) if is_matched(key.path)]


def is_matched(path: str) -> bool:
    """Return whether an attribute is a matching key of workitems; `path` is tags with dots between them."""
    top, _, below = path.partition(".")
    if top in UNMATCHED or below.startswith(_OUTPUT):
        return False
    return top != _INPUT or "." not in below


def _by_path(keys: Iterable[KeyRow]) -> dict[str, list[KeyRow]]:
    found: dict[str, list[KeyRow]] = {}
    for key in keys:
        found.setdefault(key.path, []).append(key)
    return found


def moment(date_time: str) -> float:
    """Return a DT in seconds since the epoch, 0 if there is none; without an offset it is in this machine's zone.

    >>> moment("20240229120000+0100"), moment("")
    (1709204400.0, 0.0)
    """
    sign = next((at for at, character in enumerate(date_time) if character in "+-"), len(date_time))
    whole = date_time_key(date_time)
    if not whole:
        return 0.0
    try:
        # A leap second, and a day that the month lacks, are read as what follows them.
        first = datetime.strptime(whole[:6], "%Y%m")  # noqa: DTZ007 - the zone comes last
        days, hours, minutes = (int(whole[at : at + 2]) for at in (6, 8, 10))
        seconds = float(whole[12:])
        local = first + timedelta(days=days - 1, hours=hours, minutes=minutes, seconds=seconds)
        if sign == len(date_time):
            return local.astimezone().timestamp()
        offset = timedelta(hours=int(date_time[sign + 1 : sign + 3]), minutes=int(date_time[sign + 3 : sign + 5]))
        return (local - (offset if date_time[sign] == "+" else -offset)).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return 0.0


# Partial indexes serve only queries that repeat their conditions word for word.
_IS_EXPIRING: Final[ColumnElement[bool]] = literal_column("workitem.state = 'SCHEDULED' AND workitem.expires > 0")
_HAS_ENDED: Final[ColumnElement[bool]] = literal_column("workitem.state IN ('COMPLETED', 'CANCELED')")
_EXPIRED: Final = (
    select(_w.sop_instance_uid)
    .where(_IS_EXPIRING, _w.expires <= bindparam("now"))
    .order_by(_w.expires)
    .limit(bindparam("limit"))
)
_s: Final = tables.workitem_subscription.c
_IS_LOCKED: Final = (
    select(_s.ae_title).where(_s.workitem_row == _w.id, _s.deletion_lock == 1).correlate(tables.workitem).exists()
)
_REMOVABLE: Final = (
    select(_w.id)
    .where(_HAS_ENDED, _w.changed <= bindparam("before"), ~_IS_LOCKED)
    .order_by(_w.changed)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)


def expired(session: Session, now: float, limit: int) -> Sequence[str]:
    """Return the UIDs of scheduled workitems whose expiration has passed."""
    return [row[0] for row in session.rows(_EXPIRED, {"now": now, "limit": limit})]


def removable(session: Session, before: float, limit: int) -> Sequence[int]:
    """Return the rows of workitems that ended before that time and that no deletion lock holds (UPSS-24)."""
    return [row[0] for row in session.rows(_REMOVABLE, {"before": before, "limit": limit})]
