import pytest

from hilum.wire.ranges import ByteRange, RangeNotSatisfiable, parse_range


@pytest.mark.requirement("WADO-50")
@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 10),
        ("bytes=3-5", 3, 6),
        ("bytes=9-", 9, 10),
        ("bytes=3-500", 3, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-500", 0, 10),
        ("Bytes = 3 - 5", 3, 6),
        ("bytes=3-" + "9" * 40, 3, 10),
    ],
)
def test_a_single_range_is_half_open(text: str, start: int, stop: int) -> None:
    assert parse_range(text, 10) == ByteRange(start, stop, 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=0-1,4-5",
        "items=0-1",
        "bytes=0--1",
        "bytes=" + "1" * 99 + "-",
    ],
)
def test_what_is_no_single_byte_range_is_ignored(text: str) -> None:
    assert parse_range(text, 10) is None


@pytest.mark.parametrize(
    ("text", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_a_range_behind_the_end_is_not_satisfiable(text: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        parse_range(text, size)

    assert caught.value.content_range == f"bytes */{size}"


@pytest.mark.requirement("HDR-05")
def test_the_content_range_names_the_last_byte() -> None:
    byte_range = ByteRange(3, 6, 10)

    assert (byte_range.length, byte_range.content_range) == (3, "bytes 3-5/10")
