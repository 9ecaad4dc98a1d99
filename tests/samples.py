"""Objects to test with: files that come with packages, and small ones made here. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

PREFIX = "1.2.826.0.1.3680043.10.1561."


def make_dataset(**attributes: Any) -> Dataset:
    """Return a small secondary capture of 4 x 4 pixels; `attributes` are added or replace."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid(PREFIX)
    dataset.StudyInstanceUID = generate_uid(PREFIX)
    dataset.SeriesInstanceUID = generate_uid(PREFIX)
    dataset.PatientName, dataset.PatientID = "Test^Person", "T1"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "O"
    dataset.StudyDate, dataset.StudyTime = "20240102", "101112"
    dataset.AccessionNumber, dataset.StudyID, dataset.ReferringPhysicianName = "A1", "S1", ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "OT", 1, 1
    dataset.ConversionType = "WSD"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = bytes(range(16))
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def encode(dataset: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """Return the dataset as a Part 10 object."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(PREFIX + "1")
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def make_object(**attributes: Any) -> bytes:
    """Return `make_dataset` as a Part 10 object."""
    return encode(make_dataset(**attributes))


def make_series(count: int, **attributes: Any) -> list[Dataset]:
    """Return `count` datasets of one series, with ascending instance numbers."""
    study, series = generate_uid(PREFIX), generate_uid(PREFIX)
    return [
        make_dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number, **attributes)
        for number in range(1, count + 1)
    ]


def noise(rows: int, columns: int, seed: int = 0) -> bytes:
    """Return pixels of 16 bits that no byte pattern repeats."""
    return np.random.default_rng(seed).integers(0, 4096, (rows, columns), dtype=np.uint16).tobytes()


def packaged_folders() -> list[Path]:
    """Return the folders of test objects that come with pydicom and the wheel `pydicom-data`."""
    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    found = importlib.util.find_spec("data_store")
    if found is not None and found.origin is not None:
        folders.append(Path(found.origin).parent / "data")
    return folders


def packaged_anew(name: str) -> tuple[Dataset, bytes]:
    """Return a packaged file under UIDs of its own, read and as bytes.

    Some packaged files are one instance in several transfer syntaxes, of which a server keeps the first that it gets.
    """
    dataset = pydicom.dcmread(packaged_objects()[name])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, generate_uid(PREFIX))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return dataset, buffer.getvalue()


@cache
def packaged_objects() -> Mapping[str, Path]:
    """Return the packaged files that pydicom reads as instances with all four UIDs, by name."""
    found: dict[str, Path] = {}
    for folder in packaged_folders():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _is_instance(path):
                found.setdefault(path.name, path)
    return found


def _is_instance(path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            return (
                all(
                    dataset.get(keyword)
                    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
                )
                and "TransferSyntaxUID" in dataset.file_meta
            )
        except Exception:  # noqa: BLE001 - whatever pydicom raises for what it cannot read
            return False
