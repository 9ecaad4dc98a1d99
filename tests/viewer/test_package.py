from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.viewer import package
from hilum.viewer.package import PackageRefused, check_package, read_package
from hilum.viewer.release import OHIF, Release
from viewer_packages import packed


def test_the_files_of_an_archive_are_read_in_its_order() -> None:
    files = {"dist/b.js": b"1", "LICENSE": b"MIT", "dist/deep/er/a.css": b""}

    assert list(read_package(io.BytesIO(packed(files)))) == list(files.items())


@pytest.mark.parametrize(
    "name",
    [
        "../outside.js",
        "package/../../outside.js",
        "/etc/passwd",
        "package//etc/passwd",
        "package/dist/../../../outside.js",
        "package/dist/.hidden",
        "package/dist/a\\b.js",
        "package/dist/C:x.js",
        "package/dist/new\nline.js",
        "package/" + "d/" * 20 + "deep.js",
        "package/" + "n" * 300,
        "package/dist/é.js",
        "other/dist/a.js",
        "package",
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(PackageRefused, match="of the name"):
        list(read_package(io.BytesIO(packed({name: b"x"}, root=""))))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_what_is_no_plain_file_is_refused(kind: bytes) -> None:
    member = tarfile.TarInfo("package/dist/a.js")
    member.type, member.linkname = kind, "/etc/passwd"

    with pytest.raises(PackageRefused, match="no plain file"):
        list(read_package(io.BytesIO(_archive(member))))


def test_names_that_differ_in_case_alone_are_one_name() -> None:
    with pytest.raises(PackageRefused, match="twice"):
        list(read_package(io.BytesIO(packed({"dist/a.js": b"1", "dist/A.js": b"2"}))))


def test_folders_are_passed_over() -> None:
    member = tarfile.TarInfo("package/dist")
    member.type = tarfile.DIRTYPE

    assert list(read_package(io.BytesIO(_archive(member)))) == []


def test_an_archive_that_inflates_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_UNPACKED_BYTES", 1_000_000)

    with pytest.raises(PackageRefused, match="unpacks to more than 1000000"):
        list(read_package(io.BytesIO(packed({"dist/a.js": bytes(2_000_000)}))))


def test_a_header_that_announces_more_than_the_archive_has_is_refused() -> None:
    member = tarfile.TarInfo("package/dist/a.js")
    member.size = 8 * 1024**3

    with pytest.raises(PackageRefused, match=r"broken|cut short"):
        list(read_package(io.BytesIO(gzip.compress(member.tobuf() + b"x" * 512))))


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_FILES", 3)

    with pytest.raises(PackageRefused, match="more than 3 files"):
        list(read_package(io.BytesIO(packed({f"dist/{number}.js": b"" for number in range(4)}))))


@given(st.data())
@settings(max_examples=60)
def test_a_cut_or_changed_archive_is_refused_or_read_as_it_was(data: st.DataObject) -> None:
    files = {"dist/a.js": b"some text " * 30, "LICENSE": b"MIT"}
    whole = bytearray(packed(files))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        found = dict(read_package(io.BytesIO(bytes(whole))))
    except PackageRefused:
        return
    # gzip's own header and trailer hold nothing of the files.
    assert found.items() <= files.items()


def test_only_the_pinned_bytes_are_the_release(tmp_path: Path) -> None:
    content = packed({"dist/a.js": b"1"})
    release = _release(content)
    same, other, longer = (tmp_path / name for name in ("same.tgz", "other.tgz", "longer.tgz"))
    same.write_bytes(content)
    other.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    longer.write_bytes(content + b"\0")

    check_package(same, release)
    with pytest.raises(PackageRefused, match="SHA-512"):
        check_package(other, release)
    with pytest.raises(PackageRefused, match="size"):
        check_package(longer, release)


def _release(content: bytes) -> Release:
    return replace(OHIF, size_bytes=len(content), sha512=hashlib.sha512(content).hexdigest())


def _archive(member: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(member)
    return buffer.getvalue()
