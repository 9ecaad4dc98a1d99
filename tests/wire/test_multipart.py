from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.wire.multipart import (
    MAX_PADDING,
    MultipartError,
    MultipartParser,
    PartBegin,
    PartData,
    PartHeadersTooLarge,
    TooManyParts,
    closing_delimiter,
    new_boundary,
    part_header,
)

Parts = list[tuple[dict[str, str], bytes, bool]]


def parts_of(
    chunks: list[bytes], boundary: bytes = b"B", *, max_parts: int = 100, max_header_bytes: int = 1000
) -> Parts:
    parser = MultipartParser(boundary, max_parts=max_parts, max_header_bytes=max_header_bytes)
    events = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
    parts: Parts = []
    headers: dict[str, str] = {}
    data = b""
    for event in events:
        match event:
            case PartBegin():
                headers, data = dict(event.headers), b""
            case PartData():
                assert len(event.data) > 0
                data += event.data
            case _:
                parts.append((headers, data, event.complete))
    assert parser.parts == len(parts)
    return parts


@pytest.mark.requirement("PAY-03")
def test_parts_are_taken_apart_at_their_delimiters() -> None:
    body = b"--B\r\nContent-Type: a/b\r\nX: 1\r\n\r\none\r\n--B\r\n\r\ntwo\r\n\r\n--B--\r\n"

    assert parts_of([body]) == [({"content-type": "a/b", "x": "1"}, b"one", True), ({}, b"two\r\n", True)]


@pytest.mark.requirement("PAY-04")
@pytest.mark.parametrize(
    "body",
    [
        b"a preamble\r\n--B\r\nH: 1\r\n\r\nxy\r\n--B--\r\nan epilogue\r\n--B\r\n\r\nnot a part\r\n--B--",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B--",
        b"--B\nH: 1\n\nxy\n--B--\n",
        b"\r\n--B \t \r\nH: 1\r\n\r\nxy\r\n--B \t\r\n",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B\r\n",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B\r\n\r\n",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B  \r",
        b"--B\r\nH: 1\r\n\r\nxy\r\n--B--" + b"\0" * 1000,
        b"--B\r\n h: lost\r\nH:1\r\nh: again\r\nno header\r\n\r\nxy\r\n--B--",
    ],
)
def test_what_real_senders_write_is_understood(body: bytes) -> None:
    assert parts_of([body]) == [({"h": "1"}, b"xy", True)]


def test_a_last_part_without_delimiter_may_be_cut_off() -> None:
    assert parts_of([b"--B\r\n\r\none\r\n--B\r\n\r\ntwo\r\n"]) == [({}, b"one", True), ({}, b"two\r\n", False)]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--B\r\nH: 1", [({"h": "1"}, b"", False)]),
        (b"--B\r\nH: 1\r\n\r\n", [({"h": "1"}, b"", False)]),
        (b"--B\r\nH", [({}, b"", False)]),
        (b"--B\r\nH: 1\r\n\r\nx\r\n--B-", [({"h": "1"}, b"x\r\n--B-", False)]),
        (b"--B\r\nH: 1\r\n\r\nx\r\n--", [({"h": "1"}, b"x\r\n--", False)]),
        (b"--B\r\nH: 1\r\n\r\n--", [({"h": "1"}, b"--", False)]),
    ],
)
def test_a_body_that_ends_inside_a_part_cuts_it_off(body: bytes, parts: Parts) -> None:
    assert parts_of([body]) == parts
    assert parts_of([body[i : i + 1] for i in range(len(body))]) == parts


@pytest.mark.parametrize(
    "body", [b"", b"no part", b"--B--", b"--B\r\n--B--\r\n", b"--B\r\n\r\n--B--", b"x--B\r\n\r\ny"]
)
def test_a_body_may_have_no_parts(body: bytes) -> None:
    assert parts_of([body]) == []


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--B\r\nH: 1\r\n\r\n\r\n--B--", [({"h": "1"}, b"", True)]),
        (b"--B\r\nH: 1\r\n\r\n--B--", [({"h": "1"}, b"", True)]),
        (b"--B\r\nH: 1\r\n--B--", [({"h": "1"}, b"", True)]),
        (b"--B\r\nH: 1\r\n--B\r\nH: 2\r\n--B\r\n", [({"h": "1"}, b"", True), ({"h": "2"}, b"", True)]),
    ],
)
def test_parts_may_be_empty(body: bytes, parts: Parts) -> None:
    assert parts_of([body]) == parts


@pytest.mark.parametrize(
    "data",
    [
        b"--B--",
        b"x--B\r\n",
        b"\r--B\r\n",
        b"\r\n--BB\r\n",
        b"\r\n--B \rx",
        b"\r\n--B" + b" " * (MAX_PADDING + 1) + b"\r\n",
        b"\r\n-- B\r\n",
        b"\n\r\r\n\n\r",
        b"\r\n--B-\r\n",
    ],
)
def test_delimiters_stand_alone_at_line_starts(data: bytes) -> None:
    body = b"--B\r\n\r\nx" + data + b"\r\n--B--"

    assert parts_of([body]) == [({}, b"x" + data, True)]
    assert parts_of([body[i : i + 1] for i in range(len(body))]) == [({}, b"x" + data, True)]


def test_a_boundary_may_have_spaces() -> None:
    body = b'--a "b" c\r\n\r\nx\r\n--a "b" c--'

    assert parts_of([body], b'a "b" c') == [({}, b"x", True)]


def test_folded_header_lines_are_joined() -> None:
    assert parts_of([b"--B\r\nA: 1\r\n\t2\r\n\r\n\r\n--B--"])[0][0] == {"a": "1 2"}


@pytest.mark.parametrize("boundary", [b"", b"a" * 201, b"a ", b"a\r\nb", b"\xff", b"a\0"])
def test_a_boundary_has_1_to_70_printable_characters(boundary: bytes) -> None:
    with pytest.raises(MultipartError):
        MultipartParser(boundary, max_parts=1, max_header_bytes=1)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(TooManyParts):
        parts_of([b"--B\r\n\r\nx" * 1 + b"\r\n--B\r\n\r\nx" * 2], max_parts=2)


@pytest.mark.parametrize("line", [b"H: " + b"x" * 2000, b"H: 1\r\n" * 400, b"H: " + b"x" * 2000 + b"\r\n"])
def test_too_large_headers_are_refused(line: bytes) -> None:
    body = b"--B\r\n" + line

    with pytest.raises(PartHeadersTooLarge):
        parts_of([body])
    with pytest.raises(PartHeadersTooLarge):
        parts_of([body[i : i + 7] for i in range(0, len(body), 7)])


_PIECES = st.sampled_from(
    [
        b"--B",
        b"--B--",
        b"\r\n",
        b"\n",
        b"\r",
        b"-",
        b" ",
        b"\t",
        b"H: 1",
        b":",
        b"x",
        b"\r\n--B\r\n",
        b"\r\n\r\n",
        b"\0" * 9,
    ]
)


@given(st.lists(_PIECES, max_size=24).map(b"".join), st.data())
@settings(max_examples=400, deadline=None)
def test_any_split_of_a_body_gives_the_same_parts(body: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8).map(sorted))
    edges = [0, *cuts, len(body)]

    expected = parts_of([body])

    assert parts_of([body[first:last] for first, last in pairwise(edges)]) == expected
    assert parts_of([body[i : i + 1] for i in range(len(body))]) == expected


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_again(payloads: list[bytes], size: int) -> None:
    boundary = new_boundary()
    body = b"".join(
        part_header(boundary, content_type="a/b", content_location="http://x/y", content_length=len(data))
        + data
        + b"\r\n"
        for data in payloads
    ) + closing_delimiter(boundary)

    parts = parts_of([body[i : i + size] for i in range(0, len(body), size)], boundary.encode())

    assert parts == [
        ({"content-type": "a/b", "content-location": "http://x/y", "content-length": str(len(data))}, data, True)
        for data in payloads
    ]


def test_a_whole_chunk_of_part_data_is_not_copied() -> None:
    parser = MultipartParser(b"B", max_parts=1, max_header_bytes=100)
    parser.feed(b"--B\r\n\r\n")
    chunk = bytes(1000)

    (_, event) = parser.feed(chunk)

    assert isinstance(event, PartData)
    assert event.data is chunk


@pytest.mark.requirement("PAY-02")
def test_a_part_header_begins_with_the_boundary_and_the_content_type() -> None:
    header = part_header("B", content_type="application/dicom", content_location="http://x/i", content_length=3)

    assert header == (
        b"--B\r\nContent-Type: application/dicom\r\nContent-Location: http://x/i\r\nContent-Length: 3\r\n\r\n"
    )


def test_boundaries_are_fresh_or_follow_from_a_validator() -> None:
    assert new_boundary() != new_boundary()
    assert new_boundary('"tag"') == new_boundary('"tag"') != new_boundary('"other"')
