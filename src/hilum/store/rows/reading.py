"""Reading instances, their metadata and the records of series.

Long lists are read in batches, and no connection is held between them: a slow user agent holds no snapshot open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, bindparam, literal_column, select

from hilum.dicom.reading.instance import Frames
from hilum.dicom.uids import is_uid
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import Database, Row, Session
from hilum.store.rows.bodies import unpacked_frames, unpacked_wire_form
from hilum.store.rows.recording import IS_LIVE
from hilum.store.rows.records import SeriesVersion, StoredInstance, StoredMetadata

_BATCH: Final = 64

_study, _series, _instance, _body = (
    tables.study.c,
    tables.series.c,
    tables.instance.c,
    tables.instance_body.c,
)
_WITH_LEVELS: Final = tables.instance.join(tables.series).join(tables.study)
STORED: Final = select(
    _instance.id,
    _series.id,
    _study.study_instance_uid,
    _series.series_instance_uid,
    _instance.sop_instance_uid,
    _instance.sop_class_uid,
    _instance.transfer_syntax_uid,
    _instance.blob_id,
    _instance.size_bytes,
    _instance.data_set_offset,
    _instance.wire_form,
).select_from(_WITH_LEVELS)
"""What `stored_instance` takes, of instances in any state."""
_ORDER: Final = (
    _series.series_number,
    _series.series_instance_uid,
    _instance.instance_number,
    _instance.sop_instance_uid,
)
_OF_STUDY: Final = _study.study_instance_uid == bindparam("study")
_OF_SERIES: Final = _series.series_instance_uid == bindparam("series")
_OF_INSTANCE: Final = _instance.sop_instance_uid == bindparam("instance")
_FIND: Final = STORED.where(_OF_INSTANCE, IS_LIVE)
_LIVE_BLOB: Final = select(_instance.blob_id).where(_OF_INSTANCE, IS_LIVE)
_LIST_STUDY: Final = STORED.where(_OF_STUDY, IS_LIVE).order_by(*_ORDER)
_LIST_SERIES: Final = STORED.where(_OF_STUDY, _OF_SERIES, IS_LIVE).order_by(*_ORDER[2:])
_LIST_SERIES_ROW: Final = STORED.where(_series.id == bindparam("row"), IS_LIVE).order_by(*_ORDER[2:])
_ANY: Final = select(_instance.id).select_from(_WITH_LEVELS).limit(literal_column("1"))
_ANY_OF_STUDY: Final = _ANY.where(_OF_STUDY)
_ANY_OF_SERIES: Final = _ANY.where(_OF_STUDY, _OF_SERIES)
_ANY_OF_INSTANCE: Final = _ANY.where(_OF_STUDY, _OF_SERIES, _OF_INSTANCE, literal_column("instance.state > 0"))
_VERSIONS: Final = select(_series.id, _series.version, _series.instance_count).select_from(
    tables.series.join(tables.study)
)
_VERSION: Final = _VERSIONS.where(_OF_STUDY, _OF_SERIES)
_VERSIONS_OF_STUDY: Final = _VERSIONS.where(_OF_STUDY).order_by(*_ORDER[:2])
_RECORD: Final = select(tables.series_record.c.body).where(
    tables.series_record.c.series_row == bindparam("row"),
    tables.series_record.c.version == bindparam("version"),
)
_METADATA_COLUMNS: Final = (_body.metadata, _body.metadata_size, _body.uri_offsets)
_BATCH_NAMES: Final = tuple(f"row{number}" for number in range(_BATCH))


def _body_of(*columns: Any) -> Select[Any]:  # noqa: ANN401 - columns of any type
    return select(*columns).where(_body.instance_row == bindparam("row"))


_METADATA: Final = _body_of(*_METADATA_COLUMNS)
_BULK: Final = _body_of(_body.bulk, _body.character_set)
_FRAMES: Final = _body_of(_body.frames)
_ATTRIBUTES: Final = _body_of(_body.attributes)
_BATCH_OF_METADATA: Final = select(_body.instance_row, *_METADATA_COLUMNS, _body.attributes).where(
    _body.instance_row.in_([bindparam(name) for name in _BATCH_NAMES])
)


def stored_instance(row: Row) -> StoredInstance:
    """Return the record of a row of `STORED`."""
    wire_form = unpacked_wire_form(row[10])
    return StoredInstance(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], wire_form)


def find_instance(database: Database, study: str, series: str, instance: str) -> StoredInstance:
    """Return a live instance.

    Raises:
        TargetNotFound: there was never one under exactly these UIDs.
        TargetGone: it was deleted.
    """
    _check_uids("instance", study, series, instance)

    def work(session: Session) -> StoredInstance:
        row = session.row(_FIND, {"instance": instance})
        if row is not None and row[2] == study and row[3] == series:
            return stored_instance(row)
        place = {"study": study, "series": series, "instance": instance}
        if session.row(_ANY_OF_INSTANCE, place):
            raise TargetGone("The instance was deleted.")
        raise TargetNotFound("There is no such instance on this origin server.")

    return database.read(work)


def list_instances(database: Database, study: str, series: str | None) -> list[StoredInstance]:
    """Return the live instances of a study or series: by number, then UID, of the series, then of the instance.

    Raises:
        TargetNotFound: there was never an instance of it.
        TargetGone: all that there were are deleted.
    """
    target = _target_of(study, series)

    def work(session: Session) -> list[StoredInstance]:
        rows = session.rows(target.instances, target.place)
        if not rows:
            if session.row(target.existence, target.place):
                raise TargetGone(f"The {target.level} was deleted.")
            raise TargetNotFound(f"There is no such {target.level} on this origin server.")
        return [stored_instance(row) for row in rows]

    return database.read(work)


@dataclass(frozen=True, slots=True)
class _Target:
    """A study or a series, and the statements that read it."""

    level: str
    place: Mapping[str, str]
    instances: Select[Any]
    existence: Select[Any]
    versions: Select[Any]


def _target_of(study: str, series: str | None) -> _Target:
    if series is None:
        _check_uids("study", study)
        return _Target("study", {"study": study}, _LIST_STUDY, _ANY_OF_STUDY, _VERSIONS_OF_STUDY)
    _check_uids("series", study, series)
    return _Target("series", {"study": study, "series": series}, _LIST_SERIES, _ANY_OF_SERIES, _VERSION)


def _check_uids(level: str, *uids: str) -> None:
    # No database is asked for text that it might not take, or might take for another one.
    if not all(map(is_uid, uids)):
        raise TargetNotFound(f"There is no such {level} on this origin server.")


def series_versions(database: Database, study: str, series: str | None) -> list[SeriesVersion]:
    """Return the states of the series of a study that have live instances, in order, or that of one series.

    Raises:
        TargetNotFound: there was never an instance of it.
        TargetGone: all that there were are deleted.
    """
    target = _target_of(study, series)

    def work(session: Session) -> list[SeriesVersion]:
        rows = session.rows(target.versions, target.place)
        if not rows:
            raise TargetNotFound(f"There is no such {target.level} on this origin server.")
        found = [SeriesVersion(*row) for row in rows if row[2]]
        if not found:
            raise TargetGone(f"The {target.level} was deleted.")
        return found

    return database.read(work)


def live_blob_id(database: Database, instance: str) -> str | None:
    """Return the blob that is live under a SOP Instance UID."""
    row = database.read(lambda session: session.row(_LIVE_BLOB, {"instance": instance}))
    return None if row is None else str(row[0])


def series_record(database: Database, series_id: int, version: int) -> bytes | None:
    """Return the record of exactly this version of the series, None if there is none."""
    row = database.read(lambda session: session.row(_RECORD, {"row": series_id, "version": version}))
    return None if row is None else bytes(row[0])


def metadata_of(database: Database, instance_id: int) -> StoredMetadata:
    """Return the metadata of one instance.

    Raises:
        TargetGone: its row has gone since it was found.
    """
    return StoredMetadata(*_body_row(database, _METADATA, instance_id))


def bulk_of(database: Database, instance_id: int) -> tuple[bytes, str]:
    """Return the JSON text of the instance's bulk values, and its Specific Character Set."""
    bulk, character_set = _body_row(database, _BULK, instance_id)
    return bulk.encode(), character_set


def frames_of(database: Database, instance_id: int) -> Frames | None:
    """Return where the instance's frames lie."""
    return unpacked_frames(_body_row(database, _FRAMES, instance_id)[0])


def attributes_of(database: Database, instance_id: int) -> bytes:
    """Return the JSON text of the instance's own short attributes."""
    attributes: str = _body_row(database, _ATTRIBUTES, instance_id)[0]
    return attributes.encode()


def _body_row(database: Database, statement: Select[Any], instance_id: int) -> Row:
    row = database.read(lambda session: session.row(statement, {"row": instance_id}))
    if row is None:
        raise TargetGone("The instance was deleted.")
    return row


def metadata_of_series(database: Database, series_id: int) -> Iterator[tuple[StoredInstance, StoredMetadata]]:
    """Yield the live instances of a series in order, each with its metadata."""
    rows = database.read(lambda session: session.rows(_LIST_SERIES_ROW, {"row": series_id}))
    for start in range(0, len(rows), _BATCH):
        batch = [stored_instance(row) for row in rows[start : start + _BATCH]]
        bodies = bodies_of(database, [instance.instance_id for instance in batch])
        for instance in batch:
            # A row that was deleted since the list was read is left out.
            if found := bodies.get(instance.instance_id):
                yield instance, StoredMetadata(*found[:3])


def bodies_of(database: Database, instance_ids: Sequence[int]) -> dict[int, Row]:
    """Return metadata, its size, its URI offsets and the attributes of at most 64 instances, by instance id."""
    if not instance_ids:
        return {}
    padded = [*instance_ids, *[instance_ids[-1]] * (_BATCH - len(instance_ids))]
    values = dict(zip(_BATCH_NAMES, padded, strict=True))
    return {row[0]: row[1:] for row in database.read(lambda session: session.rows(_BATCH_OF_METADATA, values))}
