"""Taking one instance into the rows: what is live under its SOP Instance UID decides what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, literal_column, select

from hilum.dicom.searching.query import Level
from hilum.store.database import tables
from hilum.store.database.database import UNIQUE_VIOLATIONS, Session, Value, savepoint
from hilum.store.database.text import storable
from hilum.store.rows.bodies import instance_columns, packed_frames, packed_wire_form
from hilum.store.rows.events import INSERT_EVENT, event_values
from hilum.store.rows.keys import DELETE_KEYS, INSERT_KEYS, inserting, key_values
from hilum.store.rows.level_rows import LevelRows, SeriesRow
from hilum.store.rows.merging import Members, key_rows
from hilum.store.rows.records import DuplicatePolicy, NewInstance, Outcome, Recorded

_ATTEMPTS: Final = 3

# Partial indexes serve only queries that repeat their condition word for word.
IS_LIVE: Final[ColumnElement[bool]] = literal_column("instance.state = 0")

_instance = tables.instance.c
_FIND_LIVE: Final = (
    select(
        _instance.id,
        _instance.transfer_syntax_uid,
        _instance.data_set_digest,
        _instance.blob_id,
        _instance.size_bytes,
        _instance.committed_until,
        tables.series.c.series_instance_uid,
        tables.study.c.study_instance_uid,
    )
    .select_from(tables.instance.join(tables.series).join(tables.study))
    .where(_instance.sop_instance_uid == bindparam("uid"), IS_LIVE)
)
_INSERT_INSTANCE: Final = inserting(tables.instance).returning(_instance.id)
_INSERT_BODY: Final = inserting(tables.instance_body).inline()
DELETE_BODY: Final = delete(tables.instance_body).where(tables.instance_body.c.instance_row == bindparam("owner"))
_DELETE_INSTANCE: Final = delete(tables.instance).where(_instance.id == bindparam("owner"), IS_LIVE)


@dataclass(frozen=True, slots=True)
class _Live:
    """The live row under a SOP Instance UID."""

    row: int
    transfer_syntax_uid: str
    data_set_digest: bytes
    blob_id: str
    size_bytes: int
    committed_until: float
    series_instance_uid: str
    study_instance_uid: str


class Recorder:
    """Takes instances into the index within one transaction."""

    def __init__(self, session: Session, policy: DuplicatePolicy, instance_keys: frozenset[str]) -> None:
        """Work in the running transaction of `session`.

        Args:
            session: whose transaction runs.
            policy: what happens to a different object under a live SOP Instance UID.
            instance_keys: tags of instance-level attributes that get key rows.
        """
        self._session: Final = session
        self._policy: Final = policy
        self._instance_keys: Final = instance_keys
        self._levels: Final = LevelRows(session)

    def take_in(self, offered: NewInstance) -> Recorded:
        """Record one instance, or decide that another one stays.

        Another process may store the same UID meanwhile; then the rows are read again and decide.
        """
        for attempt in range(_ATTEMPTS):
            checkpoint = self._levels.checkpoint()
            try:
                with savepoint(self._session):
                    return self._decide(offered)
            except UNIQUE_VIOLATIONS:
                self._levels.go_back(checkpoint)
                if attempt + 1 == _ATTEMPTS:
                    raise
            except BaseException:
                self._levels.go_back(checkpoint)
                raise
        raise AssertionError

    def take_in_trashed(self, offered: NewInstance) -> None:
        """Record one instance as trashed, whatever is live under its SOP Instance UID."""
        self._insert_row(offered, tables.TRASHED)
        self._log(offered, "trashed", {"blob_id": offered.blob_id})

    def finish(self) -> None:
        """Write what belongs to series and studies; the commit comes next."""
        self._levels.write()

    def _decide(self, offered: NewInstance) -> Recorded:
        found = self._session.row(_FIND_LIVE, {"uid": offered.sop_instance_uid})
        if found is None:
            self._insert(offered, "stored", 0)
            return Recorded(Outcome.STORED, offered.blob_id)
        live = _Live(*found)
        outcome = self._outcome(offered, live)
        return self._replace(offered, live) if outcome is Outcome.REPLACED else Recorded(outcome, live.blob_id)

    def _outcome(self, offered: NewInstance, live: _Live) -> Outcome:
        place = (live.study_instance_uid, live.series_instance_uid)
        if live.blob_id == offered.blob_id:
            # A commit whose answer was lost on the way: this is the very same offer.
            return Outcome.STORED
        if place != (offered.study_instance_uid, offered.series_instance_uid):
            return Outcome.ELSEWHERE
        is_same_syntax = live.transfer_syntax_uid == storable(offered.transfer_syntax_uid)
        if is_same_syntax and live.data_set_digest == offered.data_set_digest:
            return Outcome.IDENTICAL
        if self._policy is DuplicatePolicy.KEEP:
            return Outcome.KEPT_FIRST
        # Chapter 13: what this origin server has committed to keep is never replaced.
        is_replaced = self._policy is DuplicatePolicy.REPLACE and live.committed_until < time.time()
        return Outcome.REPLACED if is_replaced else Outcome.DIFFERENT

    def _replace(self, offered: NewInstance, live: _Live) -> Recorded:
        # The lock on the study comes first: whoever else changes this row holds it.
        self._levels.lock_study(live.study_instance_uid)
        self._session.run(DELETE_BODY, {"owner": live.row})
        self._session.run(DELETE_KEYS[Level.INSTANCE], {"owner": live.row})
        if self._session.run(_DELETE_INSTANCE, {"owner": live.row}).rowcount == 0:
            # Another process has removed it since it was read.
            return self._decide(offered)
        self._insert(offered, "replaced", -1, -live.size_bytes, live.blob_id)
        return Recorded(Outcome.REPLACED, offered.blob_id, live.blob_id)

    def _insert(
        self, offered: NewInstance, kind: str, replaced: int, replaced_bytes: int = 0, lost_blob_id: str = ""
    ) -> None:
        self._levels.forget_unseen(offered, replaced)
        series = self._insert_row(offered, tables.LIVE)
        self._log(
            offered, kind, {"blob_id": offered.blob_id} | ({"lost_blob_id": lost_blob_id} if lost_blob_id else {})
        )
        self._levels.count(series, 1 + replaced, offered.size_bytes + replaced_bytes)

    def _insert_row(self, offered: NewInstance, state: int) -> SeriesRow:
        series = self._levels.take_in(offered)
        row = self._session.only(_INSERT_INSTANCE, _instance_values(offered, series.row, state))[0]
        self._session.run(_INSERT_BODY, _body_values(offered, row))
        if self._instance_keys:
            self._insert_keys(offered, row)
        return series

    def _log(self, offered: NewInstance, kind: str, detail: Mapping[str, str]) -> None:
        uids = (offered.study_instance_uid, offered.series_instance_uid, offered.sop_instance_uid)
        self._session.run(INSERT_EVENT, event_values(kind, uids, orjson.dumps(detail).decode()))

    def _insert_keys(self, offered: NewInstance, row: int) -> None:
        members: Members = orjson.loads(offered.instance_attributes)
        chosen = {tag: element for tag, element in members.items() if tag in self._instance_keys}
        self._session.run_many(INSERT_KEYS[Level.INSTANCE], [key_values(row, key) for key in key_rows(chosen)])


def _instance_values(offered: NewInstance, series_row: int, state: int) -> dict[str, Value]:
    return {
        "series_row": series_row,
        "state": state,
        "sop_instance_uid": offered.sop_instance_uid,
        "sop_class_uid": storable(offered.sop_class_uid),
        "transfer_syntax_uid": storable(offered.transfer_syntax_uid),
        "blob_id": offered.blob_id,
        "size_bytes": offered.size_bytes,
        "data_set_offset": offered.data_set_offset,
        "head_digest": offered.head_digest,
        "data_set_digest": offered.data_set_digest,
        "wire_form": packed_wire_form(offered.wire_form),
        "committed_until": 0.0,
        "changed": time.time(),
        **instance_columns(offered.instance_attributes),
    }


def _body_values(offered: NewInstance, row: int) -> dict[str, Value]:
    return {
        "instance_row": row,
        "attributes": offered.instance_attributes.decode(),
        "metadata": offered.metadata,
        "metadata_size": offered.metadata_size,
        "uri_offsets": offered.uri_offsets,
        "bulk": offered.bulk.decode(),
        "frames": packed_frames(offered.frames),
        "character_set": storable(offered.character_set),
    }
