"""What a server may answer in place of one object."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hilum.cli.agent.fetching import _object_bytes, _write
from hilum.cli.agent.pace import Pace

OBJECT = bytes(128) + b"DICM" + b"rest"
MULTIPART = {"content-type": 'multipart/related; type="application/dicom"; boundary=B'}


def part(content: bytes) -> bytes:
    return b"--B\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n"


def taken(content: bytes, headers: dict[str, str]) -> bytes:
    return b"".join(_object_bytes(httpx.Response(200, content=content, headers=headers), Pace(0)))


def test_an_object_comes_by_itself_or_as_the_only_part() -> None:
    assert taken(OBJECT, {"content-type": "application/dicom"}) == OBJECT
    assert taken(part(OBJECT) + b"--B--\r\n", MULTIPART) == OBJECT


@pytest.mark.parametrize(
    ("content", "headers", "reason"),
    [
        (part(OBJECT) * 2 + b"--B--", MULTIPART, "2 objects"),
        (b"--B--\r\n", MULTIPART, "0 objects"),
        (part(OBJECT), MULTIPART, "cut off"),
        (OBJECT, {"content-type": "multipart/related"}, "something else"),
        (b"<html>", {"content-type": "text/html"}, "something else"),
    ],
)
def test_anything_else_is_refused(content: bytes, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        taken(content, headers)


def test_what_is_no_object_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Part 10 object"):
        _write(tmp_path / "study" / "one.dcm", iter([b"hello"]))

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
