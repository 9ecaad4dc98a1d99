"""Storage commitment in the index: requests and their results, and the mark on instances that are to be kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, literal_column, select, update

from hilum.store.database import tables
from hilum.store.database.database import Database, Session, Value
from hilum.store.index.trash import ROWS, index_row
from hilum.store.index.writer import Writer
from hilum.store.rows.events import INSERT_EVENT, event_values
from hilum.store.rows.keys import inserting
from hilum.store.rows.recording import IS_LIVE
from hilum.store.rows.records import IndexRow

_commitment, _instance = tables.commitment.c, tables.instance.c
_IS_PENDING: Final[ColumnElement[bool]] = literal_column("finished = 0")
_INSERT: Final = inserting(tables.commitment).inline()
_FIND: Final = select(_commitment.id, _commitment.finished, _commitment.result).where(
    _commitment.transaction_uid == bindparam("uid")
)
_NEXT: Final = (
    select(_commitment.id, _commitment.transaction_uid, _commitment.request)
    .where(_IS_PENDING, _commitment.lease_until < bindparam("now"))
    .order_by(_commitment.id)
    .limit(literal_column("1"))
    .with_for_update(skip_locked=True)
)
_LEASE: Final = (
    update(tables.commitment).where(_commitment.id == bindparam("row")).values(lease_until=bindparam("until"))
)
_FINISH: Final = (
    update(tables.commitment)
    .where(_commitment.id == bindparam("row"), _IS_PENDING)
    .values(finished=bindparam("now"), result=bindparam("new_result"), request=literal_column("''"))
)
_FORGET: Final = (
    update(tables.commitment)
    .where(literal_column("finished > 0"), literal_column("result <> ''"), _commitment.finished < bindparam("before"))
    .values(result=literal_column("''"))
)
_REMOVE: Final = delete(tables.commitment).where(_commitment.transaction_uid == bindparam("uid"))
_ROWS_OF_UID: Final = ROWS.where(_instance.sop_instance_uid == bindparam("uid"), IS_LIVE)
_COMMIT: Final = (
    update(tables.instance)
    .where(_instance.id == bindparam("row"), _instance.blob_id == bindparam("blob"), IS_LIVE)
    .values(committed_until=bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that is to be worked on."""

    row: int
    transaction_uid: str
    request: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the index knows of a request: its result, None while it is worked on, '' once it is no longer kept."""

    result: str | None


class Commitments:
    """Requests of storage commitment in one index."""

    def __init__(self, database: Database, writer: Writer) -> None:
        """Use the index of `database`, written by `writer`."""
        self._database: Final = database
        self._writer: Final = writer

    def add(self, transaction_uid: str, request: str, *, lease_until: float) -> int | None:
        """Keep a request and return its row; None if the Transaction UID is in use.

        Args:
            transaction_uid: of the user agent.
            request: text of its own making.
            lease_until: until then nobody else works on it (seconds since the epoch).
        """

        def work(session: Session) -> int | None:
            if session.row(_FIND, {"uid": transaction_uid}):
                return None
            session.run(
                _INSERT,
                {
                    "transaction_uid": transaction_uid,
                    "request": request,
                    "result": "",
                    "lease_until": lease_until,
                    "finished": 0.0,
                },
            )
            return int(session.only(_FIND, {"uid": transaction_uid})[0])

        return self._writer.change(work)

    def find(self, transaction_uid: str) -> Kept | None:
        """Return what became of a request; None if there never was one."""
        row = self._database.read(lambda session: session.row(_FIND, {"uid": transaction_uid}))
        return None if row is None else Kept(str(row[2]) if row[1] else None)

    def next_pending(self, *, lease_s: float) -> Pending | None:
        """Return a request that nobody works on; it is the caller's for `lease_s` seconds."""

        def work(session: Session) -> Pending | None:
            now = time.time()
            row = session.row(_NEXT, {"now": now})
            if row is None:
                return None
            session.run(_LEASE, {"row": row[0], "until": now + lease_s})
            return Pending(*row)

        return self._writer.change(work)

    def live_row(self, sop_instance_uid: str) -> IndexRow | None:
        """Return the live row under a SOP Instance UID, with its digests."""
        values: dict[str, Value] = {"uid": sop_instance_uid, "limit": 1}
        row = self._database.read(lambda session: session.row(_ROWS_OF_UID, values))
        return None if row is None else index_row(row)

    def finish(self, row: int, rows: Sequence[IndexRow], *, until: float, result: str) -> list[IndexRow] | None:
        """Commit instances and keep the result of a request, in one step; return None.

        An instance that was deleted or replaced since it was looked at is not committed: then nothing is done, and
        those instances are returned.

        Args:
            row: of the request.
            rows: instances as they were when their bytes were checked.
            until: when the commitment ends (seconds since the epoch).
            result: text of the response.
        """

        def work(session: Session) -> list[IndexRow] | None:
            lost = [one for one in rows if not _marked(session, one, until)]
            if lost:
                raise _Lost(lost)
            session.run(_FINISH, {"row": row, "now": time.time(), "new_result": result})
            return None

        try:
            return self._writer.change(work)
        except _Lost as lost:
            return lost.rows

    def remove(self, transaction_uid: str) -> None:
        """Forget a request as if it had never come."""
        self._writer.change(lambda session: session.run(_REMOVE, {"uid": transaction_uid}).rowcount)

    def forget_results(self, before: float) -> int:
        """Drop the results of requests that were finished before that time; return how many."""
        return self._writer.change(lambda session: session.run(_FORGET, {"before": before}).rowcount)


class _Lost(Exception):
    """Rows that are not live any more: the transaction is undone."""

    def __init__(self, rows: list[IndexRow]) -> None:
        super().__init__(len(rows))
        self.rows = rows


def _marked(session: Session, row: IndexRow, until: float) -> bool:
    values: dict[str, Value] = {"row": row.instance_id, "blob": row.blob_id, "until": until}
    if session.run(_COMMIT, values).rowcount == 0:
        return False
    uids = (row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
    session.run(INSERT_EVENT, event_values("committed", uids, f'{{"blob_id":"{row.blob_id}"}}'))
    return True
