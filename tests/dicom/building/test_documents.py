from __future__ import annotations

from pathlib import Path

import pytest

from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.documents import DOCUMENT_TYPES, cda_identifier, check_document
from hilum.dicom.reading.instance import DecodeError

CDA = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2"/><id root="1.2" extension="7"/></ClinicalDocument>'
STL = bytes(80) + (1).to_bytes(4, "little") + bytes(50)


def file(tmp_path: Path, data: bytes) -> FileRange:
    path = tmp_path / "file"
    path.write_bytes(data)
    return FileRange(path, 0, len(data))


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", b"%PDF-1.4"),
        ("text/xml", CDA),
        ("model/stl", STL),
        ("model/obj", b"v 1"),
        ("model/mtl", b"a"),
    ],
)
def test_documents_are_known_by_their_content(tmp_path: Path, media_type: str, data: bytes) -> None:
    check_document(DOCUMENT_TYPES[media_type], file(tmp_path, data))


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", CDA),
        ("text/xml", b"<other/>"),
        ("text/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
        ("text/xml", b""),
        ("model/stl", STL + b"x"),
        ("model/obj", b"\0"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, media_type: str, data: bytes) -> None:
    with pytest.raises(DecodeError):
        check_document(DOCUMENT_TYPES[media_type], file(tmp_path, data))


def test_a_cda_document_tells_its_identifier(tmp_path: Path) -> None:
    assert cda_identifier(file(tmp_path, CDA)) == "1.2^7"
    assert cda_identifier(file(tmp_path, STL)) == ""
