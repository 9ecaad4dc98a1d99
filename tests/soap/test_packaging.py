from __future__ import annotations

import contextlib
import email.parser
import email.policy
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.soap.faults import SoapFault
from hilum.soap.packaging import (
    Attachment,
    UnsupportedPackaging,
    new_content_id,
    packed_mtom,
    packed_plain,
    unpacked,
)
from soap_messages import mtom


def package(message: bytes, documents: list[list[bytes]]) -> tuple[str, bytes]:
    attachments = [
        Attachment(new_content_id(number), "application/dicom", lambda chunks=chunks: iter(chunks))  # type: ignore[misc]  # a default binds the loop's value
        for number, chunks in enumerate(documents, 1)
    ]
    packed = packed_mtom(message, attachments)
    return packed.content_type, b"".join(packed.chunks)


@settings(max_examples=60)
@given(st.binary(max_size=200), st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=4))
def test_packages_say_the_same_to_an_independent_reader(message: bytes, documents: list[list[bytes]]) -> None:
    content_type, body = package(message, documents)

    boundary = content_type.rpartition('boundary="')[2].rstrip('"').encode()
    assert body.startswith(b"--" + boundary + b"\r\n")
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")
    pieces = body[: -len(boundary) - 8].split(b"--" + boundary + b"\r\n")[1:]
    contents = [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces]
    assert contents[0] == message
    assert contents[1:] == [b"".join(chunks) for chunks in documents]


def test_parts_are_named_as_they_are_referred_to() -> None:
    content_type, body = package(b"<m/>", [[b"one"], [b"two"]])

    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    parts = list(parser.parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body).iter_parts())
    assert [part["Content-ID"] for part in parts] == ["<root@hilum>", "<document1@hilum>", "<document2@hilum>"]
    assert {part["Content-Transfer-Encoding"] for part in parts} == {"binary"}
    attachment = Attachment("a b/1@hilum", "application/dicom", lambda: iter(()))
    assert unquote(attachment.reference) == "cid:a b/1@hilum"


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_what_is_packed_is_unpacked(message: bytes) -> None:
    assert unpacked(*package(message, [[b"x"]])).message == message
    assert unpacked(packed_plain(message).content_type, message).message == message


def test_the_part_that_start_names_is_the_message() -> None:
    _, body = mtom(b"<second/>")
    first = b"--B\r\nContent-ID: <other>\r\n\r\n<first/>\r\n"
    content_type = 'multipart/related; start="{}"; boundary=B'

    assert unpacked(content_type.format("<root@test>"), first + body).message == b"<second/>"
    assert unpacked(content_type.format("nowhere"), first + body).message == b"<first/>"


@settings(max_examples=150)
@given(
    st.binary(max_size=300), st.sampled_from(["multipart/related; boundary=B", "multipart/related", "text/xml", "x"])
)
def test_no_payload_does_harm(payload: bytes, content_type: str) -> None:
    with contextlib.suppress(SoapFault, UnsupportedPackaging):
        unpacked(content_type, payload)


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data; boundary=B", ";;"])
def test_other_media_types_are_no_packaging(content_type: str) -> None:
    with pytest.raises(UnsupportedPackaging):
        unpacked(content_type, b"")
