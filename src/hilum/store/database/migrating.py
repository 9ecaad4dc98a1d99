"""Making the schema, or bringing it to the version that this program works on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine

from hilum.store.database.database import DRIVER_ERRORS, Database, IndexUnusable, Kind, Session, file_lock
from hilum.store.database.schema import REVISIONS, check_encoding, check_revision

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_ADVISORY_LOCK: Final = 0x48494C554D


def migrate(url: str, lock_path: Path | None) -> None:
    """Make the schema or bring it up to date, alone: others that migrate or write wait.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://...`.
        lock_path: lock file of the writers of a SQLite index; not used on PostgreSQL.

    Raises:
        IndexUnusable: the database is unreachable, or was written by a newer version of this program.
    """
    database = Database(url)
    engine = database.engine()
    try:
        if database.kind is Kind.SQLITE:
            with file_lock(lock_path):
                _keep_log_ahead(database)
                _upgrade(engine, "BEGIN IMMEDIATE")
        else:
            with closing(database.connect()) as driver:
                check_encoding(Session(database, driver))
            _upgrade(engine, "BEGIN")
    except DRIVER_ERRORS as error:
        raise IndexUnusable("The database of the index refuses the migration.") from error
    finally:
        engine.dispose()


def _keep_log_ahead(database: Database) -> None:
    """Set write-ahead logging, which a SQLite file remembers: readers never wait for the writer."""
    with closing(database.connect()) as driver:
        (mode,) = driver.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise IndexUnusable("The file system of the index does not support SQLite's write-ahead log.")


def _upgrade(engine: Engine, begin: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(begin)
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        check_revision(MigrationContext.configure(connection).get_current_revision())
        command.upgrade(alembic_config(connection), REVISIONS[-1])
        connection.commit()


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration: scripts of this package, on a connection that is open already."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
