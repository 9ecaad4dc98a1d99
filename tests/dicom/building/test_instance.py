from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from hilum.dicom.building.completing import Identity, new_uid
from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.images import Bounds
from hilum.dicom.building.instance import BulkPart, Change, Made, Workshop, make_instance
from hilum.dicom.building.model import read_model
from hilum.dicom.reading.instance import DecodeError
from movies import movie, mpeg_2
from scanning import read

RGB = np.random.default_rng(7).integers(0, 255, (24, 32, 3), dtype=np.uint8)
DEEP = np.random.default_rng(7).integers(0, 4095, (24, 32), dtype=np.uint16)


@dataclass(frozen=True)
class Bench:
    folder: Path
    spool: BinaryIO


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with tempfile.TemporaryFile(dir=tmp_path) as spool:
        yield Bench(tmp_path, spool)


def picture(form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, form, **options)
    return buffer.getvalue()


def made(bench: Bench, media_type: str, data: bytes | bytearray, **attributes: Any) -> Made:
    path = bench.folder / "content"
    path.write_bytes(data)
    part = BulkPart(media_type, "", FileRange(path, 0, len(data)))
    workshop = Workshop(lambda _uri: [part], Bounds(2**24, 2**24), lambda: bench.spool, Identity(new_uid(), new_uid()))
    return make_instance(read_model({"PatientID": "X", "PatientName": "A^B", **attributes}), part, workshop)


CONTENTS = {
    "jpeg": ("image/jpeg", picture("JPEG"), "1.2.840.10008.5.1.4.1.1.77.1.4"),
    "progressive": ("image/jpeg", picture("JPEG", progressive=True), "1.2.840.10008.5.1.4.1.1.77.1.4"),
    "jpeg-ls": ("image/jls", imagecodecs.jpegls_encode(DEEP), "1.2.840.10008.5.1.4.1.1.7"),
    "jpeg-2000": ("image/jp2", imagecodecs.jpeg2k_encode(RGB, level=0), "1.2.840.10008.5.1.4.1.1.77.1.4"),
    "png": ("image/png", picture("PNG"), "1.2.840.10008.5.1.4.1.1.77.1.4"),
    "gif": (
        "image/gif",
        picture("GIF", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        "1.2.840.10008.5.1.4.1.1.7.4",
    ),
    "mp4": ("video/mp4", movie(), "1.2.840.10008.5.1.4.1.1.77.1.4.1"),
    "mpeg-2": ("video/mpeg", mpeg_2(pictures=2), "1.2.840.10008.5.1.4.1.1.77.1.4.1"),
    "pdf": ("application/pdf", b"%PDF-1.4\n", "1.2.840.10008.5.1.4.1.1.104.1"),
    "cda": (
        "text/xml",
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2"/></ClinicalDocument>',
        "1.2.840.10008.5.1.4.1.1.104.2",
    ),
    "stl": ("model/stl", bytes(80) + bytes(4), "1.2.840.10008.5.1.4.1.1.104.3"),
    "text": ("text/plain", "Hallo é\n".encode(), "1.2.840.10008.5.1.4.1.1.88.11"),
}


@pytest.mark.requirement("STOW-20", "STOW-24", "STOW-25")
@pytest.mark.parametrize("name", CONTENTS)
def test_each_content_becomes_an_instance_of_its_class(bench: Bench, name: str) -> None:
    media_type, data, sop_class_uid = CONTENTS[name]

    instance = made(bench, media_type, data)

    blob = b"".join(instance.chunks())
    scanned = read(blob).instance
    data_set = pydicom.dcmread(io.BytesIO(blob))
    assert (scanned.fallback, scanned.sop_class_uid, data_set.PatientID) == (None, sop_class_uid, "X")
    assert (instance.changes, instance.original_attributes) == ([], [])


@pytest.mark.interop
@pytest.mark.requirement("STOW-20")
@pytest.mark.parametrize("name", CONTENTS)
def test_dciodvfy_finds_no_error_in_made_instances(bench: Bench, name: str) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy is not installed")
    media_type, data, _ = CONTENTS[name]
    path = bench.folder / "made.dcm"
    path.write_bytes(b"".join(made(bench, media_type, data).chunks()))

    done = subprocess.run([program, path], capture_output=True, text=True, errors="replace", check=False)

    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    # What part of the body a video shows, only the sender knows.
    assert [line for line in errors if "AnatomicRegionSequence" not in line] == []


@pytest.mark.requirement("STOW-22")
def test_what_contradicts_the_content_is_corrected_and_kept_as_original(bench: Bench) -> None:
    instance = made(bench, "image/jpeg", picture("JPEG"), Rows={"vr": "US", "Value": [9]})

    stored = pydicom.dcmread(io.BytesIO(b"".join(instance.chunks())))
    assert [change for change, _ in instance.changes] == [Change.COERCED]
    assert stored.Rows == 24
    assert stored.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].Rows == 9


@pytest.mark.requirement("STOW-18")
def test_the_metadata_may_name_the_transfer_syntax_of_octets(bench: Bench) -> None:
    instance = made(
        bench,
        "application/octet-stream",
        picture("JPEG"),
        AvailableTransferSyntaxUID="1.2.840.10008.1.2.4.50",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
        SOPInstanceUID="1.2.3",
        StudyInstanceUID="1.2.4",
        SeriesInstanceUID="1.2.5",
    )

    blob = b"".join(instance.chunks())
    assert read(blob).instance.transfer_syntax_uid == "1.2.840.10008.1.2.4.50"
    assert picture("JPEG") in blob


def test_octets_without_a_description_are_refused(bench: Bench) -> None:
    with pytest.raises(DecodeError, match="describe"):
        made(bench, "application/octet-stream", b"1234")
