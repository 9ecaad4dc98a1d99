import pytest

from hilum.wire.conditional import (
    etag_of,
    fails_if_match,
    matching_tag,
    none_match,
    parse_entity_tags,
    range_applies,
    with_coding,
)


@pytest.mark.requirement("HDR-09")
@pytest.mark.parametrize("header", ['"abc"', 'W/"abc"', '"x", "abc"', "*", " * ", '"abc-gzip"', '"a,b","abc"'])
def test_if_none_match_compares_weakly(header: str) -> None:
    assert none_match(header, '"abc"')


@pytest.mark.parametrize("header", [None, "", '"abcd"', "abc", '"abc', '"', "garbage \x00", '"gzip"', '"-gzip"'])
def test_other_tags_do_not_match(header: str | None) -> None:
    assert not none_match(header, '"abc"')


def test_a_coded_payload_has_a_tag_of_its_own() -> None:
    coded = with_coding('"abc"', "gzip")

    assert coded != '"abc"'
    assert matching_tag(f'"x", W/{coded}', '"abc"') == coded
    assert matching_tag('"x"', '"abc"') is None


@pytest.mark.parametrize(
    ("header", "etag", "fails"),
    [
        (None, '"a"', False),
        (None, None, False),
        ("*", '"a"', False),
        ("*", None, True),
        ('"a"', '"a"', False),
        ('"b", "a"', '"a"', False),
        ('W/"a"', '"a"', True),
        ('"b"', '"a"', True),
        ('"a"', None, True),
    ],
)
def test_if_match_compares_strongly(header: str | None, etag: str | None, fails: bool) -> None:
    assert fails_if_match(header, etag) is fails


@pytest.mark.parametrize(
    ("header", "applies"),
    [
        (None, True),
        ('"a"', True),
        ('W/"a"', False),
        ('"b"', False),
        ("Wed, 21 Oct 2015 07:28:00 GMT", False),
        ('"a-gzip"', False),
    ],
)
def test_if_range_compares_strongly(header: str | None, applies: bool) -> None:
    assert range_applies(header, '"a"') is applies


def test_tags_differ_wherever_their_parts_do() -> None:
    tags = {etag_of(*parts) for parts in (("a", "b"), ("ab",), ("a", "b", ""), ("", "a", "b"), ("b", "a"), ("a|b",))}

    assert len(tags) == 6
    assert all(str(parse_entity_tags(tag)[0]) == tag for tag in tags)
