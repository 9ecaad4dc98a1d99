from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from hilum.dicom.building.contents import FileRange, Held, SpoolRange


def test_contents_give_their_bytes_wherever_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with tempfile.TemporaryFile() as spool:
        spool.write(b"0123456789")
        spool.flush()
        contents = (Held(b"2345"), FileRange(path, 2, 4), FileRange(path, 1, 9).part(1, 4), SpoolRange(spool, 2, 4))

        assert [(one.length, b"".join(one.chunks())) for one in contents] == [(4, b"2345")] * 4
    assert FileRange(path, 2, 4).read(3, 10) == b"5"


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"01")

    with pytest.raises(EOFError):
        list(FileRange(path, 0, 10).chunks())
