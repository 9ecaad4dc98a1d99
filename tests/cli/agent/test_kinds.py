from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cli.agent.kinds import PART10, PlainKind, kind_of


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
    ],
)
def test_plain_files_are_known_by_their_first_bytes(tmp_path: Path, head: bytes, media_type: str) -> None:
    (tmp_path / "file").write_bytes(head + bytes(200))

    kind = kind_of(str(tmp_path / "file"))

    assert isinstance(kind, PlainKind)
    assert kind.media_type == media_type


def test_objects_are_known_with_and_without_a_preamble(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "bare").write_bytes(b"\x08\0\x05\0CS\x0a\0ISO_IR 100")

    assert kind_of(str(tmp_path / "whole")) is PART10
    assert kind_of(str(tmp_path / "bare")) is PART10


@pytest.mark.parametrize("content", [b"", b"hello", bytes(500)])
def test_anything_else_is_nothing_that_can_be_sent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    assert kind_of(str(tmp_path / "file")) is None
