"""The rows of studies and series in one transaction: found or made, merged, counted, written once at its end.

The rows of a study are changed only by the transaction that holds the lock on it (on SQLite, on the index), so
what was read of them stays true until the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from sqlalchemy import BindParameter, Table, Update, bindparam, delete, literal_column, select, update

from hilum.dicom.searching.query import Level
from hilum.store.database import tables
from hilum.store.database.database import Session, Value
from hilum.store.database.text import storable
from hilum.store.rows.answers import series_pieces, study_pieces
from hilum.store.rows.columns import MODALITIES_IN_STUDY, rows_beside_columns, series_columns, study_columns
from hilum.store.rows.events import INSERT_EVENT, event_values
from hilum.store.rows.keys import (
    NO_POSTINGS,
    PostingChange,
    StudyPostings,
    inserting,
    replace_keys,
    replace_postings,
    standing_keys,
    standing_postings,
)
from hilum.store.rows.merging import KeyRow, Members, key_rows, merge
from hilum.store.rows.records import NewInstance

_NOT_MERGED: Final = b""


def _updating(table: Table, columns: Sequence[str]) -> Update:
    values: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in columns}
    return update(table).where(table.c.id == bindparam("row")).values(values)


_COUNTS: Final = ("instance_count", "size_bytes", "visible", "merged_digest")
_TEXTS: Final = ("attributes", "answer_head", "answer_tail")

_study, _series = tables.study.c, tables.series.c
_LOCK_STUDY: Final = (
    select(_study.id, _study.merged_digest, _study.instance_count, _study.size_bytes, _study.series_count)
    .where(_study.study_instance_uid == bindparam("uid"))
    .with_for_update()
)
_FIND_SERIES: Final = select(
    _series.id, _series.merged_digest, _series.instance_count, _series.size_bytes, _series.version
).where(_series.study_row == bindparam("study_row"), _series.series_instance_uid == bindparam("uid"))
_INSERT_STUDY: Final = inserting(tables.study).returning(_study.id)
_INSERT_SERIES: Final = inserting(tables.series).returning(_series.id)
_STUDY_COUNTS: Final = (*_COUNTS, "series_count")
_SERIES_COUNTS: Final = (*_COUNTS, "version")
_COUNT_STUDY: Final = _updating(tables.study, _STUDY_COUNTS)
_COUNT_SERIES: Final = _updating(tables.series, _SERIES_COUNTS)
_WRITE_STUDY: Final = _updating(
    tables.study,
    (*_STUDY_COUNTS, *_TEXTS, "order_key", "study_date", "study_time", "accession_number", "patient_id", "study_id"),
)
_WRITE_SERIES: Final = _updating(
    tables.series, (*_SERIES_COUNTS, *_TEXTS, "answer_end", "modality", "series_number", "start_date", "start_time")
)
_ATTRIBUTES: Final = {
    Level.STUDY: select(_study.attributes).where(_study.id == bindparam("row")),
    Level.SERIES: select(_series.attributes).where(_series.id == bindparam("row")),
}
_VISIBLE_MODALITIES: Final = select(_series.modality).where(
    _series.study_row == bindparam("row"), literal_column("visible = 1")
)
_FIND_CONTRADICTION: Final = select(tables.contradiction.c.id).where(
    tables.contradiction.c.study_row == bindparam("study_row"),
    tables.contradiction.c.series_row == bindparam("series_row"),
    tables.contradiction.c.tag == bindparam("tag"),
    tables.contradiction.c.digest == bindparam("digest"),
)
_INSERT_CONTRADICTION: Final = inserting(tables.contradiction).inline()
_DELETE_CONTRADICTIONS: Final = delete(tables.contradiction).where(
    tables.contradiction.c.study_row == bindparam("study_row"),
    tables.contradiction.c.series_row == bindparam("series_row"),
)


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study as this transaction knows it."""

    row: int
    uid: str
    merged_digest: bytes
    instance_count: int
    size_bytes: int
    series_count: int
    members: Members | None = None
    """Merged attributes; None while nobody needed them."""
    is_rewritten: bool = False
    """Attributes or modalities have changed."""
    is_new: bool = False
    """This transaction made the row: it has no keys yet."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as this transaction knows it."""

    row: int
    study_uid: str
    uid: str
    merged_digest: bytes
    instance_count: int
    size_bytes: int
    version: int
    stored_count: int
    """Instances before this transaction."""
    members: Members | None = None
    is_rewritten: bool = False
    is_new: bool = False


class LevelRows:
    """The studies and series that one transaction touches."""

    def __init__(self, session: Session) -> None:
        """Work in the running transaction of `session`."""
        self._session: Final = session
        self._studies: dict[str, StudyRow] = {}
        self._series: dict[tuple[str, str], SeriesRow] = {}

    def checkpoint(self) -> tuple[dict[str, StudyRow], dict[tuple[str, str], SeriesRow]]:
        """Return what `go_back` needs when a savepoint is undone."""
        return self._studies.copy(), self._series.copy()

    def go_back(self, checkpoint: tuple[dict[str, StudyRow], dict[tuple[str, str], SeriesRow]]) -> None:
        """Forget everything since `checkpoint`."""
        self._studies, self._series = checkpoint

    def lock_study(self, study_instance_uid: str) -> StudyRow | None:
        """Return the study, locked until the commit; None if there is no row of it."""
        known = self._studies.get(study_instance_uid)
        if known is None:
            found = self._session.row(_LOCK_STUDY, {"uid": study_instance_uid})
            if found is None:
                return None
            known = self._studies[study_instance_uid] = StudyRow(
                found[0], study_instance_uid, bytes(found[1]), *found[2:]
            )
        return known

    def find_series(self, study: StudyRow, series_instance_uid: str) -> SeriesRow | None:
        """Return a series of a locked study; None if there is no row of it."""
        known = self._series.get((study.uid, series_instance_uid))
        if known is None:
            found = self._session.row(_FIND_SERIES, {"study_row": study.row, "uid": series_instance_uid})
            if found is None:
                return None
            instances, size_bytes, version = found[2:]
            known = SeriesRow(
                found[0], study.uid, series_instance_uid, bytes(found[1]), instances, size_bytes, version, instances
            )
            self._series[study.uid, series_instance_uid] = known
        return known

    def take_in(self, offered: NewInstance) -> SeriesRow:
        """Return the series of an instance, both its levels made where new and merged with what it says."""
        study = self.lock_study(offered.study_instance_uid) or self._new_study(offered.study_instance_uid)
        self._merge_study(study, offered)
        uid = offered.series_instance_uid
        series = self.find_series(study, uid) or self._new_series(study, uid)
        self._merge_series(study, series, offered)
        return self._series[study.uid, uid]

    def count(self, series: SeriesRow, instances: int, size_bytes: int) -> None:
        """Add to the counts of a series and of its study; both may be negative."""
        place = (series.study_uid, series.uid)
        series, study = self._series[place], self._studies[series.study_uid]
        series = self._series[place] = replace(
            series,
            instance_count=series.instance_count + instances,
            size_bytes=series.size_bytes + size_bytes,
            version=series.version + 1,
        )
        self._studies[study.uid] = replace(
            study,
            instance_count=study.instance_count + instances,
            size_bytes=study.size_bytes + size_bytes,
            is_rewritten=study.is_rewritten or (series.stored_count > 0) is not (series.instance_count > 0),
        )

    def forget_unseen(self, offered: NewInstance, replaced: int) -> None:
        """Forget the attributes of the instance's study and series if nothing else of them is live.

        What was said of deleted objects, of another patient maybe, must not be told of this one.

        Args:
            offered: an instance that becomes live.
            replaced: -1 if it takes the place of a live one, else 0.
        """
        study = self.lock_study(offered.study_instance_uid)
        series = self.find_series(study, offered.series_instance_uid) if study else None
        if series and series.instance_count + replaced == 0:
            self.wipe_series(series)
        if study and study.instance_count + replaced == 0:
            self.wipe_study(study)

    def wipe_series(self, series: SeriesRow) -> None:
        """Forget the attributes of a series."""
        self._series[series.study_uid, series.uid] = replace(
            series, members={}, merged_digest=_NOT_MERGED, is_rewritten=True
        )
        study = self._studies[series.study_uid]
        self._session.run(_DELETE_CONTRADICTIONS, {"study_row": study.row, "series_row": series.row})

    def wipe_study(self, study: StudyRow) -> None:
        """Forget the attributes of a study."""
        self._studies[study.uid] = replace(
            self._studies[study.uid], members={}, merged_digest=_NOT_MERGED, is_rewritten=True
        )
        self._session.run(_DELETE_CONTRADICTIONS, {"study_row": study.row, "series_row": 0})

    def write(self) -> None:
        """Write the counts, attributes and answers of all that was touched."""
        for series in self._series.values():
            self._write_series(series)
        changes = [change for study in self._studies.values() if (change := self._write_study(study))]
        replace_postings(self._session, changes)

    def _new_study(self, uid: str) -> StudyRow:
        values: dict[str, Value] = {
            **dict.fromkeys(("attributes", "answer_head", "answer_tail"), ""),
            **dict.fromkeys(("series_count", "instance_count", "size_bytes", "visible"), 0),
            **study_columns(uid, {}),
            "study_instance_uid": uid,
            "merged_digest": _NOT_MERGED,
        }
        row = self._session.only(_INSERT_STUDY, values)[0]
        study = self._studies[uid] = StudyRow(row, uid, _NOT_MERGED, 0, 0, 0, {}, is_new=True)
        return study

    def _new_series(self, study: StudyRow, uid: str) -> SeriesRow:
        values: dict[str, Value] = {
            **dict.fromkeys(("attributes", "answer_head", "answer_tail", "answer_end"), ""),
            **dict.fromkeys(("instance_count", "size_bytes", "version", "visible"), 0),
            **series_columns({}),
            "study_row": study.row,
            "series_instance_uid": uid,
            "merged_digest": _NOT_MERGED,
        }
        row = self._session.only(_INSERT_SERIES, values)[0]
        series = self._series[study.uid, uid] = SeriesRow(row, study.uid, uid, _NOT_MERGED, 0, 0, 0, 0, {}, is_new=True)
        return series

    def _merge_study(self, study: StudyRow, offered: NewInstance) -> None:
        digest = _digest(offered.study_attributes)
        if digest == study.merged_digest:
            return
        known = self._members(Level.STUDY, study)
        merged = merge(known, orjson.loads(offered.study_attributes))
        self._studies[study.uid] = replace(
            study,
            members=merged.members,
            merged_digest=digest,
            is_rewritten=study.is_rewritten or merged.is_changed,
        )
        for one in merged.contradictions:
            self._note(study.row, 0, (one.tag, one.kept, one.offered), offered)

    def _merge_series(self, study: StudyRow, series: SeriesRow, offered: NewInstance) -> None:
        digest = _digest(offered.series_attributes)
        if digest == series.merged_digest:
            return
        known = self._members(Level.SERIES, series)
        merged = merge(known, orjson.loads(offered.series_attributes))
        self._series[study.uid, series.uid] = replace(
            series,
            members=merged.members,
            merged_digest=digest,
            is_rewritten=series.is_rewritten or merged.is_changed,
        )
        if merged.is_changed:
            # A modality may have come to light.
            self._studies[study.uid] = replace(self._studies[study.uid], is_rewritten=True)
        for one in merged.contradictions:
            self._note(study.row, series.row, (one.tag, one.kept, one.offered), offered)

    def _note(self, study_row: int, series_row: int, texts: tuple[str, bytes, bytes], offered: NewInstance) -> None:
        """Record a contradiction, once for each value."""
        tag, kept, other = texts
        place: dict[str, Value] = {
            "study_row": study_row,
            "series_row": series_row,
            "tag": tag,
            "digest": _digest(other),
        }
        if self._session.row(_FIND_CONTRADICTION, place):
            return
        self._session.run(
            _INSERT_CONTRADICTION,
            {
                **place,
                "kept": storable(kept.decode()),
                "offered": storable(other.decode()),
                "sop_instance_uid": offered.sop_instance_uid,
            },
        )
        uids = (offered.study_instance_uid, offered.series_instance_uid, offered.sop_instance_uid)
        # The values are data of the patient: they stand in the table alone, which forgets them with the object.
        self._session.run(INSERT_EVENT, event_values("contradiction", uids, orjson.dumps({"tag": tag}).decode()))

    def _members(self, level: Level, level_row: StudyRow | SeriesRow) -> Members:
        if level_row.members is not None:
            return level_row.members
        stored = self._session.only(_ATTRIBUTES[level], {"row": level_row.row})[0]
        members: dict[str, Any] = orjson.loads(stored) if stored else {}
        return members

    def _write_series(self, series: SeriesRow) -> None:
        counts: dict[str, Value] = {
            "instance_count": series.instance_count,
            "size_bytes": series.size_bytes,
            "visible": int(series.instance_count > 0),
            "merged_digest": series.merged_digest,
            "version": series.version,
        }
        if not series.is_rewritten:
            self._session.run(_COUNT_SERIES, _new_values(series.row, counts))
            return
        members = self._members(Level.SERIES, series)
        head, tail, end = series_pieces(members)
        texts = {"answer_head": head, "answer_tail": tail, "answer_end": end, "attributes": _json(members)}
        values = {**counts, **texts, **series_columns(members)}
        self._session.run(_WRITE_SERIES, _new_values(series.row, values))
        keys = frozenset(rows_beside_columns(Level.SERIES, members))
        replace_keys(self._session, Level.SERIES, series.row, self._standing_keys(Level.SERIES, series), keys)

    def _write_study(self, study: StudyRow) -> PostingChange | None:
        """Write a study's row and keys; return what becomes of its postings."""
        modalities: list[str] = []
        if study.is_rewritten:
            modalities = [row[0] for row in self._session.rows(_VISIBLE_MODALITIES, {"row": study.row})]
            study = self._studies[study.uid] = replace(study, series_count=len(modalities))
        counts: dict[str, Value] = {
            "instance_count": study.instance_count,
            "size_bytes": study.size_bytes,
            "visible": int(study.instance_count > 0),
            "merged_digest": study.merged_digest,
            "series_count": study.series_count,
        }
        if not study.is_rewritten:
            self._session.run(_COUNT_STUDY, _new_values(study.row, counts))
            return None
        members = self._members(Level.STUDY, study)
        head, tail = study_pieces(members, modalities)
        texts = {"answer_head": head, "answer_tail": tail, "attributes": _json(members)}
        values = {**counts, **texts, **study_columns(study.uid, members)}
        known = self._standing_keys(Level.STUDY, study)
        postings = NO_POSTINGS if study.is_new else standing_postings(self._session, study.row, known)
        self._session.run(_WRITE_STUDY, _new_values(study.row, values))
        keys = _study_keys(members, modalities)
        replace_keys(self._session, Level.STUDY, study.row, known, keys)
        wanted = StudyPostings(str(values["order_key"]), keys) if study.instance_count else NO_POSTINGS
        return PostingChange(study.row, postings, wanted)

    def _standing_keys(self, level: Level, owner: StudyRow | SeriesRow) -> frozenset[KeyRow]:
        return frozenset() if owner.is_new else standing_keys(self._session, level, owner.row)


def _study_keys(members: Members, modalities: Sequence[str]) -> frozenset[KeyRow]:
    """Return the key rows of a study: its own attributes beside the columns, and the modalities of its series."""
    derived = {MODALITIES_IN_STUDY: {"vr": "CS", "Value": sorted(set(modalities) - {""})}}
    others = {tag: element for tag, element in members.items() if tag != MODALITIES_IN_STUDY}
    return frozenset([*rows_beside_columns(Level.STUDY, others), *key_rows(derived)])


def _new_values(row: int, values: Mapping[str, Value]) -> dict[str, Value]:
    return {"row": row, **{f"new_{name}": value for name, value in values.items()}}


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def _json(members: Members) -> str:
    return orjson.dumps(members).decode() if members else ""
