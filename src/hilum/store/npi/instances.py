"""Non-patient instances in an index: one object a process, safe for many threads.

A SOP Instance UID names one of them, whatever its category.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import bindparam, delete, select

from hilum.dicom.searching.query import Query
from hilum.dicom.uids import is_uid
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import UNIQUE_VIOLATIONS, Database, Row, Session
from hilum.store.npi.records import NewNonPatient, NonPatient, NonPatientPage
from hilum.store.npi.search import count_statement, page_statement, question_of
from hilum.store.rows.bodies import packed_wire_form, unpacked_wire_form
from hilum.store.rows.keys import inserting, key_values
from hilum.store.rows.merging import key_rows
from hilum.store.rows.records import DuplicatePolicy, IndexRow, Outcome, Recorded, State, StoredMetadata

T = TypeVar("T")

_BATCH: Final = 1000
_n, _b = tables.non_patient.c, tables.non_patient_body.c
_STORED: Final = (
    _n.id,
    _n.category,
    _n.sop_instance_uid,
    _n.sop_class_uid,
    _n.transfer_syntax_uid,
    _n.blob_id,
    _n.size_bytes,
    _n.data_set_offset,
    _n.wire_form,
)
_OF_UID: Final = _n.sop_instance_uid == bindparam("uid")
_FIND: Final = select(*_STORED).where(_n.category == bindparam("category"), _OF_UID)
_KNOWN: Final = (
    select(_n.id, _n.category, _n.transfer_syntax_uid, _n.data_set_digest, _n.blob_id).where(_OF_UID).with_for_update()
)
_METADATA: Final = select(_b.metadata, _b.metadata_size).where(_b.non_patient_row == bindparam("row"))
_INSERT: Final = inserting(tables.non_patient).returning(_n.id)
_INSERT_BODY: Final = inserting(tables.non_patient_body).inline()
_INSERT_KEY: Final = inserting(tables.non_patient_key).inline()
_DELETE: Final = (
    delete(tables.non_patient_key).where(tables.non_patient_key.c.owner == bindparam("row")),
    delete(tables.non_patient_body).where(_b.non_patient_row == bindparam("row")),
    delete(tables.non_patient).where(_n.id == bindparam("row")),
)
_ROW_OF_BLOB: Final = select(_n.id).where(_n.blob_id == bindparam("blob_id"))
_INDEX_ROW: Final = select(
    _n.id,
    _n.sop_instance_uid,
    _n.blob_id,
    _n.size_bytes,
    _n.data_set_offset,
    _n.head_digest,
    _n.data_set_digest,
    _n.changed,
)
_ROWS_AFTER: Final = _INDEX_ROW.where(_n.id > bindparam("after")).order_by(_n.id).limit(bindparam("limit"))
_ROWS_OF_BLOB: Final = _INDEX_ROW.where(_n.blob_id == bindparam("blob_id"))


class Change(Protocol):
    """Runs work in a transaction of the index and returns its result after the commit."""

    def __call__(self, work: Callable[[Session], T], /) -> T:
        """Return what `work` returns."""


class NonPatients:
    """The non-patient instances of one index."""

    def __init__(self, database: Database, change: Change, policy: DuplicatePolicy) -> None:
        """Read from `database`, write by `change`; `policy` decides on different objects of one UID."""
        self._database: Final = database
        self._change: Final = change
        self._policy: Final = policy

    def record(self, instance: NewNonPatient) -> Recorded:
        """Record an instance, or say what is there already."""

        def work(session: Session) -> Recorded:
            known = session.row(_KNOWN, {"uid": instance.sop_instance_uid})
            if known is None:
                _insert(session, instance)
                return Recorded(Outcome.STORED, instance.blob_id)
            return self._meet(session, known, instance)

        try:
            return self._change(work)
        except UNIQUE_VIOLATIONS:
            # Another process was first, and its row is there now.
            return self._change(work)

    def _meet(self, session: Session, known: Row, instance: NewNonPatient) -> Recorded:
        row, category, transfer_syntax_uid, data_set_digest, blob_id = known
        if category != instance.category:
            return Recorded(Outcome.ELSEWHERE, blob_id)
        if (transfer_syntax_uid, bytes(data_set_digest)) == (instance.transfer_syntax_uid, instance.data_set_digest):
            return Recorded(Outcome.IDENTICAL, blob_id)
        if self._policy is DuplicatePolicy.REJECT:
            return Recorded(Outcome.DIFFERENT, blob_id)
        if self._policy is DuplicatePolicy.KEEP:
            return Recorded(Outcome.KEPT_FIRST, blob_id)
        _delete(session, row)
        _insert(session, instance)
        return Recorded(Outcome.REPLACED, instance.blob_id, lost_blob_id=blob_id)

    def find(self, category: str, sop_instance_uid: str) -> NonPatient:
        """Return an instance of a category.

        Raises:
            TargetNotFound: there is none of that UID in it (NPI-11).
        """
        values = {"category": category, "uid": sop_instance_uid}
        row = None
        # No database is asked for text that it might not take.
        if is_uid(sop_instance_uid):
            row = self._database.read(lambda session: session.row(_FIND, values))
        if row is None:
            raise TargetNotFound("There is no such instance on this origin server.")
        wire_form = unpacked_wire_form(row[8])
        return NonPatient(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], wire_form)

    def metadata(self, instance: NonPatient) -> StoredMetadata:
        """Return the metadata of an instance.

        Raises:
            TargetGone: it was replaced since it was found.
        """
        row = self._database.read(lambda session: session.row(_METADATA, {"row": instance.row}))
        if row is None:
            raise TargetGone("The instance was replaced.")
        return StoredMetadata(row[0], row[1], b"")

    def search(self, category: str, query: Query) -> NonPatientPage:
        """Return the page of a category's instances that `query` asks for, ordered by UID (SRCH-45)."""
        if query.limit == 0:
            return NonPatientPage((), 0)
        kind = self._database.kind

        def work(session: Session) -> tuple[list[Row], int]:
            question = question_of(session, category, query.matches, kind)
            values = {**question.values, "limit": query.limit + 1, "offset": query.offset}
            rows = session.rows(page_statement(question.shapes, kind), values)
            if len(rows) <= query.limit:
                return rows, 0
            count = int(session.only(count_statement(question.shapes, kind), question.values)[0])
            return rows[: query.limit], max(1, count - query.offset - query.limit)

        rows, remaining = self._database.read(work)
        return NonPatientPage([orjson.loads(row[0]) for row in rows], remaining)

    def forget(self, blob_id: str) -> None:
        """Remove the row of a blob that is broken, so that its instance can be stored again."""

        def work(session: Session) -> None:
            for row in session.rows(_ROW_OF_BLOB, {"blob_id": blob_id}):
                _delete(session, row[0])

        self._change(work)

    def rows(self) -> Iterator[IndexRow]:
        """Yield every row, for verification; the UIDs of study and series are ''."""
        after = 0
        while True:
            rows = self._batch(after)
            yield from map(_index_row, rows)
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def _batch(self, after: int) -> list[Row]:
        return self._database.read(lambda session: session.rows(_ROWS_AFTER, {"after": after, "limit": _BATCH}))

    def rows_of_blob(self, blob_id: str) -> Sequence[IndexRow]:
        """Return the rows that name a blob: none, or one."""
        rows = self._database.read(lambda session: session.rows(_ROWS_OF_BLOB, {"blob_id": blob_id}))
        return [_index_row(row) for row in rows]


def _insert(session: Session, instance: NewNonPatient) -> None:
    values: dict[str, Any] = {
        "category": instance.category,
        "sop_instance_uid": instance.sop_instance_uid,
        "sop_class_uid": instance.sop_class_uid,
        "transfer_syntax_uid": instance.transfer_syntax_uid,
        "blob_id": instance.blob_id,
        "size_bytes": instance.size_bytes,
        "data_set_offset": instance.data_set_offset,
        "head_digest": instance.head_digest,
        "data_set_digest": instance.data_set_digest,
        "wire_form": packed_wire_form(instance.wire_form),
        "changed": time.time(),
    }
    row = session.only(_INSERT, values)[0]
    body = {
        "non_patient_row": row,
        # Text columns of PostgreSQL take no NUL, and no text escapes one.
        "attributes": orjson.dumps(instance.attributes).decode().replace("\\u0000", ""),
        "metadata": instance.metadata,
        "metadata_size": instance.metadata_size,
    }
    session.run(_INSERT_BODY, body)
    session.run_many(_INSERT_KEY, [key_values(row, key) for key in key_rows(instance.attributes)])


def _delete(session: Session, row: int) -> None:
    statements: Sequence[Any] = _DELETE
    for statement in statements:
        session.run(statement, {"row": row})


def _index_row(row: Row) -> IndexRow:
    return IndexRow(
        instance_id=row[0],
        state=State.LIVE,
        study_instance_uid="",
        series_instance_uid="",
        sop_instance_uid=row[1],
        blob_id=row[2],
        size_bytes=row[3],
        data_set_offset=row[4],
        head_digest=bytes(row[5]),
        data_set_digest=bytes(row[6]),
        changed=row[7],
    )
