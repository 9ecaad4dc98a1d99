from __future__ import annotations

import pytest

from hilum.dicom.searching.query import Level, parse_query
from hilum.errors import PayloadTooLarge
from hilum.store.database.database import Database
from hilum.store.index.index import Index
from hilum.store.search.closeness import _MOST, resolved
from hilum.store.search.criteria import Op, demands_of
from indexes import OpenIndex
from offers import Offer


def found(index: Index, level: Level, text: str) -> list[str]:
    page = index.search(parse_query(level, f"fuzzymatching=true&{text}", max_results=100))
    return sorted({after.split("/")[2].split('"')[0] for _, after in page.items})


NAMES = {
    1: "Müller^Jörg",
    2: "Mueller-Lüdenscheidt^Anna",
    3: "Miller^George",
    4: "Мюллер^Иван",
    5: {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]},
    6: "Lee^Ann",
    7: "Leo^Ann",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("muler", [1, 2]),
        ("Muller", [1, 2, 3, 4]),
        ("Müller^Joerg", [1]),
        ("Joerg^Müller", [1]),
        ("mueller ludenscheit", [2]),
        ("Müller^J*", [1]),
        ("*scheidt", [2]),
        ("Müller^Ivan", [4]),
        ("Иван", [4]),
        ("ヤマダ", [5]),
        ("山田", [5]),
        ("山口", []),
        ("Yamda^太郎", [5]),
        ("lee", [6]),
        ("le?", [6, 7]),
        ("miller^georg", [3]),
        ("^^", []),
        ("nobody", []),
    ],
)
@pytest.mark.requirement("SRCH-24")
def test_names_match_by_close_words_of_any_component_and_group(index: Index, name: str, expected: list[int]) -> None:
    for number, one in NAMES.items():
        index.record(Offer(study=number, of_study={"00100010": one}).instance()).result(10)

    assert found(index, Level.STUDY, f"PatientName={name}") == [f"1.{number}" for number in expected]
    assert found(index, Level.INSTANCE, f"PatientName={name}") == [f"1.{number}" for number in expected]


@pytest.mark.requirement("SRCH-13", "SRCH-24")
def test_names_of_lower_levels_and_of_sequences_match_too(open_index: OpenIndex) -> None:
    index = open_index(instance_keys=("00081052",))
    item = {"0040A075": {"vr": "PN", "Value": [{"Alphabetic": "Smith^John"}]}, "0040A030": {"vr": "DT"}}
    operator = {"vr": "PN", "Value": [{"Alphabetic": "Brandt^Eva"}]}
    for number in (1, 2):
        offer = Offer(
            study=number,
            of_series={"00081070": operator if number == 1 else {"vr": "PN"}},
            metadata={"0040A073": {"vr": "SQ", "Value": [item if number == 1 else {}]}},
        )
        index.record(offer.instance()).result(10)

    assert found(index, Level.SERIES, "OperatorsName=Eva^Brand") == ["1.1"]
    assert found(index, Level.INSTANCE, "VerifyingObserverSequence.VerifyingObserverName=smiht") == ["1.1"]
    assert found(index, Level.INSTANCE, "VerifyingObserverSequence.VerifyingObserverName=smiht^jane") == []


def test_a_word_that_nobody_has_matches_nothing(index: Index, database: Database) -> None:
    match = parse_query(Level.STUDY, "fuzzymatching=true&PatientName=nobody", max_results=1).matches[0]

    assert index.totals().studies == 0
    tests = database.read(lambda session: resolved(session, database.kind, demands_of(match)))

    assert [test.shape.op for test in tests] == [Op.NEVER]


def test_more_close_words_than_a_search_takes_are_too_many(index: Index) -> None:
    letters = "bcdfghijklmnopqrstuvwxyz"
    words = [f"z{a}{b}kkkkkkkk" for a in letters for b in letters][: _MOST + 1]
    offer = Offer(of_study={"00100010": "^".join(words)})
    index.record(offer.instance()).result(10)

    with pytest.raises(PayloadTooLarge):
        found(index, Level.STUDY, "PatientName=zxxkkkkkkkk")
