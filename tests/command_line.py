"""The command `hilum` as a program, and files for it to work on."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

HILUM = (sys.executable, "-m", "hilum.cli.main")
STUDY, SERIES = "1.2.826.0.1.3680043.10.99.1", "1.2.826.0.1.3680043.10.99.2"


def part10(sop_instance_uid: str, *, study: str = STUDY, series: str = SERIES, pixels: bytes = b"\0\1") -> bytes:
    """Return a Part 10 object in Explicit VR Little Endian."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data_set.file_meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    data_set.SOPClassUID = SecondaryCaptureImageStorage
    data_set.SOPInstanceUID = sop_instance_uid
    data_set.StudyInstanceUID = study
    data_set.SeriesInstanceUID = series
    data_set.PatientID = "P1"
    data_set.Modality = "OT"
    data_set.Rows, data_set.SamplesPerPixel = 2048 if len(pixels) > 4096 else 2, 1
    data_set.Columns = len(pixels) // data_set.Rows
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 8, 8, 7, 0
    data_set.PixelData = pixels
    data_set["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def write_objects(folder: Path, count: int, *, study: str = STUDY, series: str = SERIES) -> list[str]:
    """Write `count` instances of one series; return their UIDs."""
    folder.mkdir(parents=True, exist_ok=True)
    template = part10(f"{series}.100000", study=study, series=series)
    uids = [f"{series}.{100000 + number}" for number in range(count)]
    for uid in uids:
        (folder / f"{uid}.dcm").write_bytes(template.replace(uids[0].encode(), uid.encode()))
    return uids
