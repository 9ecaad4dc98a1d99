from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.data.data_manager import DATA_ROOT

from hilum.cli.importing.reading import CandidateReader, CandidateUnreadable, NotTaken
from hilum.cli.importing.sources import Candidate, FileCandidate, MemberCandidate, members
from hilum.store.blobs.folder import FolderBlobs

MEGABYTE = 1024 * 1024
OBJECT = bytes(128) + b"DICM" + b"rest of the object"
DICOMDIR = Path(DATA_ROOT) / "test_files" / "dicomdirtests" / "DICOMDIR"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[CandidateReader]:
    folder = tmp_path / "data"
    (folder / "staging").mkdir(parents=True)
    with CandidateReader(FolderBlobs(folder), max_object_bytes=20 * MEGABYTE) as opened:
        yield opened


def candidate(path: Path, *, named: bool = False) -> FileCandidate:
    return FileCandidate(str(path), path.stat().st_size, named=named)


def staged_bytes(reader: CandidateReader, offered: Candidate) -> bytes:
    staged = reader.stage(offered)
    assert not isinstance(staged, NotTaken)
    return bytes(staged.buffer())


@pytest.mark.parametrize("size", [0, 1, 5_000, 8 * MEGABYTE, 9 * MEGABYTE + 7])
def test_a_file_is_staged_bit_for_bit(reader: CandidateReader, tmp_path: Path, size: int) -> None:
    content = OBJECT + os.urandom(size)
    (tmp_path / "file").write_bytes(content)

    assert staged_bytes(reader, candidate(tmp_path / "file")) == content


@pytest.mark.parametrize("content", [b"", b"DICM", bytes(131), b"text" * 100, bytes(128) + b"DICN" * 9])
def test_what_has_no_prefix_is_no_dicom(reader: CandidateReader, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    assert reader.stage(candidate(tmp_path / "file")) is NotTaken.NOT_DICOM
    assert list((tmp_path / "data" / "staging").iterdir()) == []


def test_a_dicomdir_is_no_instance(reader: CandidateReader) -> None:
    assert reader.stage(candidate(DICOMDIR)) is NotTaken.DIRECTORY


@pytest.mark.parametrize(
    ("name", "named", "expected"),
    [("a.zip", False, NotTaken.ARCHIVE), ("a.docx", False, NotTaken.NOT_DICOM), ("a.bin", True, NotTaken.ARCHIVE)],
)
def test_zip_archives_are_known_by_content_and_by_name_where_nobody_named_them(
    reader: CandidateReader, tmp_path: Path, name: str, named: bool, expected: NotTaken
) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("x", b"")

    assert reader.stage(candidate(tmp_path / name, named=named)) is expected


def test_a_link_that_took_the_place_of_a_file_is_not_followed(reader: CandidateReader, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(OBJECT)
    (tmp_path / "file").symlink_to(tmp_path / "target")

    with pytest.raises(CandidateUnreadable):
        reader.stage(FileCandidate(str(tmp_path / "file"), len(OBJECT), named=False))


def test_a_pipe_that_took_the_place_of_a_file_is_not_waited_for(reader: CandidateReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")

    with pytest.raises(CandidateUnreadable, match="no regular file"):
        reader.stage(FileCandidate(str(tmp_path / "file"), 1, named=True))


def test_a_file_that_went_away_is_told(reader: CandidateReader, tmp_path: Path) -> None:
    with pytest.raises(CandidateUnreadable, match="No such file"):
        reader.stage(FileCandidate(str(tmp_path / "file"), 1, named=False))


def test_a_file_that_grew_beyond_the_limit_leaves_nothing_behind(reader: CandidateReader, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OBJECT + bytes(21 * MEGABYTE))

    with pytest.raises(CandidateUnreadable, match="max_object_bytes"):
        reader.stage(FileCandidate(str(tmp_path / "file"), 1, named=False))
    assert list((tmp_path / "data" / "staging").iterdir()) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_of_zip_archives_are_staged_bit_for_bit(reader: CandidateReader, tmp_path: Path, method: int) -> None:
    contents = [OBJECT + os.urandom(number * MEGABYTE) for number in range(4)]
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"../{number}", content)

    offered = members(str(tmp_path / "a.zip"), ratio=200)

    assert [staged_bytes(reader, one) for one in offered if isinstance(one, MemberCandidate)] == contents


def test_members_that_could_take_any_memory_are_refused(reader: CandidateReader, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x", OBJECT)
    (offered,) = members(str(tmp_path / "a.zip"), ratio=200)
    assert isinstance(offered, MemberCandidate)

    with pytest.raises(CandidateUnreadable, match="compressed in a way"):
        reader.stage(offered)


def test_a_damaged_member_is_told_and_leaves_nothing_behind(reader: CandidateReader, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", OBJECT + bytes(3 * MEGABYTE))
    content = bytearray(path.read_bytes())
    content[2 * MEGABYTE] ^= 1
    path.write_bytes(content)
    (offered,) = members(str(path), ratio=200)
    assert isinstance(offered, MemberCandidate)

    with pytest.raises(CandidateUnreadable):
        reader.stage(offered)
    assert list((tmp_path / "data" / "staging").iterdir()) == []


def test_an_archive_that_changed_since_it_was_listed_is_told(reader: CandidateReader, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", OBJECT)

    for offered in (
        MemberCandidate(str(tmp_path / "a.zip"), 7, "x", 5),
        MemberCandidate(str(tmp_path / "a.zip"), 0, "x", 5),
    ):
        with pytest.raises(CandidateUnreadable):
            reader.stage(offered)
