from __future__ import annotations

import gzip
from collections.abc import Callable
from http import HTTPStatus

import imagecodecs
import pytest
import zstandard

from hilum.web.transfer.coding import Coding, coding_of, compress, compressed_chunks

DECODERS: dict[Coding, Callable[[bytes], bytes]] = {
    Coding.GZIP: gzip.decompress,
    Coding.ZSTD: lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    Coding.BROTLI: lambda body: bytes(imagecodecs.brotli_decode(body)),
    Coding.IDENTITY: bytes,
}
TEXT = b'{"00100010":{"vr":"PN"}},' * 1000
ALL = "gzip, deflate, br, zstd"


@pytest.mark.requirement("NEG-21")
@pytest.mark.parametrize("coding", Coding)
def test_what_is_compressed_can_be_read(coding: Coding) -> None:
    assert DECODERS[coding](compress(TEXT, coding)) == TEXT


@pytest.mark.parametrize("coding", [Coding.ZSTD, Coding.GZIP, Coding.IDENTITY])
def test_chunks_are_compressed_as_one_body(coding: Coding) -> None:
    assert DECODERS[coding](b"".join(compressed_chunks(iter([TEXT] * 50), coding))) == TEXT * 50


@pytest.mark.requirement("HDR-03")
@pytest.mark.parametrize(
    ("content_type", "status", "body", "accepted", "coding"),
    [
        ("application/dicom+json", HTTPStatus.OK, TEXT, ALL, Coding.ZSTD),
        ("application/dicom+json", HTTPStatus.OK, TEXT, "br, gzip", Coding.BROTLI),
        ("application/dicom+json", HTTPStatus.OK, None, "br, gzip", Coding.GZIP),
        ("text/html; charset=utf-8", HTTPStatus.OK, TEXT, "gzip", Coding.GZIP),
        ("application/dicom+json", HTTPStatus.OK, TEXT[:1000], ALL, Coding.IDENTITY),
        ("application/dicom+json", HTTPStatus.PARTIAL_CONTENT, TEXT, ALL, Coding.IDENTITY),
        ("application/octet-stream", HTTPStatus.OK, TEXT, ALL, Coding.IDENTITY),
        ("multipart/related", HTTPStatus.OK, TEXT, ALL, Coding.IDENTITY),
        ("application/dicom+json", HTTPStatus.OK, TEXT, "", Coding.IDENTITY),
    ],
)
def test_text_of_some_length_is_worth_a_coding(
    content_type: str, status: HTTPStatus, body: bytes | None, accepted: str, coding: Coding
) -> None:
    headers = {"content-type": content_type, "etag": '"tag"', "vary": "Accept"}

    assert coding_of(headers, status, body, None, accepted) is coding
    if coding is not Coding.IDENTITY:
        assert headers["content-encoding"] == coding.value
        assert headers["etag"] == f'"tag-{coding.value}"'
        assert headers["vary"] == "Accept, Accept-Encoding"


def test_a_payload_that_has_a_coding_gets_no_other() -> None:
    headers = {"content-type": "application/json", "content-encoding": "zstd"}

    assert coding_of(headers, HTTPStatus.OK, TEXT, None, ALL) is Coding.IDENTITY
