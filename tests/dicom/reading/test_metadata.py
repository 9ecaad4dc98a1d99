"""Compressed metadata."""

from __future__ import annotations

import os
import struct

import zstandard

from hilum.dicom.reading.metadata import METADATA_IN_MEMORY, Metadata, compress_metadata
from hilum.dicom.reading.spools import Overflow
from scanning import open_spool

_REFERENCE = b'{"vr":"OB","BulkDataURI":"/bulkdata/00420011"}'


def text_of(metadata: Metadata) -> bytes:
    body = metadata.body if isinstance(metadata.body, bytes) else metadata.body.read()
    if not isinstance(metadata.body, bytes):
        metadata.body.close()
    text = zstandard.ZstdDecompressor().decompress(body)
    assert len(text) == metadata.size
    return text


def test_uri_offsets_are_where_the_uris_begin() -> None:
    text = b'{"00420011":%b,"00990010":{"vr":"LO","Value":[",\\"BulkDataURI\\":\\"/bulkdata/"]}}' % _REFERENCE

    metadata = compress_metadata(text, Overflow(open_spool), open_spool)

    assert text_of(metadata) == text
    assert metadata.uri_offsets == struct.pack("<Q", text.index(b"/bulkdata/"))


def test_text_in_the_overflow_is_put_in_its_place() -> None:
    overflow = Overflow(open_spool)
    inner = overflow.put(b"[%b]" % _REFERENCE)
    outer = overflow.put(b"[1,%b,%b,2]" % (inner, _REFERENCE))

    metadata = compress_metadata(b"{%b,%b}" % (outer, _REFERENCE), overflow, open_spool)

    text = text_of(metadata)
    assert text == b"{[1,[%b],%b,2],%b}" % (_REFERENCE, _REFERENCE, _REFERENCE)
    offsets = struct.unpack("<3Q", metadata.uri_offsets)
    assert all(text[offset:].startswith(b"/bulkdata/00420011") for offset in offsets)
    overflow.close()


def test_long_bodies_are_spools() -> None:
    noise = b'"%b"' % os.urandom(METADATA_IN_MEMORY).hex().encode()
    overflow = Overflow(open_spool)

    for text in (noise * 3, noise * 3 + overflow.put(noise)):
        metadata = compress_metadata(text, overflow, open_spool)
        assert not isinstance(metadata.body, bytes)
        assert text_of(metadata) == noise * (4 if b"\0" in text else 3)
    overflow.close()
