from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from hilum.store.database import tables
from hilum.store.database.database import (
    Database,
    IndexUnusable,
    Kind,
    Session,
    TransactionLost,
    file_lock,
    savepoint,
    transaction,
)
from hilum.store.rows.events import INSERT_EVENT, event_values

ONE = select(tables.study.c.id)


def count(database: Database) -> int:
    row = database.read(lambda session: session.driver.execute("SELECT count(*) FROM event").fetchone())
    return int(row[0])


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def work(session: Session) -> None:
        with transaction(session, database.kind):
            session.run(INSERT_EVENT, event_values("stored", ("1", "", "")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.read(work)

    assert count(database) == 0


def test_a_failed_savepoint_leaves_what_was_before_it(database: Database) -> None:
    def work(session: Session) -> None:
        with transaction(session, database.kind):
            session.run(INSERT_EVENT, event_values("stored", ("1", "", "")))
            with contextlib.suppress(ZeroDivisionError), savepoint(session):
                session.run(INSERT_EVENT, event_values("stored", ("2", "", "")))
                raise ZeroDivisionError
            session.run(INSERT_EVENT, event_values("stored", ("3", "", "")))

    database.read(work)

    assert count(database) == 2


def test_a_savepoint_that_cannot_be_undone_ends_the_transaction(database: Database) -> None:
    def work(session: Session) -> None:
        with transaction(session, database.kind), savepoint(session):
            session.control("ROLLBACK")
            raise ZeroDivisionError

    with pytest.raises(TransactionLost):
        database.read(work)


def test_a_statement_is_compiled_once(database: Database) -> None:
    first = database.compiled(ONE)

    assert database.compiled(ONE) is first


def test_connections_are_used_again_one_at_a_time(database: Database) -> None:
    def nested(session: Session) -> bool:
        return database.read(lambda inner: inner.driver is not session.driver)

    assert database.read(nested)
    drivers = {database.read(lambda session: id(session.driver)) for _ in range(5)}
    assert len(drivers) == 1


def test_sqlite_commits_durably_and_never_blocks_readers(database: Database) -> None:
    if database.kind is not Kind.SQLITE:
        pytest.skip("These are settings of SQLite.")

    def setting(name: str) -> object:
        return database.read(lambda session: session.driver.execute(f"PRAGMA {name}").fetchone()[0])

    assert (setting("journal_mode"), setting("synchronous")) == ("wal", 2)


def test_the_password_of_an_unreachable_database_is_not_told() -> None:
    database = Database("postgresql://user:secret@127.0.0.1:1/name?connect_timeout=2")

    with pytest.raises(IndexUnusable) as told:
        database.connect()

    assert "secret" not in str(told.value)


def test_a_lock_file_is_held_alone(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415 - only this test looks at the lock from outside

    path = tmp_path / "lock"
    with file_lock(path), path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_sqlite_is_new_enough_to_return_what_it_inserts() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35)
