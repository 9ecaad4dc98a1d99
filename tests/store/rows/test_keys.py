from __future__ import annotations

from sqlalchemy import select

from hilum.store.database import tables
from hilum.store.database.database import Database
from hilum.store.index.index import Index
from hilum.store.rows.keys import postings_of
from hilum.store.rows.merging import KeyRow
from offers import Offer

ROWS = select(tables.study_posting.c.path, tables.study_posting.c.term, tables.study.c.study_instance_uid).select_from(
    tables.study_posting.join(
        tables.study,
        (tables.study.c.id == tables.study_posting.c.owner)
        & (tables.study.c.order_key == tables.study_posting.c.order_key),
    )
)


def terms(index: Index, database: Database, path: str) -> set[tuple[str, str]]:
    assert index.totals().studies >= 0
    rows = database.read(lambda session: session.rows(ROWS, {}))
    return {(term, uid) for one, term, uid in rows if one == path}


def test_postings_follow_names_and_modalities() -> None:
    keys = [
        KeyRow("00100010", "", 0, "li^wei", ""),
        KeyRow("00100010.~", "", 0, "li", ""),
        KeyRow("00080061", "", 0, "CT", ""),
        KeyRow("00081030", "", 0, "KNEE", ""),
    ]

    assert postings_of(keys) == {
        ("00080061", "CT"),
        *(("00100010", gram) for gram in ("wei", "^l", "^li", "$wei")),
    }


def test_postings_follow_every_change_of_a_study(index: Index, database: Database) -> None:
    def record(*offers: Offer) -> None:
        for offer in offers:
            index.record(offer.instance()).result(10)

    record(Offer(of_study={"00100010": "", "00080020": ""}))
    assert terms(index, database, "00080061") == {("CT", "1.1")}
    record(Offer(number=2, of_study={"00100010": "Li", "00080020": "20200101"}))
    record(Offer(series=2, of_study={"00100010": "Li"}, of_series={"00080060": "SR"}), Offer(study=2))

    assert terms(index, database, "00100010") == {("^l", "1.1"), ("^li", "1.1"), ("$li", "1.1")}
    assert terms(index, database, "00080061") == {("CT", "1.1"), ("SR", "1.1"), ("CT", "1.2")}
    index.trash("1.1", "1.1.2")
    assert terms(index, database, "00080061") == {("CT", "1.1"), ("CT", "1.2")}
    index.trash("1.1")
    assert terms(index, database, "00100010") == set()
    index.restore("1.1")
    assert terms(index, database, "00080061") == {("CT", "1.1"), ("SR", "1.1"), ("CT", "1.2")}
    index.trash("1.1")
    index.empty_trash(2**40)
    count = database.read(lambda session: session.rows(select(tables.study_posting.c.owner), {}))
    assert len(count) == 1
