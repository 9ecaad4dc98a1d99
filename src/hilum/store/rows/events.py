"""The event log: one table, written in the transaction of the change, read in commit order.

On SQLite one transaction writes at a time, so ids ascend in commit order. On PostgreSQL a transaction that drew
its ids early may commit late: rows carry the transaction's id, and readers take only transactions below the
oldest one that is still running, in order of (transaction, id). Such a reader never passes a row by.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import psycopg
from sqlalchemy import BigInteger, Select, Text, bindparam, cast, func, insert, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from hilum.store.database import tables
from hilum.store.database.database import Database, Driver, Kind, Session, Value, is_dropped
from hilum.store.rows.records import Event

CHANNEL: Final = "hilum_event"
_POLL_S: Final = 0.05


class _CurrentTransaction(FunctionElement[str]):
    """The id of the running transaction; SQLite has none and needs none."""

    inherit_cache = True


@compiles(_CurrentTransaction, "sqlite")
def _on_sqlite(_element: _CurrentTransaction, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's signature
    return "0"


@compiles(_CurrentTransaction, "postgresql")
def _on_postgresql(_element: _CurrentTransaction, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's signature
    return "pg_current_xact_id()"


_event: Final = tables.event.c

INSERT_EVENT: Final = (
    insert(tables.event)
    .values(
        xact=_CurrentTransaction(),
        **{
            name: bindparam(name)
            for name in (
                "kind",
                "time",
                "study_instance_uid",
                "series_instance_uid",
                "sop_instance_uid",
                "detail",
            )
        },
    )
    .inline()
)


def event_values(kind: str, uids: tuple[str, str, str], detail: str = "{}") -> dict[str, Value]:
    """Return the parameters of `INSERT_EVENT`; `uids` are those of study, series and instance, '' for none."""
    return {
        "kind": kind,
        "time": time.time(),
        "study_instance_uid": uids[0],
        "series_instance_uid": uids[1],
        "sop_instance_uid": uids[2],
        "detail": detail,
    }


_COLUMNS: Final = (
    _event.id,
    _event.kind,
    _event.time,
    _event.study_instance_uid,
    _event.series_instance_uid,
    _event.sop_instance_uid,
    _event.detail,
)
_SQLITE_AFTER: Final = (
    select(literal_column("0"), *_COLUMNS)
    .where(_event.id > bindparam("id"))
    .order_by(_event.id)
    .limit(bindparam("limit"))
)
_SQLITE_LAST: Final = select(func.coalesce(func.max(_event.id), 0), literal_column("''"))


def _after_on_postgresql() -> Select[Any]:
    xact = cast(cast(_event.xact, Text), BigInteger)
    start = cast(cast(bindparam("xact", type_=BigInteger), Text), tables.TransactionId())
    is_after = (_event.xact > start) | ((_event.xact == start) & (_event.id > bindparam("id")))
    is_settled = _event.xact < func.pg_snapshot_xmin(func.pg_current_snapshot())
    return (
        select(xact, *_COLUMNS)
        # The first condition repeats what the others say, in the form that the index serves.
        .where(_event.xact >= start, is_after, is_settled)
        .order_by(_event.xact, _event.id)
        .limit(bindparam("limit"))
    )


_POSTGRESQL_AFTER: Final = _after_on_postgresql()
_POSTGRESQL_LAST: Final = select(
    func.coalesce(func.max(_event.id), 0), cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text)
)


def events_after(session: Session, kind: Kind, cursor: tuple[int, int], limit: int) -> list[Event]:
    """Return at most `limit` events behind `cursor`, in commit order; (0, 0) is the beginning."""
    if kind is Kind.SQLITE:
        rows = session.rows(_SQLITE_AFTER, {"id": cursor[1], "limit": limit})
    else:
        rows = session.rows(_POSTGRESQL_AFTER, {"xact": cursor[0], "id": cursor[1], "limit": limit})
    return [Event((row[0], row[1]), *row[2:]) for row in rows]


def last_event(session: Session, kind: Kind) -> tuple[int, str]:
    """Return a value that changes whenever an event is committed.

    The greatest id alone would not do on PostgreSQL: a lower one may be committed later, but then the oldest
    running transaction is another one too.
    """
    row = session.only(_SQLITE_LAST if kind is Kind.SQLITE else _POSTGRESQL_LAST, {})
    return row[0], row[1]


class EventWaiter:
    """Waits for changes that any process commits. Safe for many threads; each waits in its turn."""

    def __init__(self, database: Database) -> None:
        """Wait on `database`; the connection is made on the first wait."""
        self._database: Final = database
        self._lock: Final = threading.Lock()
        self._driver: Driver | None = None
        self._closed: Final = threading.Event()

    def wait(self, cursor: tuple[int, int], timeout_s: float) -> bool:
        """Return True as soon as there are events behind `cursor`, False after `timeout_s` without any."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while not self._closed.is_set():
                try:
                    seen = self._version(self._connection())
                    if events_after(Session(self._database, self._connection()), self._database.kind, cursor, 1):
                        return True
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        return False
                    self._sleep(self._connection(), seen, remaining)
                except psycopg.OperationalError:
                    if self._driver is None or not is_dropped(self._driver):
                        raise
                    self._driver.close()
                    self._driver = None
            return False

    def close(self) -> None:
        """End every wait and give the connection up."""
        self._closed.set()
        with self._lock:
            if self._driver is not None:
                self._driver.close()
                self._driver = None

    def _connection(self) -> Driver:
        if self._driver is None:
            self._driver = self._database.connect()
            if self._database.kind is Kind.POSTGRESQL:
                self._driver.execute(f"LISTEN {CHANNEL}")
        return self._driver

    def _version(self, driver: Driver) -> int:
        """Return SQLite's counter of commits by other connections; notifications need none."""
        if self._database.kind is Kind.POSTGRESQL:
            return 0
        row = driver.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def _sleep(self, driver: Driver, seen: int, timeout_s: float) -> None:
        """Return when something may have been committed, at the latest after `timeout_s`."""
        if isinstance(driver, psycopg.Connection):
            # A settled transaction may wait for an older one of another program, which notifies nobody.
            for _ in driver.notifies(timeout=min(timeout_s, 1.0), stop_after=1):
                # To the end: what has come already is one reason to look, not many.
                continue
            return
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._version(driver) == seen:
            if self._closed.wait(min(_POLL_S, max(0.0, deadline - time.monotonic()))):
                return
