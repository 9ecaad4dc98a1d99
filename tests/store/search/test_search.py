from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from hilum.dicom.searching.query import (
    DateTimeRange,
    Level,
    Match,
    Query,
    QueryError,
    Range,
    SingleValue,
    UidList,
    Wildcard,
    parse_query,
)
from hilum.errors import PayloadTooLarge
from hilum.store.index.index import Index
from hilum.store.rows.records import SearchPage
from indexes import OpenIndex
from offers import Offer

STUDY_TAGS = [
    *("00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010", "00100020"),
    *("00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"),
]
SERIES_TAGS = ["00080060", "00081190", "0020000E", "00200011", "00201209"]
INSTANCE_TAGS = ["00080016", "00080018", "00080056", "00081190", "00200013"]


def fill(index: Index, *offers: Offer) -> None:
    for answer in [index.record(offer.instance()) for offer in offers]:
        answer.result(10)


def objects(page: SearchPage) -> list[dict[str, Any]]:
    found = [orjson.loads(before + "http://h" + after) for before, after in page.items]
    for one in found:
        assert list(one) == sorted(one)
    return found


def uids(page: SearchPage, tag: str = "0020000D") -> list[str]:
    return [one[tag]["Value"][0] for one in objects(page)]


def asked(index: Index, level: Level, text: str, **target: str) -> SearchPage:
    return index.search(parse_query(level, text, max_results=100, **target))


@pytest.mark.requirement("QIDO-26")
def test_a_study_carries_exactly_its_default_attributes(index: Index) -> None:
    fill(
        index,
        Offer(of_study={"00100010": "Smith^John", "00080020": "20200101", "00081030": "KNEE"}),
        Offer(series=2, of_series={"00080060": "SR"}),
        Offer(series=2, number=2, of_series={"00080060": "SR"}),
    )

    (study,) = objects(index.search(Query(Level.STUDY)))

    assert list(study) == STUDY_TAGS
    assert study["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert study["00100020"] == {"vr": "LO"}
    assert study["00081190"] == {"vr": "UR", "Value": ["http://h/studies/1.1"]}
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([2], [3])


@pytest.mark.requirement("QIDO-27")
def test_a_series_carries_exactly_its_default_attributes(index: Index) -> None:
    request = {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["A"]}, "00321060": {"vr": "LO"}}, {}]}
    fill(index, Offer(of_series={"0008103E": "AX", "00400275": request, "00400244": "20200101"}), Offer(series=2))

    first, second = objects(index.search(Query(Level.SERIES, "1.1")))

    assert list(second) == SERIES_TAGS
    assert sorted({*first} - {*second}) == ["0008103E", "00400244", "00400275"]
    empty = {"00400009": {"vr": "SH"}, "00401001": {"vr": "SH"}}
    assert first["00400275"]["Value"] == [{**empty, "00400009": {"vr": "SH", "Value": ["A"]}}, empty]
    assert first["00081190"]["Value"] == ["http://h/studies/1.1/series/1.1.1"]


@pytest.mark.requirement("QIDO-28")
def test_an_instance_carries_exactly_its_default_attributes(index: Index) -> None:
    layout = {
        "00280008": 3,
        "00280010": 512,
        "00280011": 256,
        "00280100": 16,
        "00080201": "+0100",
        "00280002": {"vr": "US"},
    }
    fill(
        index,
        Offer(of_instance={**layout, "00280002": {"vr": "US"}}),
        Offer(number=2),
        Offer(number=3, of_instance={"00200013": "03"}),
    )

    first, second, third = objects(index.search(Query(Level.INSTANCE, "1.1", "1.1.1")))

    assert list(second) == INSTANCE_TAGS
    assert sorted({*first} - {*second}) == ["00080201", "00280008", "00280010", "00280011", "00280100"]
    assert [first[tag]["Value"][0] for tag in ("00280008", "00280010", "00280011", "00280100")] == [3, 512, 256, 16]
    assert third["00200013"] == {"vr": "IS", "Value": ["03"]}
    assert first["00081190"]["Value"] == ["http://h/studies/1.1/series/1.1.1/instances/1.1.1.1"]


@pytest.mark.requirement("QIDO-29")
def test_relational_results_carry_the_levels_above(index: Index) -> None:
    fill(index, Offer())

    (series,) = objects(index.search(Query(Level.SERIES)))
    (instance,) = objects(index.search(Query(Level.INSTANCE)))
    (of_study,) = objects(index.search(Query(Level.INSTANCE, "1.1")))

    assert list(series) == sorted({*STUDY_TAGS, *SERIES_TAGS})
    assert list(instance) == sorted({*STUDY_TAGS, *SERIES_TAGS, *INSTANCE_TAGS})
    assert list(of_study) == sorted({*SERIES_TAGS, *INSTANCE_TAGS})
    assert instance["00081190"]["Value"] == ["http://h/studies/1.1/series/1.1.1/instances/1.1.1.1"]


@pytest.mark.requirement("QIDO-31")
def test_included_attributes_come_from_every_level_and_are_empty_if_unknown(index: Index) -> None:
    fill(
        index,
        Offer(
            of_study={"00081030": "KNEE"},
            of_series={"0008103E": "AX"},
            metadata={"00180050": 5, "7FE00010": {"vr": "OW", "BulkDataURI": "/bulkdata/7FE00010"}},
        ),
    )
    tags = ("00081030", "0008103E", "00180050", "00100010", "00104000", "7FE00010", "00280010")

    (found,) = objects(index.search(Query(Level.INSTANCE, "1.1", "1.1.1", include=tags)))

    assert sorted({*found} - {*INSTANCE_TAGS}) == sorted(tags)
    assert found["00081030"]["Value"] == ["KNEE"]
    assert found["0008103E"]["Value"] == ["AX"]
    assert found["00180050"]["Value"] == [5]
    assert found["00100010"] == {"vr": "PN"}
    assert found["00104000"] == {"vr": "LT"}
    assert found["7FE00010"] == {"vr": "OB"}
    assert found["00280010"] == {"vr": "US"}


@pytest.mark.requirement("QIDO-32")
def test_all_means_all_of_that_level_without_bulk_data(index: Index) -> None:
    bulk = {"vr": "OW", "BulkDataURI": "/x"}
    nested = {"vr": "SQ", "Value": [{"00091001": bulk, "00180050": {"vr": "DS", "Value": [1]}}]}
    fill(index, Offer(of_study={"00081030": "KNEE"}, metadata={"00180050": 5, "7FE00010": bulk, "00082112": nested}))

    (study,) = objects(index.search(Query(Level.STUDY, include_all=True)))
    (instance,) = objects(index.search(Query(Level.INSTANCE, "1.1", "1.1.1", include_all=True)))

    assert sorted({*study} - {*STUDY_TAGS}) == ["00081030"]
    assert sorted({*instance} - {*INSTANCE_TAGS}) == ["00082112", "00083002", "00180050"]
    assert instance["00082112"]["Value"] == [{"00180050": {"vr": "DS", "Value": [1]}}]


@pytest.mark.requirement("SRCH-45")
def test_studies_come_newest_first_and_page_without_gap(index: Index) -> None:
    dates = ["20200102", "20200101", "", "20200102", "20200101", "garbage"]
    times = ["10", "11", "", "1130", "11", ""]
    moments = enumerate(zip(dates, times, strict=True), start=1)
    fill(index, *(Offer(study=n, of_study={"00080020": date, "00080030": time}) for n, (date, time) in moments))

    whole = index.search(Query(Level.STUDY))
    pages = [index.search(Query(Level.STUDY, limit=2, offset=offset)) for offset in (0, 2, 4, 6)]

    assert uids(whole) == ["1.4", "1.1", "1.2", "1.5", "1.3", "1.6"]
    assert [uid for page in pages for uid in uids(page)] == uids(whole)
    assert [page.remaining for page in pages] == [4, 2, 0, 0]
    assert index.search(Query(Level.STUDY, limit=0)).items == ()


@pytest.mark.requirement("SRCH-44")
def test_the_count_of_what_remains_follows_every_change(index: Index) -> None:
    fill(index, *(Offer(study=number, number=one) for number in (1, 2) for one in (1, 2, 3)))

    def remaining(level: Level, text: str = "", **target: str) -> int:
        return asked(index, level, f"limit=1&{text}", **target).remaining

    assert remaining(Level.STUDY) == remaining(Level.STUDY) == 1
    assert remaining(Level.SERIES) == 1
    assert remaining(Level.INSTANCE) == 5
    assert remaining(Level.INSTANCE, "StudyInstanceUID=1.1") == 2
    assert remaining(Level.INSTANCE, "Modality=CT") == 5
    assert remaining(Level.INSTANCE, study_instance_uid="1.1") == 2
    assert remaining(Level.INSTANCE, study_instance_uid="1.1", series_instance_uid="1.1.1") == 2
    index.trash("1.2")
    assert remaining(Level.STUDY) == 0
    assert remaining(Level.INSTANCE) == 2


NAMES = {
    1: "Müller^Jörg",
    2: "MULLER",
    3: "Mullerson^A",
    4: "O'Neil^Pat^^Dr.",
    5: {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]},
    6: "100%^_x",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("muller^JORG", [1]),
        ("Muller", [2]),
        ("Muller^", [2]),
        ("müller*", [1, 2, 3]),
        ("Muller^*", [1, 2]),
        ("*son*", [3]),
        ("m?ller", [2]),
        ("o'neil^pat^^dr.", [4]),
        ("o'neil^*dr?", [4]),
        ("山田*", [5]),
        ("山田^太郎", [5]),
        ("やまだ^*", [5]),
        ("Yamada^Tarou=山田^太郎", [5]),
        ("Yamada*=鈴木*", []),
        ("=山田*", [5]),
        ("100%^*", [6]),
        ("10__^*", []),
        ("nobody", []),
    ],
)
@pytest.mark.requirement("SRCH-07")
def test_person_names_match_without_case_and_marks_in_any_group(index: Index, name: str, expected: list[int]) -> None:
    fill(index, *(Offer(study=number, of_study={"00100010": one}) for number, one in NAMES.items()))
    condition = Wildcard(name) if "*" in name or "?" in name else SingleValue(name)

    page = index.search(Query(Level.STUDY, matches=(Match(("00100010",), "PN", condition),)))

    assert sorted(uids(page)) == [f"1.{number}" for number in expected]


IDS = {1: "A1", 2: "a1", 3: "A[1]", 4: "A%", 5: "", 6: "x" * 300 + "1", 7: "x" * 300 + "2"}


@pytest.mark.parametrize("tag", ["00100020", "00081030"])
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("A1", [1]),
        ("a*", [2]),
        ("A*", [1, 3, 4]),
        ("?1", [1, 2]),
        ("A[1]", [3]),
        ("A[?]", [3]),
        ("*%", [4]),
        ("*", [1, 2, 3, 4, 5, 6, 7]),
        ("x" * 300 + "2", [7]),
        ("x" * 50 + "*", [6, 7]),
        ("A" * 5000 + "*?", []),
    ],
)
@pytest.mark.requirement("SRCH-06")
def test_other_text_matches_binary(index: Index, tag: str, pattern: str, expected: list[int]) -> None:
    fill(index, *(Offer(study=number, of_study={tag: one}) for number, one in IDS.items()))
    condition = Wildcard(pattern) if "*" in pattern or "?" in pattern else SingleValue(pattern)

    page = index.search(Query(Level.STUDY, matches=(Match((tag,), "LO", condition),)))

    assert sorted(uids(page)) == [f"1.{number}" for number in expected]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("20200101", "20200102", [1, 2, 3]),
        ("20200102", "", [2, 3, 4]),
        ("", "20200101", [1]),
        ("20210101", "20210101", []),
    ],
)
@pytest.mark.parametrize("tag", ["00080020", "00100030"])
@pytest.mark.requirement("SRCH-08")
def test_ranges_of_dates_are_inclusive_and_leave_empty_ones_out(
    index: Index, tag: str, first: str, last: str, expected: list[int]
) -> None:
    dates = {1: "20200101", 2: "20200102", 3: "2020.01.02", 4: "20200103", 5: ""}
    fill(index, *(Offer(study=number, of_study={tag: date}) for number, date in dates.items()))

    page = index.search(Query(Level.STUDY, matches=(Match((tag,), "DA", Range(first, last)),)))

    assert sorted(uids(page)) == [f"1.{number}" for number in expected]


@pytest.mark.requirement("SRCH-08")
def test_times_match_as_intervals_however_exact_they_are_stored(index: Index) -> None:
    times = {1: "10", 2: "103000", 3: "10:30:15", 4: "103059.999999", 5: "1031", 6: ""}
    fill(index, *(Offer(study=number, of_study={"00080030": time}) for number, time in times.items()))

    assert sorted(uids(asked(index, Level.STUDY, "StudyTime=1030"))) == ["1.2", "1.3", "1.4"]
    assert sorted(uids(asked(index, Level.STUDY, "StudyTime=-1000"))) == ["1.1"]
    assert sorted(uids(asked(index, Level.STUDY, "StudyTime=103100-"))) == ["1.5"]


@pytest.mark.parametrize(
    ("date", "time"), [("00080020", "00080030"), ("00400244", "00400245"), ("00081111.00080020", "00081111.00080030")]
)
@pytest.mark.requirement("SRCH-09")
def test_a_range_of_dates_and_times_is_one_range(index: Index, date: str, time: str) -> None:
    moments = {
        1: ("20200101", "0900"),
        2: ("20200101", "1000"),
        3: ("20200102", "0100"),
        4: ("20200103", "1000"),
        5: ("20200103", "1001"),
        6: ("", ""),
    }
    dates, times = tuple(date.split(".")), tuple(time.split("."))

    def attributes(day: str, hour: str) -> dict[str, object]:
        values: dict[str, object] = {
            dates[-1]: {"vr": "DA", "Value": [day] if day else []},
            times[-1]: {"vr": "TM", "Value": [hour] if hour else []},
        }
        return values if len(dates) == 1 else {dates[0]: {"vr": "SQ", "Value": [values]}}

    fill(
        index,
        *(
            Offer(study=number, **{"of_study" if date == "00080020" else "of_series": attributes(*moment)})  # type: ignore[arg-type]
            for number, moment in moments.items()
        ),
    )
    condition = DateTimeRange(times, "20200101100000.000000", "20200103100000.000000")

    page = index.search(Query(Level.SERIES, matches=(Match(dates, "DA", condition),)))

    assert sorted(uids(page)) == ["1.2", "1.3", "1.4"]


@pytest.mark.requirement("QIDO-15")
def test_a_study_has_the_modalities_of_all_its_series(index: Index) -> None:
    fill(
        index,
        Offer(study=1, of_series={"00080060": "CT"}),
        Offer(study=1, series=2, of_series={"00080060": "SR"}),
        Offer(study=2, of_series={"00080060": "SR"}),
    )

    assert uids(asked(index, Level.STUDY, "ModalitiesInStudy=CT")) == ["1.1"]
    assert sorted(uids(asked(index, Level.STUDY, "ModalitiesInStudy=SR"))) == ["1.1", "1.2"]
    index.trash("1.1", "1.1.2")
    assert uids(asked(index, Level.STUDY, "ModalitiesInStudy=SR")) == ["1.2"]


@pytest.mark.requirement("QIDO-14")
def test_required_keys_match_at_each_level(index: Index) -> None:
    request = {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["SPS"]}}]}
    fill(
        index,
        Offer(of_study={"00080050": "ACC", "00200010": "ID", "00080090": "Ref^A"}, of_series={"00400275": request}),
        Offer(study=2),
    )

    for text in ("AccessionNumber=ACC", "StudyID=ID", "ReferringPhysicianName=ref*", "StudyInstanceUID=1.1,1.3"):
        assert uids(asked(index, Level.STUDY, text)) == ["1.1"]
        assert uids(asked(index, Level.SERIES, text)) == ["1.1"]
        assert uids(asked(index, Level.INSTANCE, text)) == ["1.1"]
    sequence = "RequestAttributesSequence.ScheduledProcedureStepID=SPS"
    for text in ("SeriesInstanceUID=1.1.1", sequence, "SeriesNumber=01&StudyInstanceUID=1.1"):
        assert uids(asked(index, Level.SERIES, text)) == ["1.1"]
        assert uids(asked(index, Level.INSTANCE, text)) == ["1.1"]
    for text in ("SOPInstanceUID=1.1.1.1", "InstanceNumber=1&StudyInstanceUID=1.1"):
        assert uids(asked(index, Level.INSTANCE, text)) == ["1.1"]
    assert asked(index, Level.INSTANCE, "SOPClassUID=1.2.3").items == []
    assert len(asked(index, Level.INSTANCE, "SOPClassUID=1.2.840.10008.5.1.4.1.1.2").items) == 2


@pytest.mark.requirement("SRCH-13")
def test_attributes_of_one_sequence_match_in_one_item(index: Index) -> None:
    def code(value: str, scheme: str) -> dict[str, object]:
        return {"00080100": {"vr": "SH", "Value": [value]}, "00080102": {"vr": "SH", "Value": [scheme]}}

    split = {"vr": "SQ", "Value": [code("A", "X"), code("B", "Y")]}
    whole = {"vr": "SQ", "Value": [code("B", "Z"), code("A", "Y")]}
    for number, sequence in enumerate((split, whole), start=1):
        fill(index, Offer(study=number, of_study={"00081032": sequence}, metadata={"00082218": sequence}))

    def matches(tag: str) -> tuple[Match, ...]:
        return tuple(Match((tag, one), "SH", SingleValue(v)) for one, v in (("00080100", "A"), ("00080102", "Y")))

    assert uids(index.search(Query(Level.STUDY, matches=matches("00081032")))) == ["1.2"]
    assert uids(index.search(Query(Level.INSTANCE, matches=matches("00082218")))) == ["1.2"]


def test_instances_match_by_their_metadata_inside_a_study(open_index: OpenIndex) -> None:
    index = open_index(scan_limit=3)
    fill(index, *(Offer(number=number, metadata={"00180050": number / 2}) for number in range(1, 11)))

    page = asked(index, Level.INSTANCE, "SliceThickness=2.50", study_instance_uid="1.1")
    cut = asked(index, Level.INSTANCE, "ImageType=*&SliceThickness=1.5&limit=1", study_instance_uid="1.1")

    assert uids(page, "00080018") == ["1.1.1.5"]
    assert uids(cut, "00080018") == ["1.1.1.3"]


def test_a_scan_of_too_many_instances_is_refused(open_index: OpenIndex) -> None:
    index = open_index(scan_limit=3)
    fill(index, *(Offer(study=study, number=n, metadata={"00180050": n}) for study in (1, 2) for n in (1, 2, 3)))

    with pytest.raises(PayloadTooLarge):
        asked(index, Level.INSTANCE, "SliceThickness=2")
    assert uids(asked(index, Level.INSTANCE, "SliceThickness=2&StudyInstanceUID=1.2"), "00080018") == ["1.2.1.2"]


def test_instance_keys_are_searched_across_studies(open_index: OpenIndex) -> None:
    index = open_index(instance_keys=("00180050",), scan_limit=1)
    fill(index, *(Offer(study=study, of_instance={"00180050": study}) for study in (1, 2, 3)))

    assert uids(asked(index, Level.INSTANCE, "SliceThickness=2.0"), "00080018") == ["1.2.1.1"]
    index.trash("1.2")
    assert asked(index, Level.INSTANCE, "SliceThickness=2.0").items == []


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.requirement("QIDO-07")
def test_unknown_targets_are_searches_without_matches(index: Index, level: Level) -> None:
    fill(index, Offer())

    for study, series in (("1.9", None), ("1.1\0", None), ("1.1", "1.9"), ("\ud800", "x")):
        if level is Level.STUDY or (level is Level.SERIES and series):
            continue
        assert list(index.search(Query(level, study, series)).items) == []


def test_hostile_values_match_nothing_and_break_nothing(index: Index) -> None:
    fill(index, Offer(of_study={"00100020": "P"}))
    values: list[Callable[[str], Any]] = [SingleValue, Wildcard, lambda text: UidList((text,))]
    for make in values:
        for text in ("\x00", "\ud800x", "' OR 1=1 --", "%", "\\", "\U0010ffff?", ":v0_0", "%(v0_0)s"):
            for tag, vr in (("00100020", "LO"), ("00100010", "PN"), ("00081030", "LO"), ("00201208", "IS")):
                assert list(index.search(Query(Level.STUDY, matches=(Match((tag,), vr, make(text)),))).items) == []


def test_a_search_finds_its_rows_the_same_way_round_for_few_and_for_many(index: Index) -> None:
    offers = [
        Offer(study=n, of_study={"00100010": "Rare" if n % 40 == 0 else "Often", "00200010": "1"}, of_series=series)
        for n in range(1, 601)
        for series in [{"00080060": "XA" if n % 100 == 0 else "CT"}]
    ]
    fill(index, *offers)

    def count(level: Level, text: str) -> int:
        return len(asked(index, level, text).items) + asked(index, level, text).remaining

    assert count(Level.STUDY, "PatientName=rare") == 15
    assert count(Level.STUDY, "PatientName=often") == 585
    assert count(Level.STUDY, "PatientName=o*&StudyID=1") == 585
    assert count(Level.STUDY, "PatientName=rare&ModalitiesInStudy=XA&StudyID=1") == 3
    assert count(Level.SERIES, "Modality=XA") == 6
    assert count(Level.SERIES, "Modality=CT&PatientName=rare") == 12
    assert count(Level.INSTANCE, "Modality=XA&PatientName=often") == 3
    assert count(Level.INSTANCE, "SOPClassUID=1.2.840.10008.5.1.4.1.1.2&PatientName=r*") == 15


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PatientID=A,B", [1, 2]),
        ("PatientID=A,b*", [1]),
        ("PatientID=A%5C*2", [1, 4]),
        ("PatientName=smith,j*", [1, 3]),
        ("StudyDate=20200101,20200103-", [1, 3]),
        ("StudyTime=10,1130", [1, 2]),
        ("StudyDescription=KNEE,HIP", [1, 2]),
        ("StudyDescription=KNEE,*P", [1, 2]),
        ("ModalitiesInStudy=MR,SR", [2, 3]),
        ("NumberOfStudyRelatedInstances=1,2", [1, 2, 3, 4]),
        ("NumberOfStudyRelatedInstances=2,3", [4]),
        ("PatientID=zzz,yyy", []),
        ("PatientBirthDate=19500101-19501231,1970", None),
    ],
)
@pytest.mark.requirement("SRCH-35")
def test_one_of_several_values_is_enough(index: Index, text: str, expected: list[int] | None) -> None:
    fill(
        index,
        Offer(
            1,
            of_study={
                "00100020": "A",
                "00100010": "Smith",
                "00080020": "20200101",
                "00080030": "1015",
                "00081030": "KNEE",
            },
        ),
        Offer(
            2,
            of_study={"00100020": "B", "00080020": "20200102", "00080030": "1130", "00081030": "HIP"},
            of_series={"00080060": "MR"},
        ),
        Offer(3, of_study={"00100010": "Jones", "00080020": "20200103"}, of_series={"00080060": "SR"}),
        Offer(4, of_study={"00100020": "X2"}),
        Offer(4, number=2),
    )

    if expected is None:
        with pytest.raises(QueryError):
            asked(index, Level.STUDY, f"multiplevaluematching=true&{text}")
    else:
        found = uids(asked(index, Level.STUDY, f"multiplevaluematching=true&{text}"))
        assert sorted(found) == [f"1.{number}" for number in expected]


@pytest.mark.requirement("SRCH-32")
def test_the_empty_value_matches_what_is_absent_or_empty(index: Index) -> None:
    request = {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["S"]}}]}
    fill(
        index,
        Offer(1, of_study={"00100020": "", "00081030": "", "00080020": ""}, of_series={"0008103E": ""}),
        Offer(
            2,
            of_study={"00100020": "A", "00081030": "KNEE", "00080020": "20200101", "00100010": "Li"},
            of_series={"0008103E": "AX", "00400275": request},
            of_instance={"00280010": 512},
            metadata={"00180050": 1},
        ),
        Offer(3, of_series={"00080060": "", "00200011": ""}, of_instance={"00200013": ""}),
    )

    def empty(level: Level, name: str) -> list[str]:
        return sorted(uids(asked(index, level, f'emptyvaluematching=true&{name}=""')))

    for name in ("PatientID", "StudyDescription", "StudyDate", "PatientName"):
        assert empty(Level.STUDY, name) == ["1.1", "1.3"]
    assert empty(Level.STUDY, "ModalitiesInStudy") == empty(Level.SERIES, "Modality") == ["1.3"]
    assert empty(Level.SERIES, "SeriesNumber") == empty(Level.INSTANCE, "InstanceNumber") == ["1.3"]
    assert empty(Level.SERIES, "SeriesDescription") == ["1.1", "1.3"]
    assert empty(Level.SERIES, "RequestAttributesSequence.ScheduledProcedureStepID") == ["1.1", "1.3"]
    assert empty(Level.INSTANCE, "Rows") == empty(Level.INSTANCE, "SliceThickness") == ["1.1", "1.3"]
    assert empty(Level.STUDY, "StudyInstanceUID") == []


@pytest.mark.requirement("SRCH-46")
def test_all_matches_are_counted_on_request(index: Index) -> None:
    fill(index, *(Offer(study=number) for number in range(1, 6)))

    def total(text: str) -> int | None:
        return asked(index, Level.STUDY, f"totalcount=true&{text}").total

    assert [total(text) for text in ("", "limit=2", "limit=2&offset=4", "offset=9", "limit=0", "limit=5")] == [5] * 6
    assert total("PatientID=nobody") == 0
    assert asked(index, Level.STUDY, "limit=2").total is None
    assert asked(index, Level.INSTANCE, "totalcount=true&SliceThickness=1&limit=1").total == 0


ZONED = {
    # In UTC: 20240101 23:30, 20240102 00:30, 20240102 23:30, unknown zone, unknown time, broken zone.
    1: ("20240102", "0030", "+0100"),
    2: ("20240101", "1930", "-0500"),
    3: ("20240102", "2330", "+0000"),
    4: ("20240102", "0030", ""),
    5: ("20240102", "", "+0100"),
    6: ("20240102", "2330", "garbage"),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("StudyDate=20240102&TimezoneOffsetFromUTC=%2B0000", [2, 3, 4, 5, 6]),
        ("StudyDate=20240101&TimezoneOffsetFromUTC=%2B0000", [1]),
        ("StudyDate=20240101&TimezoneOffsetFromUTC=-0500", [1, 2]),
        ("StudyDate=-20240101&TimezoneOffsetFromUTC=-0500", [1, 2]),
        ("StudyDate=20240103-&TimezoneOffsetFromUTC=%2B0100", [3]),
        ("StudyDate=20240101-20240102&StudyTime=2330-0029&TimezoneOffsetFromUTC=%2B0000", [1, 5]),
        ("StudyDate=20240101-20240102&StudyTime=2330-0030&TimezoneOffsetFromUTC=%2B0000", [1, 2, 4, 5]),
        ("StudyDate=20240102&StudyTime=0000-0100&TimezoneOffsetFromUTC=%2B0100", [1, 4, 5]),
        ("StudyDate=20240102", [1, 3, 4, 5, 6]),
    ],
)
@pytest.mark.requirement("SRCH-10")
def test_a_day_of_a_time_zone_is_other_hours_in_another(index: Index, text: str, expected: list[int]) -> None:
    for number, (date, time, zone) in ZONED.items():
        pair = {"00080020": date, "00080030": time, "00080201": zone}
        acquired = {
            "00080022": {"vr": "DA", "Value": [date]},
            "00080032": {"vr": "TM", "Value": [time] if time else []},
            "00080201": {"vr": "SH", "Value": [zone]},
        }
        item = {"vr": "SQ", "Value": [{"00080020": acquired["00080022"], "00080030": acquired["00080032"]}]}
        series = {"00400244": date, "00400245": time, "00080201": zone, "00081111": item}
        fill(index, Offer(study=number, of_study=pair, of_series=series, metadata=acquired))

    def found(level: Level, date: str, time: str) -> list[str]:
        keys = text.replace("StudyDate", date).replace("StudyTime", time)
        return sorted(uids(asked(index, level, keys)))

    wanted = [f"1.{number}" for number in expected]
    assert found(Level.STUDY, "StudyDate", "StudyTime") == wanted
    assert found(Level.SERIES, "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime") == wanted
    sequence = "ReferencedPerformedProcedureStepSequence."
    assert found(Level.SERIES, f"{sequence}StudyDate", f"{sequence}StudyTime") == wanted
    assert found(Level.INSTANCE, "AcquisitionDate", "AcquisitionTime") == wanted
