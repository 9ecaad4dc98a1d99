from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hilum.store.database import tables
from hilum.store.database.database import Database, IndexUnusable
from hilum.store.database.migrating import alembic_config, migrate
from hilum.store.database.schema import REVISIONS, check_schema


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_migrations_make_exactly_the_tables(blank_url: str, tmp_path: Path) -> None:
    migrate(blank_url, tmp_path / "lock")

    engine = Database(blank_url).engine()
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), tables.metadata
        )
    engine.dispose()

    assert differences == []


def test_every_version_is_known_to_the_program(index_url: str) -> None:
    engine = Database(index_url).engine()
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        revisions = [script.revision for script in scripts.walk_revisions()]
    engine.dispose()

    assert tuple(reversed(revisions)) == REVISIONS


def test_migrating_again_or_at_the_same_time_changes_nothing(blank_url: str, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            migrate(blank_url, tmp_path / "lock")
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    database = Database(blank_url)
    check_schema(database)
    database.drop_idle()


def test_an_index_of_a_newer_program_is_left_alone(index_url: str, tmp_path: Path) -> None:
    database = Database(index_url)
    database.read(lambda session: session.control("UPDATE alembic_version SET version_num = '9999'"))
    database.drop_idle()

    with pytest.raises(IndexUnusable, match="newer version"):
        migrate(index_url, tmp_path / "lock")


def test_a_database_that_cannot_be_reached_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable):
        migrate(f"sqlite:///{tmp_path}/nowhere/index.db", tmp_path / "lock")
