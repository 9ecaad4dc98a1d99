"""Who hears of which workitem (PS3.4 Table CC.2.3-2): one row a receiver and workitem, one a receiver and worklist.

A subscription to a worklist makes rows for the workitems that exist, and again whenever one is created. So the
receivers of a report are always the rows of its workitem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, cast, delete, insert, literal_column, select, update

from hilum.dicom.searching.query import Level, Match, parse_query
from hilum.store.database import tables
from hilum.store.database.database import Compiled, Kind, Row, Session
from hilum.store.rows.keys import inserting
from hilum.store.search.clauses import PLANNED, WALK
from hilum.store.worklist.records import DeletionLock, Filter, Members
from hilum.store.worklist.search import conditions, matches_members, question_of

_BATCH: Final = 500

_w: Final = tables.workitem.c
_s: Final = tables.workitem_subscription.c
_g: Final = tables.worklist_subscription.c

_RECEIVERS: Final = select(_s.ae_title).where(_s.workitem_row == bindparam("row")).order_by(_s.ae_title)
_OWN: Final = select(_s.deletion_lock).where(_s.workitem_row == bindparam("row"), _s.ae_title == bindparam("ae"))
_INSERT: Final = inserting(tables.workitem_subscription).inline()
_SET_LOCK: Final = (
    update(tables.workitem_subscription)
    .where(_s.workitem_row == bindparam("row"), _s.ae_title == bindparam("ae"))
    .values(deletion_lock=bindparam("new_lock"))
)
_DELETE_ONE: Final = delete(tables.workitem_subscription).where(
    _s.workitem_row == bindparam("row"), _s.ae_title == bindparam("ae")
)
_DELETE_OF_AE: Final = delete(tables.workitem_subscription).where(_s.ae_title == bindparam("ae"))
_DELETE_OF_WORKITEM: Final = delete(tables.workitem_subscription).where(_s.workitem_row == bindparam("row"))
_WORKLISTS: Final = select(_g.ae_title, _g.deletion_lock, _g.filter).order_by(_g.ae_title, _g.target)
_INSERT_WORKLIST: Final = inserting(tables.worklist_subscription).inline()
_DELETE_WORKLIST: Final = delete(tables.worklist_subscription).where(
    _g.ae_title == bindparam("ae"), _g.target == bindparam("target")
)
_SUBSCRIBERS: Final = select(_s.ae_title).distinct().union(select(_g.ae_title))


def receivers_of(session: Session, row: int) -> list[str]:
    """Return the AE titles that hear of a workitem."""
    return [found[0] for found in session.rows(_RECEIVERS, {"row": row})]


def subscribers(session: Session) -> list[str]:
    """Return the AE titles that have any subscription."""
    return sorted(found[0] for found in session.rows(_SUBSCRIBERS, {}))


def subscribe(session: Session, row: int, ae_title: str, lock: DeletionLock) -> None:
    """Subscribe to one workitem, or set the lock of the subscription that there is (UPS-88)."""
    if session.row(_OWN, {"row": row, "ae": ae_title}) is None:
        session.run(_INSERT, {"workitem_row": row, "ae_title": ae_title, "deletion_lock": lock.value})
    else:
        session.run(_SET_LOCK, {"row": row, "ae": ae_title, "new_lock": lock.value})


def unsubscribe(session: Session, row: int, ae_title: str) -> bool:
    """End the subscription to one workitem; return whether there was one."""
    return session.run(_DELETE_ONE, {"row": row, "ae": ae_title}).rowcount > 0


def remove_all(session: Session, row: int) -> None:
    """End all subscriptions to a workitem that is deleted."""
    session.run(_DELETE_OF_WORKITEM, {"row": row})


def subscribe_new(session: Session, row: int, members: Members) -> list[str]:
    """Subscribe to a new workitem whoever is subscribed to the worklist; return their AE titles."""
    locks: dict[str, int] = {}
    for ae_title, lock, query_string in session.rows(_WORKLISTS, {}):
        if not query_string or matches_members(members, matches_of(query_string)):
            locks[ae_title] = max(lock, locks.get(ae_title, 0))
    session.run_many(
        _INSERT,
        [{"workitem_row": row, "ae_title": ae_title, "deletion_lock": lock} for ae_title, lock in locks.items()],
    )
    return sorted(locks)


@lru_cache(maxsize=1024)
def matches_of(query_string: str) -> tuple[Match, ...]:
    """Return the matching keys of a filter that was checked when it was stored."""
    return parse_query(Level.INSTANCE, query_string, max_results=1).matches


def set_worklist_subscription(
    session: Session, ae_title: str, target: str, lock: DeletionLock, chosen: Filter | None
) -> None:
    """Make or replace the subscription to a worklist, which the workitems to come fall under."""
    session.run(_DELETE_WORKLIST, {"ae": ae_title, "target": target})
    query_string = chosen.query_string if chosen else ""
    session.run(
        _INSERT_WORKLIST,
        {"ae_title": ae_title, "target": target, "deletion_lock": lock.value, "filter": query_string},
    )


def suspend(session: Session, ae_title: str, target: str) -> bool:
    """End the subscription to workitems to come; return whether there was one (UPS-92)."""
    return session.run(_DELETE_WORKLIST, {"ae": ae_title, "target": target}).rowcount > 0


def unsubscribe_from_worklist(session: Session, ae_title: str, target: str) -> bool:
    """End it and every subscription to single workitems; return whether there was any (UPS-91)."""
    was_subscribed = suspend(session, ae_title, target)
    return session.run(_DELETE_OF_AE, {"ae": ae_title}).rowcount > 0 or was_subscribed


def subscribe_existing(
    session: Session, kind: Kind, ae_title: str, lock: DeletionLock, chosen: Filter | None
) -> Iterator[tuple[str, Members]]:
    """Subscribe to the workitems that there are, as far as they match and the AE has none; yield them with a lock.

    Whoever subscribes without a lock gets no first report, so nothing is yielded then (Table CC.2.3-2).
    """
    question = question_of(session, chosen.matches if chosen else (), kind)
    fresh = [*conditions(question.form, PLANNED if kind is Kind.POSTGRESQL else WALK), _is_unsubscribed()]
    if lock is DeletionLock.NONE:
        columns = select(_w.id, cast(bindparam("ae"), tables.Text), literal_column("0")).where(*fresh)
        names = ["workitem_row", "ae_title", "deletion_lock"]
        statement = insert(tables.workitem_subscription).from_select(names, columns).inline()
        session.run(Compiled(statement, kind), {**question.values, "ae": ae_title})
        return
    page = Compiled(_page(fresh), kind)
    after = 0
    while rows := session.rows(page, {**question.values, "ae": ae_title, "after": after}):
        session.run_many(
            _INSERT, [{"workitem_row": row[0], "ae_title": ae_title, "deletion_lock": lock.value} for row in rows]
        )
        yield from _workitems(rows)
        after = rows[-1][0]


def _page(fresh: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(_w.id, _w.sop_instance_uid, tables.workitem_body.c.attributes)
        .select_from(tables.workitem.join(tables.workitem_body))
        .where(*fresh, _w.id > bindparam("after"))
        .order_by(_w.id)
        .limit(literal_column(str(_BATCH)))
    )


def _is_unsubscribed() -> ColumnElement[bool]:
    own = select(_s.ae_title).where(_s.workitem_row == _w.id, _s.ae_title == bindparam("ae"))
    return ~own.correlate(tables.workitem).exists()


def _workitems(rows: Sequence[Row]) -> Iterator[tuple[str, Members]]:
    for _, uid, attributes in rows:
        yield uid, orjson.loads(attributes)
