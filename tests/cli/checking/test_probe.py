from __future__ import annotations

import httpx
import pytest

from hilum.cli.checking.probe import Probe, Seen
from hilum.cli.checking.records import CheckFailed


def seen(body: bytes, content_type: str = 'multipart/related; type="a/b"; boundary=x') -> Seen:
    return Seen(200, httpx.Headers({"Content-Type": content_type}), body)


def test_parts_are_told_apart() -> None:
    parts = seen(b"--x\r\nContent-Type: a/b\r\n\r\none\r\n--x\r\nContent-Type: a/b\r\n\r\ntwo\r\n--x--\r\n").parts()

    assert [content for _, content in parts] == [b"one", b"two"]
    assert parts[0][0] == {"content-type": "a/b"}


@pytest.mark.parametrize("body", [b"", b"--x\r\n\r\none", b"no boundary", b"--x--"])
def test_what_is_no_multipart_message_fails(body: bytes) -> None:
    with pytest.raises(CheckFailed):
        seen(body).parts()


def test_a_single_part_is_no_multipart_message() -> None:
    with pytest.raises(CheckFailed, match="text/plain"):
        seen(b"text", "text/plain").parts()


@pytest.mark.parametrize("body", [b"{", b"{}", b"[1]", b""])
def test_what_is_no_array_of_data_sets_fails(body: bytes) -> None:
    with pytest.raises(CheckFailed):
        seen(body, "application/dicom+json").data_sets()


def test_what_was_asked_can_be_asked_again_by_curl_and_holds_no_token() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(204))
    headers = {"Authorization": "Bearer secret"}
    with httpx.Client(base_url="http://host/dicomweb", transport=transport, headers=headers) as client:
        probe = Probe(client)
        probe.expect({204}, "/studies?PatientID=a b")
        probe.expect({204}, "/studies", None, method="HEAD")
        with pytest.raises(CheckFailed, match="204, not 200"):
            probe.expect({200}, "/studies")

    first, second, _ = probe.taken_exchanges()
    assert first.request == "-H 'Accept: application/dicom+json' 'http://host/dicomweb/studies?PatientID=a b'"
    assert second.request == "-I -H Accept: http://host/dicomweb/studies"
    assert first.answer == "204 (no Content-Type), 0 bytes"
    assert probe.taken_exchanges() == []
