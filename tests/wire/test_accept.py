import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.wire.accept import (
    MAX_RANGES,
    AcceptableCharsets,
    parse_accept,
    parse_accept_parameter,
    parse_charsets,
    preferred_coding,
    quality_of,
    select_charset,
)
from hilum.wire.media_types import MediaType


def _ranges(text: str) -> list[tuple[str, float]]:
    return [(f"{found.type}/{found.subtype}", found.quality) for found in parse_accept(text)]


@pytest.mark.requirement("NEG-03")
def test_ranges_are_split_at_commas_outside_quotes() -> None:
    ranges = parse_accept('multipart/related; type="a/b,c"; q=0.5 ,, image/*')

    assert [(found.type, found.part_type, found.order) for found in ranges] == [
        ("multipart", "a/b,c", 0),
        ("image", None, 1),
    ]


@pytest.mark.requirement("NEG-04")
@pytest.mark.parametrize(
    ("weight", "quality"),
    [("0", 0), ("1", 1), ("0.5", 0.5), ("0.123", 0.123), ("1.000", 1), ("0.", 0), ("1.", 1), (".2", 0.2)],
)
def test_quality_has_at_most_three_decimals(weight: str, quality: float) -> None:
    assert _ranges(f"image/png; Q={weight}") == [("image/png", quality)]


@pytest.mark.requirement("NEG-05")
@pytest.mark.parametrize(
    "entry", ["a/b;q=1.1", "a/b;q=0.1234", "a/b;q=x", "a/b;q=-1", "nonsense", "*", "*/b", 'a/b;c="']
)
def test_entries_that_are_malformed_are_passed_over(entry: str) -> None:
    assert _ranges(f"image/png, {entry}")[:1] == [("image/png", 1.0)]
    assert len(_ranges(f"image/png, {entry}")) == 1


@pytest.mark.requirement("NEG-06")
def test_types_and_parameter_names_are_read_in_any_case() -> None:
    (found,) = parse_accept("Multipart/RELATED; Type=Application/DICOM; Transfer-Syntax=1.2.840.10008.1.2.4.90")

    assert found.is_multipart_related
    assert (found.part_type, found.transfer_syntax_uid) == ("application/dicom", "1.2.840.10008.1.2.4.90")


@pytest.mark.requirement("NEG-12")
def test_a_multipart_range_may_leave_the_part_type_open() -> None:
    (found,) = parse_accept("multipart/related")

    assert (found.is_multipart_related, found.part_type, found.transfer_syntax_uid) == (True, None, None)


@pytest.mark.requirement("NEG-13")
def test_a_boundary_means_nothing() -> None:
    (found,) = parse_accept('multipart/related; boundary=x; type="application/dicom"')

    assert dict(found.parameters) == {"type": "application/dicom"}


@pytest.mark.requirement("TSX-04")
def test_a_repeated_transfer_syntax_is_noise_of_which_the_first_counts() -> None:
    (found,) = parse_accept("multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=1.2")

    assert found.transfer_syntax_uid == "*"


@pytest.mark.requirement("NEG-17")
@pytest.mark.parametrize(
    ("media_type", "quality"),
    [
        (MediaType("text", "html"), 0.4),
        (MediaType("text", "html", {"level": "1"}), 1.0),
        (MediaType("text", "html", {"level": "2"}), 0.7),
        (MediaType("text", "rtf"), 0.5),
        (MediaType("text", "plain"), 0.5),
        (MediaType("text", "x-latex"), 0.5),
        (MediaType("application", "x-latex"), 0.4),
    ],
)
def test_the_most_specific_range_gives_the_quality(media_type: MediaType, quality: float) -> None:
    header = "text/*;q=0.5, text/html;q=0.4, text/html;level=1, text/html;level=2;q=0.7, image/png, */*;q=0.4"

    assert quality_of(media_type, parse_accept(header)) == quality


def test_what_no_range_matches_is_not_acceptable() -> None:
    assert quality_of(MediaType("image", "png"), parse_accept("text/*")) == 0


@pytest.mark.requirement("NEG-07")
@pytest.mark.parametrize(
    "text",
    [
        "*/*",
        "image/*",
        "image/png,*/*",
        'multipart/related; type="image/*"',
        "",
        "nonsense",
        "image/png;q=7",
        "a" * 20_000,
    ],
)
def test_the_accept_parameter_takes_no_wildcards_and_no_nonsense(text: str) -> None:
    with pytest.raises(ValueError, match="accept parameter"):
        parse_accept_parameter(text)


@pytest.mark.requirement("NEG-07")
def test_the_accept_parameter_is_a_list_with_qualities() -> None:
    ranges = parse_accept_parameter("application/dicom json;q=0.5,image/jpeg, multipart/related;transfer-syntax=*")

    assert [(found.subtype, found.quality) for found in ranges] == [("dicom+json", 0.5), ("jpeg", 1), ("related", 1)]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=nonsense", False),
    ],
)
@pytest.mark.requirement("NEG-21")
def test_gzip_is_sent_to_those_who_want_it(header: str, wanted: bool) -> None:
    assert (preferred_coding(header, ("gzip",)) == "gzip") is wanted


@pytest.mark.requirement("NEG-21")
@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "br"),
        ("ZSTD", "zstd"),
        ("deflate", None),
        ("identity, *;q=0.5", None),
        ("", None),
    ],
)
def test_the_coding_is_the_best_one_that_both_know(header: str, coding: str | None) -> None:
    assert preferred_coding(header, ("zstd", "br", "gzip")) == coding


@pytest.mark.requirement("CHR-01", "CHR-04")
@pytest.mark.parametrize("text", ["*", "utf-8, *", "", "utf-8,", "utf 8\0", "utf-8;q=2", "a" * 100])
def test_a_charset_parameter_is_a_list_of_names(text: str) -> None:
    with pytest.raises(ValueError, match="charset"):
        parse_charsets(text)


@pytest.mark.requirement("CHR-01")
def test_a_charset_may_be_a_defined_term_of_dicom() -> None:
    assert parse_charsets("ISO_IR 100,ISO 2022 IR 87;q=0.5") == (("iso_ir 100", 1.0), ("iso 2022 ir 87", 0.5))


@pytest.mark.requirement("CHR-03", "CHR-05", "CHR-06", "CHR-07")
@pytest.mark.parametrize(
    ("acceptable", "charset"),
    [
        (AcceptableCharsets(), "utf-8"),
        (AcceptableCharsets(media_type="ISO-8859-1", parameter=(("utf-8", 1.0),)), "iso-8859-1"),
        (AcceptableCharsets(media_type="koi8-r", parameter=(("iso-8859-1", 1.0),), header="utf-8"), "iso-8859-1"),
        (AcceptableCharsets(header="iso-8859-1, *;q=0.1"), "iso-8859-1"),
        (AcceptableCharsets(header="*"), "utf-8"),
        (AcceptableCharsets(header="koi8-r"), "utf-8"),
        (AcceptableCharsets(header="utf-8;q=0, iso-8859-1;q=0.2"), "iso-8859-1"),
    ],
)
def test_the_character_set_is_asked_for_in_three_places(acceptable: AcceptableCharsets, charset: str) -> None:
    assert select_charset(acceptable, ("utf-8", "iso-8859-1")) == charset


def test_the_length_of_a_header_bounds_the_work() -> None:
    ranges = parse_accept(", ".join(["a/b"] * 100_000))

    assert len(ranges) == MAX_RANGES


@given(st.text(st.sampled_from('a/*;,=q"\\ 0.1\x00é'), max_size=80))
@settings(max_examples=300)
def test_no_header_is_an_error(text: str) -> None:
    assert all(0 <= found.quality <= 1 for found in parse_accept(text))
    assert preferred_coding(text, ("zstd", "gzip")) in ("zstd", "gzip", None)
