"""Requests as user agents make them, and answers taken apart without our own code."""

from __future__ import annotations

import email.parser
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydicom.dataset import Dataset

BOUNDARY = "test-boundary-52"
JSON = {"Accept": "application/dicom+json"}
OBJECTS = {"Accept": 'multipart/related; type="application/dicom"'}
OBJECTS_AS_STORED = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
OCTETS = {"Accept": 'multipart/related; type="application/octet-stream"'}


@dataclass(frozen=True)
class Part:
    headers: dict[str, str]
    content: bytes


def multipart_body(objects: Sequence[bytes], boundary: str = BOUNDARY) -> bytes:
    parts = [b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (boundary.encode(), item) for item in objects]
    return b"".join(parts) + b"--%b--\r\n" % boundary.encode()


def store(client: httpx.Client, *objects: bytes, study: str = "") -> httpx.Response:
    """Store Part 10 objects in one request."""
    return client.post(
        f"/studies/{study}" if study else "/studies",
        content=multipart_body(objects),
        headers={"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', **JSON},
    )


def parts_of(response: httpx.Response) -> list[Part]:
    """Take a multipart answer apart, strictly: the body is delimiters and parts, nothing else."""
    message = email.parser.HeaderParser(policy=email.policy.HTTP).parsestr(
        f"Content-Type: {response.headers['content-type']}\n\n"
    )
    assert message.get_content_type() == "multipart/related"
    boundary = message.get_boundary()
    assert boundary is not None
    delimiter = b"--" + boundary.encode()
    body = response.content
    assert body.startswith(delimiter + b"\r\n")
    assert body.rstrip(b"\r\n").endswith(delimiter + b"--")
    pieces = body.split(b"\r\n" + delimiter)
    pieces[0] = pieces[0][len(delimiter) :]
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return Part({name.lower(): value for name, value in headers.items()}, content)


def path_of(dataset: Dataset) -> str:
    """Return the path of an instance's resource."""
    return f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def values(result: dict[str, Any], tag: str) -> list[Any]:
    """Return the values of an attribute of the DICOM JSON Model, [] if it is empty."""
    found: list[Any] = result[tag].get("Value", [])
    return found
