"""The index of an archive on SQLite or PostgreSQL: one object a process, safe for many threads.

Writes go through one thread; reads use a connection for as long as they run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Select, bindparam, delete, select

from hilum.dicom.reading.instance import Frames
from hilum.dicom.searching.query import Query
from hilum.store.database import tables
from hilum.store.database.database import Database, IndexUnusable, Session
from hilum.store.database.schema import check_schema
from hilum.store.index import trash
from hilum.store.index.commitments import Commitments
from hilum.store.index.writer import Writer
from hilum.store.npi.instances import NonPatients
from hilum.store.rows import reading
from hilum.store.rows.events import EventWaiter, events_after
from hilum.store.rows.keys import inserting
from hilum.store.rows.records import (
    DuplicatePolicy,
    Event,
    IndexRow,
    NewInstance,
    Recorded,
    RecordedContradiction,
    Restored,
    SearchPage,
    SeriesVersion,
    StoredInstance,
    StoredMetadata,
    Totals,
)
from hilum.store.search.search import Searches
from hilum.store.worklist.worklist import Worklist

__all__ = ["Index", "IndexUnusable"]

_DELETE_RECORD: Final = delete(tables.series_record).where(tables.series_record.c.series_row == bindparam("series_row"))
_INSERT_RECORD: Final = inserting(tables.series_record).inline()
_HAS_VERSION: Final[Select[Any]] = (
    select(tables.series.c.id)
    .select_from(tables.series)
    .where(tables.series.c.id == bindparam("series_row"), tables.series.c.version == bindparam("version"))
    .with_for_update()
)


class Index:
    """What is stored, where its bytes lie, and how to find it."""

    def __init__(self, database: Database, writer: Writer, searches: Searches, duplicates: DuplicatePolicy) -> None:
        """Bind the parts together; `open` is the way to one."""
        self._database: Final = database
        self._writer: Final = writer
        self._searches: Final = searches
        self._waiter: Final = EventWaiter(database)
        self.commitments: Final = Commitments(database, writer)
        self.worklist: Final = Worklist(database, writer.change)
        self.non_patients: Final = NonPatients(database, writer.change, duplicates)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        lock_path: Path | None,
        duplicates: DuplicatePolicy,
        instance_keys: Sequence[str],
        scan_limit: int,
    ) -> Self:
        """Open an index that `migrating.migrate` has made.

        Args:
            url: `sqlite:////absolute/path` or `postgresql://...`.
            lock_path: lock file that all writers of a SQLite index share; not used on PostgreSQL.
            duplicates: what happens to a different object under a live SOP Instance UID.
            instance_keys: eight-digit tags of instance-level attributes to be searched across studies.
            scan_limit: most instances that a search on other attributes may look through outside one study.

        Raises:
            IndexUnusable: the database is unreachable, or its schema is newer or older than this program.
        """
        database = Database(url)
        try:
            check_schema(database)
        except IndexUnusable:
            database.drop_idle()
            raise
        keys = frozenset(instance_keys)
        writer = Writer(database, lock_path, duplicates, keys)
        return cls(database, writer, Searches(database, keys, scan_limit), duplicates)

    def __enter__(self) -> Self:
        """Close the index at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the index."""
        self.close()

    def close(self) -> None:
        """Commit what is queued and give up all connections."""
        self._writer.close()
        self._waiter.close()
        self.worklist.close()
        self._database.drop_idle()

    def record(self, instance: NewInstance) -> Future[Recorded]:
        """Queue an instance; the answer comes after the durable commit.

        The future raises OutOfResources where the disk of the index is full.
        """
        return self._writer.offer(instance)

    def find_instance(self, study: str, series: str, instance: str) -> StoredInstance:
        """Return the live instance of these UIDs.

        Raises:
            TargetNotFound: there was never one under exactly this path.
            TargetGone: it was deleted.
        """
        return reading.find_instance(self._database, study, series, instance)

    def list_instances(self, study: str, series: str | None = None) -> list[StoredInstance]:
        """Return the live instances of a study or series, ordered by Series Number, UID, Instance Number, UID.

        Raises:
            TargetNotFound: there was never an instance of it.
            TargetGone: all that there were are deleted.
        """
        return reading.list_instances(self._database, study, series)

    def metadata(self, instance_id: int) -> StoredMetadata:
        """Return the metadata of an instance. Raises TargetGone if its row has gone meanwhile."""
        return reading.metadata_of(self._database, instance_id)

    def metadata_of_series(self, series_id: int) -> Iterator[tuple[StoredInstance, StoredMetadata]]:
        """Yield the live instances of a series in order, each with its metadata, read in batches."""
        return reading.metadata_of_series(self._database, series_id)

    def bulk(self, instance_id: int) -> tuple[bytes, str]:
        """Return the JSON text of an instance's bulk values, and its Specific Character Set."""
        return reading.bulk_of(self._database, instance_id)

    def frames(self, instance_id: int) -> Frames | None:
        """Return where the instance's frames lie, None if they cannot be told apart."""
        return reading.frames_of(self._database, instance_id)

    def attributes(self, instance_id: int) -> bytes:
        """Return the JSON text of the instance's own short attributes."""
        return reading.attributes_of(self._database, instance_id)

    def series_versions(self, study: str, series: str | None = None) -> list[SeriesVersion]:
        """Return the states of a study's series that have live instances, in order, or that of one series.

        Raises:
            TargetNotFound: there was never an instance of it.
            TargetGone: all that there were are deleted.
        """
        return reading.series_versions(self._database, study, series)

    def live_blob_id(self, instance: str) -> str | None:
        """Return the blob that is live under a SOP Instance UID, None if there is none."""
        return reading.live_blob_id(self._database, instance)

    def series_record(self, series_id: int, version: int) -> bytes | None:
        """Return the record that was put for exactly this version of the series, None if there is none."""
        return reading.series_record(self._database, series_id, version)

    def put_series_record(self, series_id: int, version: int, body: bytes) -> None:
        """Keep a record derived from this version of the series; a series that has changed keeps none."""

        def work(session: Session) -> None:
            values = {"series_row": series_id, "version": version}
            if session.row(_HAS_VERSION, values):
                session.run(_DELETE_RECORD, {"series_row": series_id})
                session.run(_INSERT_RECORD, {**values, "body": body})

        self._writer.change(work)

    def search(self, query: Query) -> SearchPage:
        """Return the page of matches that `query` asks for.

        Raises:
            PayloadTooLarge: the keys are outside the index and too many instances would have to be looked through.
        """
        return self._searches.search(query)

    def trash(self, study: str, series: str | None = None, sop: str | None = None) -> list[str]:
        """Move live instances to the trash and return their blob ids.

        Raises:
            TargetNotFound: there never was such a target.
            TargetGone: it has no live instance any more.
            InstanceCommitted: an instance of it is committed to be kept.
        """
        target = trash.Target(study, series, sop)
        return self._writer.change(lambda session: trash.move_to_trash(session, target))

    def record_trashed(self, instance: NewInstance) -> None:
        """Give an instance that was in the trash its row back there; what is live under its UID stays so."""
        self._writer.record_trashed(instance)

    def restore(
        self,
        study: str,
        series: str | None = None,
        sop: str | None = None,
        *,
        blob_ids: Collection[str] | None = None,
    ) -> Restored:
        """Move instances back from the trash, but those under whose UID another one is live.

        Args:
            study: Study Instance UID of the target.
            series: Series Instance UID; None: the whole study.
            sop: SOP Instance UID; None: the whole series.
            blob_ids: no others come back; None: whatever is there.

        Raises:
            TargetNotFound: nothing of the target is in the trash.
        """
        target = trash.Target(study, series, sop)
        return self._writer.change(lambda session: trash.restore(session, target, blob_ids))

    def empty_trash(self, before: float, blob_ids: Collection[str] | None = None) -> list[str]:
        """Make instances that were trashed before that time (seconds since the epoch) gone; return their blob ids.

        At most 1,000 a call, so that stores need not wait long: call again until nothing comes back. An instance
        with a storage commitment stays.

        Args:
            before: younger ones stay.
            blob_ids: what `trashed_before` returned, and no more; None: whatever there is now.
        """
        return self._writer.change(lambda session: trash.empty(session, before, blob_ids))

    def trashed_before(self, before: float) -> Sequence[str]:
        """Return the blob ids of what `empty_trash` would make gone in one call."""
        return self._database.read(lambda session: trash.candidates(session, before))

    def trashed(self, study: str, series: str | None = None, sop: str | None = None) -> list[StoredInstance]:
        """Return the instances of the target that are in the trash."""
        return trash.trashed(self._database, trash.Target(study, series, sop))

    def rows(self) -> Iterator[IndexRow]:
        """Yield every instance row of any state, read in batches; those of non-patient instances come last."""
        yield from trash.all_rows(self._database)
        yield from self.non_patients.rows()

    def rows_of_blob(self, blob_id: str) -> Sequence[IndexRow]:
        """Return the rows that name a blob: one, or none if the index does not know it."""
        return trash.rows_of_blob(self._database, blob_id) or self.non_patients.rows_of_blob(blob_id)

    def contradictions(self) -> Iterator[RecordedContradiction]:
        """Yield the values of studies and series on which their instances disagree."""
        return trash.all_contradictions(self._database)

    def ping(self) -> None:
        """Ask the database for nothing. Raises OutOfResources if it cannot be reached."""
        self._database.read(lambda session: session.control("SELECT 1"))

    def totals(self) -> Totals:
        """Return counts and bytes of what is live."""
        return trash.totals(self._database)

    def events_after(self, cursor: tuple[int, int], limit: int) -> list[Event]:
        """Return at most `limit` events behind `cursor` in commit order; (0, 0) is the beginning."""
        kind = self._database.kind
        return self._database.read(lambda session: events_after(session, kind, cursor, limit))

    def wait_for_events(self, cursor: tuple[int, int], timeout_s: float) -> bool:
        """Return True as soon as there are events behind `cursor`, False after `timeout_s` without any."""
        return self._waiter.wait(cursor, timeout_s)
