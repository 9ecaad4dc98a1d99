from __future__ import annotations

import json
from pathlib import Path

import pytest

from hilum.cli.agent.kinds import PlainKind, kind_of
from hilum.cli.agent.payloads import objects_payload, plain_data_set, plain_payload, tag_of
from hilum.cli.importing.sources import FileCandidate
from hilum.wire.multipart import MultipartParser, PartBegin, PartData


def parts(boundary: str, body: bytes) -> list[tuple[dict[str, str], bytes]]:
    parser = MultipartParser(boundary.encode(), max_parts=10, max_header_bytes=1000)
    found: list[tuple[dict[str, str], bytes]] = []
    for event in [*parser.feed(body), *parser.close()]:
        if isinstance(event, PartBegin):
            found.append((dict(event.headers), b""))
        elif isinstance(event, PartData):
            found[-1] = (found[-1][0], found[-1][1] + bytes(event.data))
    return found


def candidate(path: Path, content: bytes) -> FileCandidate:
    path.write_bytes(content)
    return FileCandidate(str(path), len(content), named=True)


def test_the_payload_of_objects_holds_the_files_and_is_as_long_as_told(tmp_path: Path) -> None:
    payload = objects_payload([candidate(tmp_path / "a", b"one"), candidate(tmp_path / "b", b"two")])

    body = b"".join(payload.chunks())

    assert len(body) == payload.length
    assert [content for _, content in parts(payload.boundary, body)] == [b"one", b"two"]
    assert payload.content_type.startswith('multipart/related; type="application/dicom"; boundary=')


def test_a_plain_file_is_the_bulk_data_of_its_metadata(tmp_path: Path) -> None:
    file = candidate(tmp_path / "a.pdf", b"%PDF-1.4 x")
    kind = kind_of(file.path)
    assert isinstance(kind, PlainKind)
    data_set = plain_data_set(kind, {"00100010": "Grün^Ada", "00200011": "3"}, number=7)

    payload = plain_payload(file, kind, data_set)

    (_, metadata), (headers, content) = parts(payload.boundary, b"".join(payload.chunks()))
    (instance,) = json.loads(metadata)
    assert instance["00420011"] == {"vr": "OB", "BulkDataURI": headers["content-location"]}
    assert instance["00420012"]["Value"] == ["application/pdf"]
    assert instance["00100010"]["Value"] == [{"Alphabetic": "Grün^Ada"}]
    assert instance["00200011"]["Value"] == [3]
    assert instance["00200013"]["Value"] == [7]
    assert content == b"%PDF-1.4 x"


def test_attributes_are_named_by_keyword_or_tag() -> None:
    assert tag_of("PatientID") == tag_of("00100020") == "00100020"


@pytest.mark.parametrize("name", ["NoSuchThing", "ReferencedStudySequence", "ReferencedStudySequence.StudyID", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="attribute"):
        tag_of(name)
