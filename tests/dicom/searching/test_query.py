from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.searching.query import (
    MAX_PARAMETERS,
    MAX_QUERY_BYTES,
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Fuzzy,
    Level,
    Match,
    Query,
    QueryError,
    Range,
    SingleValue,
    UidList,
    Wildcard,
    ZonedRange,
    parse_query,
)


def query_of(text: str | bytes, level: Level = Level.STUDY) -> Query:
    return parse_query(level, text, max_results=100)


def conditions_of(text: str, level: Level = Level.STUDY) -> dict[str, Condition]:
    return {".".join(match.path): match.condition for match in query_of(text, level).matches}


def error_of(text: str | bytes, level: Level = Level.STUDY) -> str:
    with pytest.raises(QueryError) as caught:
        query_of(text, level)
    return str(caught.value)


@pytest.mark.requirement("QP-11")
@pytest.mark.parametrize("text", ["", b"", "&", "&&"])
def test_an_empty_query_component_searches_everything(text: str | bytes) -> None:
    assert query_of(text) == Query(level=Level.STUDY, limit=100)


@pytest.mark.requirement("QIDO-18")
def test_the_examples_of_the_standard_are_understood() -> None:
    assert conditions_of("PatientID=11235813") == {"00100020": SingleValue("11235813")}
    assert conditions_of("StudyDate=20130509-20130510") == {"00080020": Range("20130509", "20130510")}
    query = query_of("00100010=SMITH*&00101002.00100020=11235813&limit=25")
    assert query.matches == (
        Match(("00100010",), "PN", Wildcard("SMITH*")),
        Match(("00101002", "00100020"), "LO", SingleValue("11235813")),
    )
    assert (query.limit, query.include) == (25, ("00101002",))
    mixed = "00100010=SMITH*&OtherPatientIDsSequence.00100020=11235813"
    assert query_of(mixed).matches == query.matches
    assert query_of("PatientID=1&includefield=00081048,00081049,00081060").include == (
        "00081048",
        "00081049",
        "00081060",
    )
    repeated = "PatientID=1&includefield=00081048&includefield=00081049&includefield=00081060"
    assert query_of(repeated).include == ("00081048", "00081049", "00081060")
    assert query_of("PatientID=1&StudyDate=20130509-20130510&includefield=all").include_all
    assert conditions_of("StudyInstanceUID=1.2.392.200036,2.16.124.113543") == {
        "0020000D": UidList(("1.2.392.200036", "2.16.124.113543")),
    }
    private = "00230010=AcmeCompany&includefield=00231002&includefield=00231003"
    assert query_of(private, Level.INSTANCE).include == ("00230010", "00231002", "00231003")


@pytest.mark.requirement("QP-05")
def test_keywords_and_tags_of_either_case_mean_the_same() -> None:
    names = ("StudyInstanceUID", "0020000D", "0020000d")

    assert [conditions_of(f"{name}=1.2") for name in names] == [{"0020000D": SingleValue("1.2")}] * 3


@pytest.mark.requirement("QP-07")
def test_delimiters_inside_values_come_percent_encoded() -> None:
    assert conditions_of("StudyDescription=a%26b%3Dc%2Cd%23%5B%5D") == {
        "00081030": SingleValue("a&b=c,d#[]"),
    }
    assert conditions_of("PatientName=%E7%8E%8B%5E*") == {"00100010": Wildcard("王^*")}
    assert query_of("PatientName=王".encode()) == query_of("PatientName=王")


@pytest.mark.requirement("QP-13")
def test_a_plus_is_a_space() -> None:
    assert conditions_of("StudyDescription=CHEST+CT%2B") == {"00081030": SingleValue("CHEST CT+")}


@pytest.mark.requirement("SRCH-01")
@pytest.mark.parametrize(
    "text",
    [
        "PatientID=1&00100020=1",
        "PatientID=&PatientID=2",
        "limit=1&limit=1",
        "fuzzymatching=true&fuzzymatching=true",
    ],
)
def test_a_repeated_attribute_or_parameter_is_refused(text: str) -> None:
    assert "more than once" in error_of(text)


@pytest.mark.requirement("SRCH-02")
def test_uid_lists_come_with_commas_and_backslashes() -> None:
    expected = {"0020000D": UidList(("1.2", "1.3", "1.4"))}

    assert conditions_of("StudyInstanceUID=1.2,1.3,1.4,1.2") == expected
    assert conditions_of("StudyInstanceUID=1.2%2C1.3%5C1.4") == expected
    assert conditions_of(r"StudyInstanceUID=1.2\1.3\1.4") == expected


@pytest.mark.requirement("SRCH-02")
@pytest.mark.parametrize("text", ["PatientName=A,B", "PatientID=A%5CB", "StudyDate=20130101,20130102"])
def test_other_attributes_take_one_value(text: str) -> None:
    assert "one value" in error_of(text)


@pytest.mark.requirement("SRCH-03")
@pytest.mark.requirement("SRCH-22")
@pytest.mark.parametrize(
    "text",
    [
        "00231002=x",
        "00230011=Acme&00231002=x",
        "00230010=&00231002=x",
        "includefield=00231002",
        "00231002.00100020=x",
    ],
)
def test_a_private_attribute_needs_its_private_creator(text: str) -> None:
    assert "Private Creator" in error_of(text, Level.INSTANCE)


@pytest.mark.requirement("SRCH-03")
def test_a_private_attribute_has_the_vr_of_its_private_creator() -> None:
    query = query_of("00191008=2&00190010=SIEMENS+MR+HEADER&00230010=Acme&00231002=x*", Level.INSTANCE)

    assert [(match.vr, match.condition) for match in query.matches] == [
        ("CS", SingleValue("2")),
        ("LO", SingleValue("SIEMENS MR HEADER")),
        ("LO", SingleValue("Acme")),
        ("UN", SingleValue("x*")),
    ]


@pytest.mark.requirement("SRCH-04")
@pytest.mark.parametrize("text", ["PatientName", "PatientName=", "PatientName=*", "PatientName=**", "StudyDate=*"])
def test_universal_matching_is_no_match_and_returns_the_attribute(text: str) -> None:
    query = query_of(text + "&StudyDescription=")

    assert (query.matches, query.include, query.warnings) == ((), ("00081030",), ())


@pytest.mark.requirement("SRCH-05")
@pytest.mark.parametrize(
    "text",
    [
        "PatientsName=x",
        "patientName.PatientID=x",
        "00100099=x",
        "0010001=x",
        "PatientID.StudyID=1",
        "OtherPatientIDsSequence.=1",
        "Limit=5",
        "00230001=x",
        "includefield=PatientsName",
        "includefield=foo",
        "%C3%84=x",
        "=x",
        ".=x",
        "StudyInstanceUID" + ".00081140" * 20 + "=1",
    ],
)
def test_what_looks_like_an_attribute_and_is_none_is_refused(text: str) -> None:
    if text.startswith("patientName"):
        assert query_of(text).matches == ()
    else:
        assert error_of(text)


@pytest.mark.requirement("QP-09")
@pytest.mark.parametrize(
    "text",
    [
        "accept=application/dicom+json",
        "charset=utf-8",
        "access_token=abc==",
        "orderby=x",
        "_=1",
        "x-y=z",
        "foo",
    ],
)
def test_parameters_of_others_are_ignored(text: str) -> None:
    assert query_of(text) == query_of("")


@pytest.mark.requirement("SRCH-06")
def test_wildcards_are_for_text_alone() -> None:
    assert conditions_of("Modality=C?&SeriesDescription=*HEAD*", Level.SERIES) == {
        "00080060": Wildcard("C?"),
        "0008103E": Wildcard("*HEAD*"),
    }
    for text in (
        "StudyDate=2013*",
        "StudyTime=1?",
        "StudyInstanceUID=1.2.*",
        "PatientWeight=7*",
        "PatientAge=0*",
    ):
        assert error_of(text)


@pytest.mark.requirement("SRCH-08")
def test_times_are_ranges_of_full_precision() -> None:
    assert conditions_of("StudyTime=1030") == {"00080030": Range("103000.000000", "103059.999999")}
    assert conditions_of("StudyTime=10-") == {"00080030": Range("100000.000000", "")}
    assert conditions_of("AcquisitionDateTime=2013", Level.INSTANCE) == {
        "0008002A": Range("20130101000000.000000", "20131231235959.999999"),
    }


@pytest.mark.requirement("SRCH-09")
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("StudyDate=20130509-20130510&StudyTime=2200-0200", "20130509220000.000000", "20130510020059.999999"),
        ("StudyTime=2200-&StudyDate=20130509-", "20130509220000.000000", ""),
        ("StudyDate=-20130510&StudyTime=-0200", "", "20130510020059.999999"),
        ("StudyDate=20130509-20130510&StudyTime=-02", "20130509000000.000000", "20130510025959.999999"),
        ("StudyDate=20130509-20130509&StudyTime=08-", "20130509080000.000000", "20130509235959.999999"),
    ],
)
def test_a_range_of_dates_with_a_range_of_times_is_one_range(text: str, first: str, last: str) -> None:
    query = query_of(text)

    assert query.matches == (Match(("00080020",), "DA", DateTimeRange(("00080030",), first, last)),)


@pytest.mark.requirement("SRCH-09")
@pytest.mark.parametrize(
    "text",
    ["StudyDate=20130509-20130510&StudyTime=10", "StudyDate=20130509&StudyTime=10-11", "SeriesTime=10-11"],
)
def test_other_dates_and_times_stay_apart(text: str) -> None:
    conditions = conditions_of(text, Level.SERIES).values()

    assert len(conditions) == text.count("=")
    assert not any(isinstance(condition, DateTimeRange) for condition in conditions)


@pytest.mark.requirement("SRCH-10")
@pytest.mark.parametrize("zone", ["-0500", "%2B0100", "+0100"])
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("StudyDate=20240102", "20240102000000.000000", "20240102235959.999999"),
        ("StudyDate=20240102-", "20240102000000.000000", ""),
        ("StudyDate=20240102&StudyTime=10-1030", "20240102100000.000000", "20240102103059.999999"),
        ("StudyDate=20240101-20240102&StudyTime=10-08", "20240101100000.000000", "20240102085959.999999"),
    ],
)
def test_a_time_zone_is_that_of_dates_and_their_times(zone: str, text: str, first: str, last: str) -> None:
    query = query_of(f"TimezoneOffsetFromUTC={zone}&{text}")

    minutes = -300 if zone == "-0500" else 60
    assert query.matches == (Match(("00080020",), "DA", ZonedRange(("00080030",), first, last, minutes)),)
    assert query.warnings == ()


@pytest.mark.requirement("SRCH-10")
def test_a_time_zone_is_checked_and_what_is_no_moment_named() -> None:
    assert query_of("TimezoneOffsetFromUTC=-0500").warnings == query_of("TimezoneOffsetFromUTC=").warnings == ()
    assert "TimezoneOffsetFromUTC" in error_of("TimezoneOffsetFromUTC=EST")
    for text in ("StudyTime=10", "StudyDate=20240101-20240102&StudyTime=10", "StudyTime=10-11"):
        query = query_of(f"TimezoneOffsetFromUTC=-0500&{text}")
        assert [match.condition for match in query.matches] == list(conditions_of(text).values())
        assert "not been applied to: Study" in query.warnings[0]
    assert len(query_of("TimezoneOffsetFromUTC=-0500&AcquisitionDateTime=2013", Level.INSTANCE).warnings) == 1
    assert len(query_of("AcquisitionDateTime=2013%2B0100", Level.INSTANCE).warnings) == 1


@pytest.mark.requirement("QP-08")
@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("PatientID=" + "x" * 65, Level.STUDY),
        ("PatientID=a%00", Level.STUDY),
        ("AccessionNumber=12345678901234567", Level.STUDY),
        ("StudyInstanceUID=1.2%00", Level.STUDY),
        ("PatientName=a=b=c=d", Level.STUDY),
        ("StudyDate=20240101,20240102", Level.STUDY),
        ("Modality=CT,MR", Level.SERIES),
        ("Rows=70000", Level.INSTANCE),
        ("InstanceNumber=1.5", Level.INSTANCE),
        ("PatientAge=45", Level.STUDY),
    ],
)
def test_values_are_unpadded_and_fit_their_attribute(text: str, level: Level) -> None:
    assert error_of(text, level)


@pytest.mark.requirement("SRCH-12")
def test_the_character_set_is_never_matched() -> None:
    query = query_of("SpecificCharacterSet=ISO_IR+192")

    assert (query.matches, query.include, query.warnings) == ((), ("00080005",), ())


@pytest.mark.requirement("SRCH-20")
def test_all_fields_stand_alone() -> None:
    assert query_of("includefield=all&includefield=all").include_all
    for text in ("includefield=all,PatientID", "includefield=StudyDescription&includefield=all"):
        assert "alone" in error_of(text)


@pytest.mark.requirement("SRCH-21")
def test_an_included_sequence_path_returns_the_sequence() -> None:
    query = query_of("includefield=OtherPatientIDsSequence.PatientID%2C+00081030,,PatientID&includefield=")

    assert query.include == ("00101002", "00081030")


@pytest.mark.requirement("SRCH-33", "SRCH-34", "SRCH-35", "SRCH-02")
@pytest.mark.parametrize("values", ["A,B%2A", "A%5CB*", "A,B*,", "A%5CB*,A"])
def test_several_values_are_alternatives_where_the_request_says_so(values: str) -> None:
    query = query_of(f"multiplevaluematching=true&PatientID={values}")

    assert query.matches == (Match(("00100020",), "LO", AnyOf((SingleValue("A"), Wildcard("B*")))),)
    assert query.warnings == ()
    assert "one value" in error_of(f"PatientID={values}")


@pytest.mark.requirement("SRCH-35")
def test_one_alternative_that_matches_everything_makes_the_key_universal() -> None:
    assert query_of("multiplevaluematching=true&PatientID=A,*").matches == ()
    assert query_of("multiplevaluematching=true&PatientID=A,").matches == (
        Match(("00100020",), "LO", SingleValue("A")),
    )
    assert "one of several" in error_of('multiplevaluematching=true&emptyvaluematching=true&PatientID=A,""')
    assert "date" in error_of("multiplevaluematching=true&StudyDate=20200101,x")


@pytest.mark.requirement("SRCH-23", "SRCH-24")
def test_fuzzy_matching_concerns_person_names_alone() -> None:
    query = query_of("fuzzymatching=true&PatientName=a^b*&StudyDescription=x")

    assert query.matches == (
        Match(("00100010",), "PN", Fuzzy("a^b*")),
        Match(("00081030",), "LO", SingleValue("x")),
    )
    several = query_of("fuzzymatching=true&multiplevaluematching=true&PatientName=a,b*").matches[0].condition
    assert several == AnyOf((Fuzzy("a"), Fuzzy("b*")))
    assert query.warnings == ()


@pytest.mark.requirement("SRCH-30", "SRCH-31", "SRCH-32")
def test_two_quotes_are_the_empty_value_where_the_request_says_so() -> None:
    query = query_of('emptyvaluematching=true&PatientID=%22%22&StudyDate=""&StudyInstanceUID=""')

    assert [match.condition for match in query.matches] == [Empty(), Empty(), Empty()]
    assert query_of('PatientID=""').matches[0].condition == SingleValue('""')
    assert "date" in error_of('StudyDate=""')
    assert query.warnings == ()


@pytest.mark.requirement("SRCH-46")
def test_a_count_of_all_matches_is_asked_for() -> None:
    assert query_of("totalcount=true").wants_total
    assert query_of("fuzzymatching=false&emptyvaluematching=false&totalcount=false") == query_of("")


@pytest.mark.requirement("SRCH-36")
@pytest.mark.parametrize("name", ["fuzzymatching", "emptyvaluematching", "multiplevaluematching", "totalcount"])
@pytest.mark.parametrize("value", ["", "True", "1", "yes", "true,false"])
def test_a_boolean_is_true_or_false(name: str, value: str) -> None:
    assert name in error_of(f"{name}={value}")


@pytest.mark.requirement("SRCH-40")
def test_limit_and_offset_are_numbers_within_bounds() -> None:
    assert [query_of(text).limit for text in ("", "limit=0", "limit=7", "limit=101", f"limit={'9' * 5000}")] == [
        100,
        0,
        7,
        100,
        100,
    ]
    assert [query_of(text).offset for text in ("", "offset=00020", f"offset={'9' * 5000}")] == [
        0,
        20,
        2**63 - 1,
    ]
    for text in ("limit=", "limit=-1", "limit=1.5", "limit=%2B1", "offset=a", "limit=%D9%A1", "offset=1,2"):
        assert "digits" in error_of(text)


@pytest.mark.requirement("QIDO-12")
def test_keys_of_lower_levels_are_ignored_and_named() -> None:
    query = query_of("Modality=CT&SOPInstanceUID=no+uid&PatientID=1")

    assert query.matches == (Match(("00100020",), "LO", SingleValue("1")),)
    assert query.include == ()
    assert query.warnings == (
        "The following attributes are no matching keys here and were ignored: Modality, SOPInstanceUID.",
    )


def test_a_warning_names_ten_attributes_at_most() -> None:
    many = "&".join(f"{group:04X}3000=1" for group in range(0x6000, 0x601E, 2))

    assert query_of(many).warnings[0].endswith(" and 5 more.")


@pytest.mark.requirement("QIDO-11")
def test_keys_of_higher_levels_are_matched() -> None:
    text = "PatientID=1&Modality=CT&SOPClassUID=1.2"

    assert len(query_of(text, Level.INSTANCE).matches) == 3


@pytest.mark.requirement("QIDO-30")
def test_included_attributes_of_lower_levels_are_dropped() -> None:
    assert query_of("includefield=Modality,Rows,StudyDescription").include == ("00081030",)


@pytest.mark.requirement("QIDO-31")
def test_included_attributes_of_higher_levels_are_kept() -> None:
    text = "includefield=PatientName,StudyDescription,Modality"
    inside = parse_query(Level.SERIES, text, study_instance_uid="1.2", max_results=9)

    assert query_of(text, Level.SERIES).include == ("00081030",)
    assert inside.include == ("00100010", "00081030")
    assert inside.study_instance_uid == "1.2"


@pytest.mark.parametrize(
    "text",
    [
        "00020010=1.2",
        "00000002=1.2",
        "PixelData=x",
        "RetrieveURL=x",
        "InstanceAvailability=ONLINE",
        "60003000=x",
    ],
)
def test_what_cannot_be_matched_is_ignored_and_named(text: str) -> None:
    query = query_of(text, Level.INSTANCE)

    assert (query.matches, len(query.warnings)) == ((), 1)


@pytest.mark.requirement("QP-10")
@pytest.mark.parametrize(
    "text",
    [
        "StudyDate=20130230",
        "StudyDate=2013-05-09",
        "StudyTime=25",
        "AcquisitionDateTime=yesterday",
        "StudyInstanceUID=1..2",
        "StudyInstanceUID=../../etc",
        "StudyInstanceUID=" + "1" * 65,
        "AccessionNumber=" + "1" * 17,
        "PatientID=" + "1" * 65,
        "PatientName=" + "A" * 65,
        "PatientName=A%3DB%3DC%3DD",
        "PatientName=A%00",
        "PatientName=%FF",
        "InstanceNumber=x",
        "InstanceNumber=1.5",
        "InstanceNumber=99999999999",
        "Rows=70000",
        "Rows=-1",
        "SliceThickness=thin",
        "SliceThickness=NaN",
        "PatientAge=45",
        "FrameIncrementPointer=xyz",
        "RequestAttributesSequence=1",
    ],
)
def test_bad_values_are_refused(text: str) -> None:
    assert error_of(text, Level.INSTANCE).endswith(".")


def test_values_of_numbers_ages_and_tags_are_kept() -> None:
    text = "InstanceNumber=007&Rows=512&SliceThickness=1.50&PatientAge=045Y&FrameIncrementPointer=0054001a"

    assert [match.condition for match in query_of(text, Level.INSTANCE).matches] == [
        SingleValue("7"),
        SingleValue("512"),
        SingleValue("1.50"),
        SingleValue("045Y"),
        SingleValue("0054001A"),
    ]


def test_attributes_of_two_value_representations_have_the_first() -> None:
    (match,) = query_of("SmallestImagePixelValue=-5", Level.INSTANCE).matches

    assert (match.vr, match.condition) == ("US", SingleValue("-5"))


def test_a_query_component_has_bounds() -> None:
    assert "bytes" in error_of("foo=" + "x" * MAX_QUERY_BYTES)
    assert "parameters" in error_of("&" * MAX_PARAMETERS)


NAMES = st.sampled_from(
    [
        "PatientName",
        "StudyDate",
        "StudyTime",
        "0020000D",
        "00230010",
        "00231002",
        "RequestAttributesSequence.00400009",
        "TimezoneOffsetFromUTC",
        "AcquisitionDateTime",
        "InstanceNumber",
        "includefield",
        "limit",
        "offset",
        "fuzzymatching",
        "multiplevaluematching",
    ],
)
VALUES = st.text(st.sampled_from('0129.-+*?%,\\=^ A"é'), max_size=12) | st.text(max_size=8)


@settings(max_examples=300)
@given(
    st.text(max_size=60)
    | st.binary(max_size=60)
    | st.lists(st.tuples(NAMES, VALUES), max_size=6).map(lambda pairs: "&".join("=".join(p) for p in pairs)),
    st.sampled_from(Level),
)
def test_any_text_is_a_query_or_a_query_error(text: str | bytes, level: Level) -> None:
    try:
        query = query_of(text, level)
    except QueryError:
        return

    assert 0 <= query.limit <= 100
    assert all(warning.isascii() and warning.isprintable() for warning in query.warnings)
    assert len({match.path for match in query.matches}) == len(query.matches)


def test_errors_show_no_text_that_is_no_name() -> None:
    for text in ("PatientName=\ud800", "Ä=1", "A%0D%0AX=1", "A" * 100, "A.<b>=1"):
        message = error_of(text)
        assert message.isascii()
        assert message.isprintable()
        assert "<" not in message


@settings(max_examples=100)
@given(st.text(max_size=64).filter(lambda text: text.strip("* ") and text.isprintable() and "\\" not in text))
def test_a_percent_encoded_value_arrives_as_it_is(text: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in text.encode())

    (match,) = query_of(f"StudyDescription={encoded}").matches

    assert isinstance(match.condition, SingleValue | Wildcard)
    value = match.condition.pattern if isinstance(match.condition, Wildcard) else match.condition.value
    assert value == text.strip(" ")
