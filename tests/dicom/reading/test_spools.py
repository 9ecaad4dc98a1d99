"""Byte strings that do not stand in memory."""

from __future__ import annotations

import io
import mmap
import tempfile

import pytest

from hilum.dicom.reading.spools import Overflow, Sidecar, mapped, source_of
from scanning import open_spool


def test_bytes_and_whole_maps_are_sources_as_they_are() -> None:
    blob = b"0123456789"
    with source_of(blob, open_spool) as source:
        assert source is blob
    with tempfile.TemporaryFile() as file:
        file.write(blob)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole, memoryview(whole) as view:
            with source_of(view, open_spool) as source:
                assert source is whole
            with source_of(view[2:5], open_spool) as source:
                assert source[:] == b"234"


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_other_views_are_copied(size: int) -> None:
    blob = bytes(range(256)) * (size // 256 + 1)

    with memoryview(bytearray(blob)) as view, source_of(view, open_spool) as source:
        assert source[:] == blob


def test_spools_in_memory_can_be_mapped_too() -> None:
    with mapped(io.BytesIO(b"abc")) as source:
        assert source[:] == b"abc"


def test_tokens_stand_for_texts_and_may_be_nested() -> None:
    overflow = Overflow(open_spool)
    inner = overflow.put(b"inner")
    outer = overflow.put(b"<" + inner + b">")

    assert b"".join(overflow.expand(b"a" + outer + b"b" + inner + b"c")) == b"a<inner>binnerc"
    overflow.close()


def test_a_token_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="token"):
        list(Overflow(open_spool).expand(b"\0" + b"0" * 32))


@pytest.mark.parametrize("pieces", [[], [b"a", b"b"], [b"x" * 700_000] * 3, [b"y"] * 20_001])
def test_a_sidecar_holds_what_was_written(pieces: list[bytes]) -> None:
    sidecar = Sidecar(open_spool)
    for piece in pieces:
        sidecar.write(piece)

    finished = sidecar.finish()

    whole = finished if isinstance(finished, bytes) else finished.read()
    assert whole == b"".join(pieces)
    assert sidecar.length == len(whole)
    sidecar.close()
