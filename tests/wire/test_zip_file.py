from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.wire import zip_file
from hilum.wire.zip_file import ZipEntry, ZipEntryBroken, zip_chunks, zip_length


def chunked(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def entry(name: str, content: bytes, size: int = 1000) -> ZipEntry:
    return ZipEntry(name, len(content), partial(chunked, content, size))


def archive_of(entries: Sequence[ZipEntry]) -> bytes:
    archive = b"".join(zip_chunks(entries))
    assert len(archive) == zip_length(entries)
    return archive


contents = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([65534, 65535, 65536, 131070, 131071, 200_001]).map(lambda size: bytes(range(251)) * (size // 251)),
)


@pytest.mark.requirement("PAY-09")
@given(st.lists(contents, max_size=5), st.integers(1, 100_000))
@settings(max_examples=50)
def test_what_goes_in_comes_out_whatever_the_chunks(files: list[bytes], size: int) -> None:
    entries = [entry(f"folder/{number}é", content, size) for number, content in enumerate(files)]

    archive = archive_of(entries)

    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [item.name for item in entries]
        assert [opened.read(item.name) for item in entries] == files
    assert archive == archive_of([entry(item.name, content, 77) for item, content in zip(entries, files, strict=True)])


def test_an_archive_can_be_read_front_to_back() -> None:
    content = bytes(range(256)) * 600
    archive = archive_of([entry("a", content)])

    (name_length, extra_length) = struct.unpack_from("<HH", archive, 26)
    start = 30 + name_length + extra_length
    stream = zlib.decompressobj(-15)
    assert stream.decompress(archive[start:]) == content
    signature, checksum, packed, size = struct.unpack_from("<IIII", stream.unused_data)
    assert (signature, checksum, size) == (0x08074B50, zlib.crc32(content), len(content))
    assert packed == len(archive[start:]) - len(stream.unused_data)


@pytest.mark.parametrize("announced", [9, 11])
def test_content_of_another_length_breaks_the_archive(announced: int) -> None:
    with pytest.raises(ZipEntryBroken):
        list(zip_chunks([ZipEntry("a", announced, partial(chunked, b"0123456789", 4))]))


def test_numbers_above_32_bits_are_written_as_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"long": b"0123456789" * 50, "short": b"x", "last": b"y" * 3}
    # With the border at 300, what a test can hold goes beyond it.
    monkeypatch.setattr(zip_file, "_IN_64", 300)
    entries = [entry(name, content) for name, content in files.items()]
    assert zip_length(entries) == len(b"".join(zip_chunks(entries)))
    monkeypatch.undo()
    size = 5 * 1024**3
    block = bytes(1024**2)
    large = [ZipEntry("large", size, lambda: (block for _ in range(size // len(block)))), entry("after", b"z")]

    # 5 GB: long enough that sizes, and the place of the second entry, need 64 bits.
    assert zip_length(large) > size
    tail = b""
    for chunk in zip_chunks(large):
        tail = (tail + chunk[-4096:])[-4096:]

    directory = tail[tail.index(b"PK\x01\x02") :]
    assert struct.unpack_from("<II", directory, 20) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert struct.unpack_from("<HHQQQ", directory, 46 + 5)[:3] == (1, 24, size)
    second = directory[directory.index(b"PK\x01\x02", 4) :]
    assert struct.unpack_from("<Q", second, 46 + 5 + 20)[0] > size
    assert b"PK\x06\x06" in directory
    assert b"PK\x06\x07" in directory


def test_many_files_need_the_longer_end() -> None:
    entries = [ZipEntry(f"{number}", 0, lambda: iter(())) for number in range(70_000)]

    archive = archive_of(entries)

    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert len(opened.namelist()) == 70_000
