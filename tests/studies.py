"""Studies of every kind that the page shows, for tests in a browser."""

from __future__ import annotations

import io
from pathlib import Path

import av
import httpx
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
)

from samples import encode, make_dataset, make_series, packaged_objects
from videos import MPEG_4, video

HOSTILE_NAMES = (
    '<script>alert(1)</script>^"O\'Neil"',
    "<img src=x onerror=alert(1)>^&amp;",
    "כהן^דוד",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
)
CT_SLICES = 12
STUDIES = 30
"""More than one page of the list."""


def store(url: str, objects: list[bytes]) -> None:
    """Store objects, each in a request of its own."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        for one in objects:
            headers = {"Accept": "application/dicom+json", "Content-Type": "application/dicom"}
            response = client.post(f"{url}/studies", content=one, headers=headers)
            assert response.status_code == 200, response.text


def store_samples(url: str) -> None:
    """Store all studies of this module."""
    store(url, [*ct(), multi_frame(), report(), pdf(), ecg(), movie(), *hostile(), *many()])


def ct() -> list[bytes]:
    """Return a series of slices of a ball, with a window, private attributes and a sequence."""
    y, x = np.mgrid[-64:64, -64:64]
    datasets = make_series(
        CT_SLICES,
        SOPClassUID=CTImageStorage,
        Modality="CT",
        PatientName="Ball^Grey",
        PatientID="CT1",
        AccessionNumber="ACC-CT",
        StudyDescription="Phantom of a ball",
        SeriesDescription="Thin slices",
        StudyDate="20250304",
        Rows=128,
        Columns=128,
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=1,
        RescaleIntercept=0,
        RescaleSlope=1,
        WindowCenter=40,
        WindowWidth=400,
    )
    for index, dataset in enumerate(datasets):
        radius = 20 + 3 * index
        pixels = np.where(x**2 + y**2 < radius**2, 40 + 100 * (x > 0), -1000).astype(np.int16)
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.private_block(0x0011, "ACME 1.0", create=True).add_new(0x01, "LO", "a private value")
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "CODE1", "99TEST", "Head scan"
        dataset.ProcedureCodeSequence = Sequence([code])
    return [encode(dataset) for dataset in datasets]


def multi_frame() -> bytes:
    """Return ten frames, each of another grey."""
    frames = np.repeat(np.arange(10, 250, 24, dtype=np.uint8), 32 * 32).reshape(10, 32, 32)
    return encode(
        make_dataset(
            SOPClassUID=MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
            PatientName="Frames^Ten",
            PatientID="MF1",
            Modality="US",
            NumberOfFrames=10,
            Rows=32,
            Columns=32,
            CineRate=20,
            PixelData=frames.tobytes(),
        )
    )


def report() -> bytes:
    """Return a structured report of one section with a text and a measurement."""
    dataset = _without_image(make_dataset(SOPClassUID=BasicTextSRStorage, PatientName="Report^One", PatientID="SR1"))
    dataset.Modality, dataset.CompletionFlag, dataset.VerificationFlag = "SR", "COMPLETE", "UNVERIFIED"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = _code("Imaging Report")
    finding = Dataset()
    finding.RelationshipType, finding.ValueType = "CONTAINS", "TEXT"
    finding.ConceptNameCodeSequence, finding.TextValue = _code("Finding"), "A <b>round</b> shadow"
    length, value = Dataset(), Dataset()
    length.RelationshipType, length.ValueType, length.ConceptNameCodeSequence = "CONTAINS", "NUM", _code("Diameter")
    value.NumericValue, value.MeasurementUnitsCodeSequence = 12, _code("millimeter", "mm")
    length.MeasuredValueSequence = Sequence([value])
    section = Dataset()
    section.RelationshipType, section.ValueType, section.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    section.ConceptNameCodeSequence, section.ContentSequence = _code("Findings"), Sequence([finding, length])
    dataset.ContentSequence = Sequence([section])
    return encode(dataset)


def pdf() -> bytes:
    """Return a document of one empty page."""
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    dataset = _without_image(make_dataset(SOPClassUID=EncapsulatedPDFStorage, PatientName="Letter^A", PatientID="PDF1"))
    dataset.Modality, dataset.DocumentTitle, dataset.MIMETypeOfEncapsulatedDocument = "DOC", "Letter", "application/pdf"
    dataset.EncapsulatedDocument = body + b"\0" * (len(body) % 2)
    return encode(dataset)


def ecg() -> bytes:
    """Return the waveform that comes with pydicom."""
    dataset = pydicom.dcmread(packaged_objects()["waveform_ecg.dcm"])
    dataset.PatientID = "ECG1"
    return encode(dataset, dataset.file_meta.TransferSyntaxUID)


def movie() -> bytes:
    """Return one second of video."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index * 10, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = buffer.getvalue()
    dataset = video([data + b"\0" * (len(data) % 2)])
    dataset.PatientName, dataset.PatientID, dataset.Rows, dataset.Columns = "Video^One", "VID1", 64, 64
    return encode(dataset, MPEG_4)


def hostile() -> list[bytes]:
    """Return a study for each name that would do harm, or look wrong, if it were not shown as text."""
    return [
        encode(make_dataset(PatientName=name, PatientID=f"HOSTILE{number}", StudyDescription="<b>bold</b> & \"q\" 'q'"))
        for number, name in enumerate(HOSTILE_NAMES)
    ]


def many() -> list[bytes]:
    """Return many studies of small pictures, of ascending dates."""
    return [
        encode(
            make_dataset(
                PatientName=f"Many^{number:02}", PatientID=f"MANY{number:02}", StudyDate=f"202001{number % 28 + 1:02}"
            )
        )
        for number in range(STUDIES)
    ]


def write_files(folder: Path, count: int) -> list[Path]:
    """Write that many objects of one series, and one that is broken, as files."""
    datasets = make_series(count, PatientName="Dropped^Files", PatientID="DROP1")
    files = []
    for number, dataset in enumerate(datasets):
        files.append(folder / f"image{number:03}.dcm")
        files[-1].write_bytes(encode(dataset))
    files.append(folder / "broken.dcm")
    files[-1].write_bytes(bytes(128) + b"DICM" + b"nothing that follows is DICOM" * 20)
    return files


def _code(meaning: str, value: str = "CODE") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99TEST", meaning
    return Sequence([item])


def _without_image(dataset: Dataset) -> Dataset:
    for keyword in (
        *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
        *("SamplesPerPixel", "PhotometricInterpretation"),
    ):
        delattr(dataset, keyword)
    return dataset
