from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.cli.importing.sources import (
    FileCandidate,
    MemberCandidate,
    Offer,
    SkippedLink,
    Unreadable,
    members,
    offers,
    printable,
)

NONE: frozenset[tuple[int, int]] = frozenset()


def files(found: list[Offer], root: Path) -> list[str]:
    return [os.path.relpath(offer.path, root) for offer in found if isinstance(offer, FileCandidate)]


def test_a_folder_offers_its_files_below_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/x/3", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"123")

    found = list(offers(tmp_path, excluded=NONE))

    assert files(found, tmp_path) == ["c", "a/x/3", "b/1", "b/2"]
    assert all(isinstance(offer, FileCandidate) and offer.size_bytes == 3 and not offer.named for offer in found)


def test_links_below_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    (root / "loop").symlink_to(root)

    found = list(offers(root, excluded=NONE))

    assert [type(offer) for offer in found] == [SkippedLink] * 3


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")

    (found,) = offers(tmp_path / "link", excluded=NONE)

    assert isinstance(found, FileCandidate)
    assert found.named


def test_pipes_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert list(offers(tmp_path, excluded=NONE)) == []


def test_the_archives_own_folder_is_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "blob").touch()
    (tmp_path / "file").touch()
    status = data.stat()

    found = list(offers(tmp_path, excluded=frozenset({(status.st_dev, status.st_ino)})))

    assert files(found, tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["missing", "nul\0byte"])
def test_a_path_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    (found,) = offers(tmp_path / name, excluded=NONE)

    assert isinstance(found, Unreadable)


def zip_of(path: Path, contents: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return str(path)


def test_members_of_a_zip_archive_are_candidates_whatever_their_names(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"../../etc/passwd": b"12", "/abs": b"3", "folder/": b"", "x": b""})

    found = members(archive, ratio=200)

    assert [(offer.number, offer.size_bytes) for offer in found if isinstance(offer, MemberCandidate)] == [
        (0, 2),
        (1, 1),
        (3, 0),
    ]


def test_an_archive_that_inflates_beyond_measure_is_cut_off(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "bomb.zip", {str(number): bytes(40_000_000) for number in range(3)})

    found = members(archive, ratio=200)

    assert isinstance(found[0], MemberCandidate)
    assert isinstance(found[-1], Unreadable)
    assert "inflation_ratio" in found[-1].reason


def test_a_directory_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 70_000_000, 0, 0))

    (found,) = members(str(archive), ratio=200)

    assert isinstance(found, Unreadable)
    assert "too large" in found.reason


def test_a_directory_that_only_zip64_admits_to_be_large_is_refused(tmp_path: Path) -> None:
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0, 0)
    archive = tmp_path / "a.zip"
    archive.write_bytes(record + locator + end)

    (found,) = members(str(archive), ratio=200)

    assert isinstance(found, Unreadable)
    assert "too large" in found.reason


@given(data=st.binary(max_size=200), position=st.integers(0, 300))
def test_broken_zip_archives_are_told_and_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, position: int
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    zip_of(path, {"a": b"1" * 50, "b": b"2"})
    content = bytearray(path.read_bytes())
    content[position : position + len(data)] = data
    path.write_bytes(content)

    assert all(isinstance(offer, MemberCandidate | Unreadable) for offer in members(str(path), ratio=200))


@given(st.text())
def test_printable_text_steers_no_terminal(text: str) -> None:
    assert printable(text).isprintable()
