from __future__ import annotations

from sqlalchemy import select

from hilum.store.database import tables
from hilum.store.database.database import Database, Session, transaction
from hilum.store.index.index import Index
from hilum.store.rows.level_rows import LevelRows
from offers import Offer


def fill(index: Index, *offers: Offer) -> None:
    for offer in offers:
        index.record(offer.instance()).result(10)


def test_later_instances_fill_what_was_empty_at_both_levels(index: Index, database: Database) -> None:
    fill(
        index,
        Offer(number=1, of_study={"00100010": "", "00080020": ""}, of_series={"0008103E": ""}),
        Offer(number=2, of_study={"00100010": "Smith", "00080020": "20200101"}, of_series={"0008103E": "AX"}),
        Offer(number=3, of_study={"00100010": ""}),
    )
    statement = select(tables.study.c.study_date, tables.study.c.answer_tail, tables.series.c.answer_head).select_from(
        tables.series.join(tables.study)
    )

    ((date, tail, head),) = database.read(lambda session: session.rows(statement, {}))

    assert date == "20200101"
    assert "Smith" in tail
    assert "AX" in head
    assert list(index.contradictions()) == []


def test_key_rows_follow_the_attributes(index: Index, database: Database) -> None:
    statement = select(tables.study_key.c.path, tables.study_key.c.value).order_by(
        tables.study_key.c.path, tables.study_key.c.value
    )
    fill(index, Offer(number=1, of_study={"00081030": ""}), Offer(number=2, of_study={"00081030": "KNEE"}))
    fill(index, Offer(series=2, of_study={"00081030": "KNEE"}, of_series={"00080060": "SR"}))

    rows = database.read(lambda session: session.rows(statement, {}))

    assert rows == [("00080061", "CT"), ("00080061", "SR"), ("00081030", "KNEE")]


def test_counts_survive_a_checkpoint_that_is_gone_back_to(index: Index, database: Database) -> None:
    fill(index, Offer())

    def work(session: Session) -> None:
        with transaction(session, database.kind):
            levels = LevelRows(session)
            study = levels.lock_study("1.1")
            assert study is not None
            series = levels.find_series(study, "1.1.1")
            assert series is not None
            checkpoint = levels.checkpoint()
            levels.count(series, 7, 7)
            levels.go_back(checkpoint)
            levels.write()

    database.read(work)

    assert index.totals().instances == 1


def test_rows_that_do_not_exist_are_none(database: Database) -> None:
    def work(session: Session) -> None:
        with transaction(session, database.kind):
            assert LevelRows(session).lock_study("1.9") is None

    database.read(work)
