from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hilum.dicom.searching.query import Level, Query, parse_query
from hilum.store.database.database import Kind, Session
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy
from hilum.store.search.clauses import PLANNED
from hilum.store.search.criteria import demands_of, parameters, postings_of
from hilum.store.search.search import (
    _count_statement,
    _Form,
    _page_statement,
    _Part,
    _plan,
    _Question,
    _term_values,
)
from offers import Offer


@pytest.fixture(scope="module")
def many(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Yield an index on SQLite of enough studies for plans to matter."""
    path = tmp_path_factory.mktemp("many") / "index.db"
    shutil.copyfile(sqlite_template, path)
    with Index.open(
        f"sqlite:///{path}", lock_path=None, duplicates=DuplicatePolicy.REJECT, instance_keys=(), scan_limit=1
    ) as index:
        offers = [
            Offer(study=n, of_study={"00100010": f"Name{n % 10 > 0:d}", "00100020": f"P{n}", "00200010": "1"})
            for n in range(1, 701)
        ]
        for answer in [index.record(offer.instance()) for offer in offers]:
            answer.result(10)
        yield index


def plan_of(index: Index, query: Query) -> Sequence[str]:
    tests = [test for match in query.matches for test in demands_of(match)]
    target = {"study": query.study_instance_uid} if query.study_instance_uid else {}
    form = _Form(Kind.SQLITE, query.level, len(target), tuple(test.shape for test in tests))
    terms = tuple(term for test in tests for term in postings_of(test))
    question = _Question(form, {**target, **parameters(tests, Kind.SQLITE)}, terms[:4])

    def work(session: Session) -> list[str]:
        plan, term = _plan(session, question)
        statement = _page_statement(form, plan, _Part.NATIVE)
        values = statement.parameters({**question.values, **_term_values(term), "limit": 51, "offset": 0})
        rows = session.driver.execute("EXPLAIN QUERY PLAN " + statement.text, values)
        return [row[3] for row in rows.fetchall()]

    return index._database.read(work)


POSTING = "SEARCH study_posting USING PRIMARY KEY (path=? AND term=?"
WALKED = "SCAN study USING INDEX ix_study_order"


@pytest.mark.parametrize(
    ("level", "text", "first"),
    [
        (Level.STUDY, "", WALKED),
        (Level.STUDY, "PatientName=name1", POSTING),
        (Level.STUDY, "StudyDate=20200101-20201231", "SEARCH study USING INDEX ix_study_order (order_key>?"),
        (Level.STUDY, "PatientID=P7", "SEARCH study USING INDEX ix_study_patient_id (patient_id=?)"),
        (Level.STUDY, "StudyID=1", "SEARCH study USING INDEX ix_study_study_id (study_id=?)"),
        (Level.STUDY, "StudyID=1&PatientName=n*", POSTING),
        (Level.SERIES, "", WALKED),
        (Level.SERIES, "Modality=CT", POSTING),
        (Level.SERIES, "PatientID=P7&Modality=CT", "SEARCH study USING INDEX ix_study_patient_id (patient_id=?)"),
        (Level.INSTANCE, "", WALKED),
        (Level.INSTANCE, "PatientName=name1", POSTING),
        (Level.INSTANCE, "SOPInstanceUID=1.7.1.1", "SEARCH instance USING INDEX ix_instance_live (sop_instance_uid=?)"),
    ],
)
def test_many_matches_are_walked_in_the_order_of_the_answer_without_sorting(
    many: Index, level: Level, text: str, first: str
) -> None:
    plan = plan_of(many, parse_query(level, text, max_results=50))

    assert plan[0].startswith(first)
    is_single = "SOPInstanceUID" in text
    assert is_single or not any("TEMP B-TREE FOR ORDER BY" in step for step in plan)


@pytest.mark.parametrize(
    ("level", "text", "index_name"),
    [
        (Level.STUDY, "PatientName=nobody", "ix_study_key_value"),
        (Level.STUDY, "ModalitiesInStudy=MR&StudyID=1", "ix_study_key_value"),
        (Level.SERIES, "Modality=MR", "ix_series_modality"),
        (Level.INSTANCE, "PatientName=nobody&Modality=CT", "ix_study_key_value"),
    ],
)
def test_few_matches_are_found_through_their_index(many: Index, level: Level, text: str, index_name: str) -> None:
    plan = plan_of(many, parse_query(level, text, max_results=50))

    assert any(index_name in step for step in plan)
    assert not any(step.startswith("SCAN") for step in plan)


def test_a_range_of_key_values_is_not_gone_through_once_a_study(many: Index) -> None:
    (match,) = parse_query(Level.STUDY, "ModalitiesInStudy=C*", max_results=50).matches
    tests = list(demands_of(match))
    statement = _count_statement(_Form(Kind.SQLITE, Level.STUDY, 0, tuple(test.shape for test in tests)), PLANNED)

    def work(session: Session) -> list[str]:
        values = statement.parameters(parameters(tests, Kind.SQLITE))
        return [row[3] for row in session.driver.execute("EXPLAIN QUERY PLAN " + statement.text, values).fetchall()]

    assert "SEARCH k0 USING PRIMARY KEY (owner=? AND path=?)" in many._database.read(work)


def test_the_instances_of_a_series_come_from_one_index_in_order(many: Index) -> None:
    plan = plan_of(many, Query(Level.INSTANCE, "1.7"))

    assert plan[0].startswith("SEARCH study USING INDEX sqlite_autoindex_study_1")
    assert any("ix_instance_order (series_row=?)" in step for step in plan)
