from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from hilum.cli.importing.dicomdir import referenced_files

SAMPLE = Path(str(files("pydicom") / "data" / "test_files" / "dicomdirtests"))


def write_dicomdir(folder: Path, *names: str | list[str]) -> Path:
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    directory.DirectoryRecordSequence = [Dataset() for _ in names]
    for record, name in zip(directory.DirectoryRecordSequence, names, strict=True):
        record.add_new("ReferencedFileID", "LO", name)
    path = folder / "DICOMDIR"
    directory.save_as(path, enforce_file_format=True)
    return path


def test_a_real_dicomdir_names_its_files() -> None:
    found = referenced_files(SAMPLE / "DICOMDIR")

    assert len(found) == 31
    assert all(file is not None and file.is_relative_to(SAMPLE) for _, file in found)


def test_names_may_have_changed_their_case(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "im1").touch()

    found = referenced_files(write_dicomdir(tmp_path, ["IMAGES", "IM1"]))

    assert found == [("IMAGES/IM1", tmp_path / "images" / "im1")]


@pytest.mark.parametrize(
    "name", ["MISSING", ["..", "OUTSIDE"], "../OUTSIDE", "/etc/passwd", ".", ["SUB", "..", "..", "OUTSIDE"], "LINK"]
)
def test_nothing_outside_the_folder_is_named(tmp_path: Path, name: str | list[str]) -> None:
    folder = tmp_path / "disc"
    (folder / "SUB").mkdir(parents=True)
    (tmp_path / "OUTSIDE").touch()
    (folder / "LINK").symlink_to(tmp_path / "OUTSIDE")

    found = referenced_files(write_dicomdir(folder, name))

    assert [file for _, file in found] == [None]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "A").touch()

    assert len(referenced_files(write_dicomdir(tmp_path, "A", "A"))) == 1


@pytest.mark.parametrize("cut", [0, 10, 200, 2000])
def test_a_file_that_is_no_dicomdir_is_a_value_error(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "DICOMDIR"
    shutil.copy(SAMPLE / "DICOMDIR", path)
    path.write_bytes(b"junk" + path.read_bytes()[:cut])

    with pytest.raises(ValueError, match="cannot be read as DICOM"):
        referenced_files(path)
