"""A zip archive as a stream: entries of known size, nothing compressed, ZIP64 where numbers need it.

The data of an entry are deflate blocks that are stored: unlike method 0, every reader of streams takes these with
the checksum behind the data, and the size of the whole archive is known before a byte of it is read. Equal entries
give equal archives, byte for byte.

Source: PKWARE APPNOTE 6.3.10, RFC 1951 3.2.4.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_EXTRA_LOCAL: Final = struct.Struct("<HHQQ")
_EXTRA_CENTRAL: Final = struct.Struct("<HHQQQ")
_DESCRIPTOR: Final = struct.Struct("<IIII")
_DESCRIPTOR_64: Final = struct.Struct("<IIQQ")
_END_64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR_64: Final = struct.Struct("<IIQI")
_END: Final = struct.Struct("<IHHHHIIH")

_VERSION: Final = 20
_VERSION_64: Final = 45
# Bit 3: checksum and sizes come behind the data; bit 11: names are UTF-8.
_FLAGS: Final = 0x0808
_DEFLATE: Final = 8
# The first day that the format can tell: no entry depends on a clock.
_TIME, _DATE = 0, 0x0021
_IN_64: Final = 0xFFFFFFFF
_BLOCK_BYTES: Final = 65535
_BLOCK_HEADER_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of an archive."""

    name: str
    size: int
    """Bytes of its content."""
    chunks: Callable[[], Iterator[bytes]]


class ZipEntryBroken(Exception):
    """The content of an entry is not as long as was announced."""


def zip_length(entries: Sequence[ZipEntry]) -> int:
    """Return the bytes of the archive that `zip_chunks` yields."""
    offset = directory = 0
    for entry in entries:
        name = len(entry.name.encode())
        directory += _CENTRAL.size + name + (_EXTRA_CENTRAL.size if _is_64(entry, offset) else 0)
        offset += _local_length(entry, name)
    return offset + directory + len(_end(len(entries), directory, offset))


def zip_chunks(entries: Sequence[ZipEntry]) -> Iterator[bytes]:
    """Yield an archive; of the entries' content one chunk at a time is held.

    Raises:
        ZipEntryBroken: the content of an entry is not as long as was announced.
    """
    directory: list[bytes] = []
    offset = 0
    for entry in entries:
        name, checksum = entry.name.encode(), _Checksum()
        yield _local(entry, name)
        yield from _blocks(entry, checksum)
        yield _descriptor(entry, checksum.value)
        directory.append(_central(entry, name, checksum.value, offset))
        offset += _local_length(entry, len(name))
    yield b"".join((*directory, _end(len(directory), sum(map(len, directory)), offset)))


def _is_long(entry: ZipEntry) -> bool:
    """Say whether the sizes of an entry need 64 bits; only then readers of streams expect them."""
    return _deflated(entry.size) >= _IN_64


def _is_64(entry: ZipEntry, offset: int) -> bool:
    return _is_long(entry) or offset >= _IN_64


def _local_length(entry: ZipEntry, name_length: int) -> int:
    frame = _EXTRA_LOCAL.size + _DESCRIPTOR_64.size if _is_long(entry) else _DESCRIPTOR.size
    return _LOCAL.size + name_length + _deflated(entry.size) + frame


def _local(entry: ZipEntry, name: bytes) -> bytes:
    is_long = _is_long(entry)
    version, size = (_VERSION_64, _IN_64) if is_long else (_VERSION, 0)
    extra = _EXTRA_LOCAL.pack(1, 16, 0, 0) if is_long else b""
    numbers = (0x04034B50, version, _FLAGS, _DEFLATE, _TIME, _DATE, 0, size, size, len(name), len(extra))
    return _LOCAL.pack(*numbers) + name + extra


def _descriptor(entry: ZipEntry, checksum: int) -> bytes:
    form = _DESCRIPTOR_64 if _is_long(entry) else _DESCRIPTOR
    return form.pack(0x08074B50, checksum, _deflated(entry.size), entry.size)


class _Checksum:
    def __init__(self) -> None:
        self.value = 0


def _deflated(size: int) -> int:
    """Return the bytes of content as deflate blocks; an empty one is one block."""
    return size + _BLOCK_HEADER_BYTES * max(1, -(-size // _BLOCK_BYTES))


def _blocks(entry: ZipEntry, checksum: _Checksum) -> Iterator[bytes]:
    """Yield the content in stored blocks, whose borders depend on the size alone."""
    position, pieces = 0, [_block_header(0, entry.size)] if entry.size == 0 else []
    for chunk in entry.chunks():
        checksum.value = zlib.crc32(chunk, checksum.value)
        view, start = memoryview(chunk), 0
        if position + len(view) > entry.size:
            raise ZipEntryBroken(f"An entry of {entry.size} bytes has more.")
        while start < len(view):
            inside = position % _BLOCK_BYTES
            if inside == 0:
                pieces.append(_block_header(position, entry.size))
            taken = min(_BLOCK_BYTES - inside, len(view) - start)
            pieces.append(bytes(view[start : start + taken]))
            position, start = position + taken, start + taken
        yield b"".join(pieces)
        pieces.clear()
    if position != entry.size:
        raise ZipEntryBroken(f"An entry of {entry.size} bytes has {position}.")
    if pieces:
        yield b"".join(pieces)


def _block_header(position: int, size: int) -> bytes:
    length = min(_BLOCK_BYTES, size - position)
    is_last = position + length == size
    return struct.pack("<BHH", is_last, length, length ^ 0xFFFF)


def _central(entry: ZipEntry, name: bytes, checksum: int, offset: int) -> bytes:
    packed, size, place, version, extra = _deflated(entry.size), entry.size, offset, _VERSION, b""
    if _is_64(entry, offset):
        extra = _EXTRA_CENTRAL.pack(1, 24, size, packed, place)
        packed, size, place, version = _IN_64, _IN_64, _IN_64, _VERSION_64
    header = _CENTRAL.pack(
        *(0x02014B50, version, version, _FLAGS, _DEFLATE, _TIME, _DATE, checksum, packed, size),
        *(len(name), len(extra), 0, 0, 0, 0, place),
    )
    return header + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    """Return the end of the central directory; the 64-bit form goes before that of old where numbers need it."""
    few = min(count, 0xFFFF)
    end = _END.pack(0x06054B50, 0, 0, few, few, min(size, _IN_64), min(offset, _IN_64), 0)
    if count < 0xFFFF and size < _IN_64 and offset < _IN_64:
        return end
    end_64 = _END_64.pack(0x06064B50, 44, _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
    return end_64 + _LOCATOR_64.pack(0x07064B50, 0, offset + size, 1) + end
