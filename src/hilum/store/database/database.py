"""Connections and statements: SQLAlchemy writes the SQL of either database once, the driver runs it.

A statement of SQLAlchemy Core is compiled on its first use and kept as text; running it then costs what the
driver costs. All columns are integers, floats, text or bytes, so no value needs conversion on its way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import psycopg
from psycopg import errors as postgresql_errors
from psycopg.pq import Format
from psycopg.rows import RowFactory
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import ClauseElement

from hilum.errors import OutOfResources

T = TypeVar("T")
Value = int | float | str | bytes | None
Row = tuple[Any, ...]

_BUSY_TIMEOUT_S: Final = 60.0
_IDLE_CONNECTIONS: Final = 32
_SQLITE_SETTINGS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA mmap_size = 268435456",
    "PRAGMA cache_size = -4000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 67108864",
)
_POSTGRESQL_SETTING: Final = "SET enable_bitmapscan = off"
"""A bitmap reads every match to sort it; pages are read in the order of an index, and end when they are full."""


class IndexUnusable(Exception):
    """The index cannot be opened; the message says in one sentence why, to an administrator."""


class Kind(Enum):
    """The databases that hold an index."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


DIALECTS: Final[Mapping[Kind, Dialect]] = {
    Kind.SQLITE: SQLiteDialect_pysqlite(paramstyle="named"),
    Kind.POSTGRESQL: PGDialect_psycopg(),  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
}


class Cursor(Protocol):
    """What both drivers' cursors have."""

    rowcount: int

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""

    def fetchone(self) -> Row | None:
        """Return the next row."""


class Driver(Protocol):
    """What both drivers' connections have."""

    def execute(self, query: Any, params: Any = ..., /) -> Any:  # noqa: ANN401 - the drivers' own signatures differ
        """Run one statement."""

    def cursor(self) -> Any:  # noqa: ANN401 - the drivers' own cursors differ
        """Return a cursor, for statements that run many times."""

    def close(self) -> None:
        """Give the connection up."""


DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error)
UNIQUE_VIOLATIONS: Final = (sqlite3.IntegrityError, postgresql_errors.UniqueViolation)


class Compiled:
    """SQL text of one statement and the values that the statement itself brings."""

    __slots__ = ("defaults", "text")

    def __init__(self, statement: ClauseElement, kind: Kind) -> None:
        """Compile `statement`."""
        compiled = statement.compile(dialect=DIALECTS[kind])
        self.text: Final = str(compiled)
        self.defaults: Final = {name: value for name, value in compiled.params.items() if value is not None}

    def parameters(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the values of all parameters."""
        return {**self.defaults, **values} if self.defaults else values


class Session:
    """One connection, in use by one thread."""

    __slots__ = ("_database", "driver")

    def __init__(self, database: Database, driver: Driver) -> None:
        """Run statements of `database` on `driver`."""
        self._database = database
        self.driver: Final = driver

    def run(self, statement: ClauseElement | Compiled, values: Mapping[str, Value]) -> Cursor:
        """Run a statement with its parameters by name; `Compiled` saves looking its text up."""
        if not isinstance(statement, Compiled):
            statement = self._database.compiled(statement)
        cursor: Cursor = self.driver.execute(statement.text, statement.parameters(values))
        return cursor

    def run_many(self, statement: ClauseElement | Compiled, values: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement once for each of `values`."""
        if not isinstance(statement, Compiled):
            statement = self._database.compiled(statement)
        if values:
            self.driver.cursor().executemany(statement.text, [statement.parameters(one) for one in values])

    def rows(self, statement: ClauseElement | Compiled, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows of a statement."""
        return self.run(statement, values).fetchall()

    def row(self, statement: ClauseElement | Compiled, values: Mapping[str, Value]) -> Row | None:
        """Return the first row of a statement, None if there is none."""
        return self.run(statement, values).fetchone()

    def only(self, statement: ClauseElement | Compiled, values: Mapping[str, Value]) -> Row:
        """Return the one row of a statement that always has one."""
        return self.run(statement, values).fetchall()[0]

    def control(self, command: str) -> None:
        """Run a command of transaction control."""
        self.driver.execute(command)


class _BinaryCursor(psycopg.Cursor[Row]):
    """Takes results in binary form: bytes as text cost four times as much."""

    def __init__(self, connection: psycopg.Connection[Row], *, row_factory: RowFactory[Row] | None = None) -> None:
        """Make a cursor."""
        super().__init__(connection, row_factory=row_factory or connection.row_factory)
        self.format = Format.BINARY


class Database:
    """The database of an index: its idle connections and its compiled statements. Safe for many threads."""

    def __init__(self, url: str) -> None:
        """Name the database; nothing is opened yet.

        Args:
            url: `sqlite:////absolute/path` or `postgresql://...` as libpq reads it.

        Raises:
            IndexUnusable: the URL is neither.
        """
        try:
            parsed = make_url(url)
            self.kind: Final = Kind(parsed.get_backend_name())
        except (ArgumentError, ValueError) as error:
            raise IndexUnusable("The index URL begins with neither sqlite:/// nor postgresql://.") from error
        self._path: Final = parsed.database or ""
        if self.kind is Kind.SQLITE and not self._path:
            raise IndexUnusable("The index URL names no SQLite file.")
        self._conninfo: Final = "postgresql://" + url.partition("://")[2]
        self._texts: Final[dict[ClauseElement, Compiled]] = {}
        # One list is used as a stack; its append and pop are atomic.
        self._idle: Final[list[Driver]] = []

    def compiled(self, statement: ClauseElement) -> Compiled:
        """Return the statement's SQL; kept for good, so `statement` is one of a module's constants."""
        compiled = self._texts.get(statement)
        if compiled is None:
            compiled = self._texts[statement] = Compiled(statement, self.kind)
        return compiled

    def connect(self) -> Driver:
        """Return a new connection in autocommit mode, set up for this index.

        Raises:
            IndexUnusable: the database is unreachable.
        """
        return self._opened(_BinaryCursor)

    def probe(self) -> None:
        """Open the first connection.

        Raises:
            IndexUnusable: the database is unreachable, or is none.
        """
        self._give_back(self.connect())

    def reconnect(self) -> Driver:
        """Return a new connection to an index that was usable when it was opened.

        Raises:
            OutOfResources: it is unreachable now; the request may be repeated later.
        """
        try:
            return self.connect()
        except IndexUnusable as error:
            raise OutOfResources("The index of this origin server cannot be reached at the moment.") from error

    def _opened(self, cursors: type[psycopg.Cursor[Row]]) -> Driver:
        try:
            return self._sqlite() if self.kind is Kind.SQLITE else self._postgresql(cursors)
        except DRIVER_ERRORS as error:
            raise IndexUnusable(f"The database of the index cannot be opened: {_first_line(error)}") from error

    def _sqlite(self) -> Driver:
        connection = sqlite3.connect(
            self._path,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            for setting in _SQLITE_SETTINGS:
                connection.execute(setting)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _postgresql(self, cursors: type[psycopg.Cursor[Row]]) -> Driver:
        connection = psycopg.connect(
            self._conninfo, autocommit=True, application_name="hilum", connect_timeout=10, cursor_factory=cursors
        )
        try:
            connection.execute(_POSTGRESQL_SETTING)
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` reads. It runs a second time if the connection turns out to have dropped."""
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = self.reconnect()
        try:
            result = work(Session(self, driver))
        except psycopg.OperationalError:
            if not is_dropped(driver):
                self._give_back(driver)
                raise
            driver.close()
            self.drop_idle()
            driver = self.reconnect()
            result = self._finish(driver, work)
        except BaseException:
            self._give_back(driver)
            raise
        self._give_back(driver)
        return result

    def _finish(self, driver: Driver, work: Callable[[Session], T]) -> T:
        try:
            return work(Session(self, driver))
        except BaseException:
            self._give_back(driver)
            raise

    def _give_back(self, driver: Driver) -> None:
        if len(self._idle) >= _IDLE_CONNECTIONS or is_dropped(driver):
            driver.close()
        else:
            self._idle.append(driver)

    def drop_idle(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()

    def engine(self) -> Engine:
        """Return an engine for migrations: every connection is new and in autocommit mode."""
        name = "sqlite://" if self.kind is Kind.SQLITE else "postgresql+psycopg://"
        # SQLAlchemy reads catalogues, whose types have no binary form here.
        return create_engine(name, creator=lambda: self._opened(psycopg.Cursor), poolclass=NullPool)


def is_dropped(driver: Driver) -> bool:
    """Return whether the connection to the server has gone."""
    return isinstance(driver, psycopg.Connection) and (driver.closed or driver.broken)


class TransactionLost(Exception):
    """The whole transaction has failed, not one row in it; it may be tried again."""


@contextlib.contextmanager
def transaction(session: Session, kind: Kind) -> Iterator[None]:
    """Commit what the block writes, or nothing of it.

    Raises:
        OutOfResources: the disk of the database is full, or another program keeps it locked.
    """
    try:
        session.control("BEGIN IMMEDIATE" if kind is Kind.SQLITE else "BEGIN")
        yield
        session.control("COMMIT")
    except BaseException as error:
        with contextlib.suppress(*DRIVER_ERRORS):
            session.control("ROLLBACK")
        if is_full(error):
            raise OutOfResources("The disk of the index is full.") from error
        if _is_locked(error):
            raise OutOfResources("The index is locked by another program.") from error
        raise


@contextlib.contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Undo what the block wrote if it fails; the transaction goes on.

    Raises:
        OutOfResources: the disk of the database is full.
        TransactionLost: the failure took the whole transaction with it.
    """
    session.control("SAVEPOINT one")
    try:
        yield
    except BaseException as error:
        if is_full(error):
            raise OutOfResources("The disk of the index is full.") from error
        if isinstance(error, postgresql_errors.DeadlockDetected):
            raise TransactionLost from error
        try:
            session.control("ROLLBACK TO one")
            session.control("RELEASE one")
        except DRIVER_ERRORS:
            raise TransactionLost from error
        raise
    session.control("RELEASE one")


def is_full(error: BaseException) -> bool:
    """Return whether the database had no room left."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, postgresql_errors.DiskFull)


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


@contextlib.contextmanager
def file_lock(path: Path | None) -> Iterator[None]:
    """Hold the lock file alone, waiting for it as long as it takes; no path, no lock."""
    if path is None:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _first_line(error: BaseException) -> str:
    lines: Sequence[str] = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
