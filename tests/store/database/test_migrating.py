from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from hilum.store.database import tables
from hilum.store.database.database import Database, IndexUnusable, Session
from hilum.store.database.migrating import alembic_config, migrate
from hilum.store.database.schema import REVISIONS, check_schema
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy
from offers import Offer


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


def test_postings_and_words_of_an_older_index_are_made_from_its_keys(index_url: str, tmp_path: Path) -> None:
    name = {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg"}, {"Ideographic": "山田^太郎", "Alphabetic": "Muller"}]}
    item = {"vr": "SQ", "Value": [{}, {"0040A075": name}]}
    lock = tmp_path / "lock"
    with Index.open(
        index_url, lock_path=lock, duplicates=DuplicatePolicy.REJECT, instance_keys=("0040A073",), scan_limit=1
    ) as index:
        for number in (1, 2):
            offer = Offer(study=number, of_study={"00100010": name}, of_series={"00081070": name})
            index.record(offer.instance()).result(10)
        index.record(Offer(study=1, number=2, of_instance={"0040A073": item}).instance()).result(10)
        index.trash("1.2")
    database = Database(index_url)
    listed = [tables.study_posting, tables.study_key, tables.series_key, tables.instance_key]

    def rows(session: Session) -> list[set[tuple[object, ...]]]:
        return [set(session.rows(select(*table.c), {})) for table in listed]

    before = database.read(rows)
    for command in (
        # What later migrations make.
        *(f"DROP TABLE {name}" for name in ("non_patient_key", "non_patient_body", "non_patient")),
        "DROP TABLE study_posting",
        *(f"DELETE FROM {table.name} WHERE path LIKE '%.~'" for table in listed[1:]),
        "UPDATE alembic_version SET version_num = '0004'",
    ):
        database.read(partial(Session.control, command=command))
    database.drop_idle()

    migrate(index_url, lock)

    assert all(before)
    assert database.read(rows) == before
    database.drop_idle()
