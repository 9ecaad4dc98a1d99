"""Video files: their container, their codec, and the transfer syntax that holds them. Nothing is decoded.

Source: PS3.5 8.2.5 to 8.2.8, A.4.5 to A.4.10; ISO/IEC 14496-12, 14496-15, 13818-2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hilum.dicom.building.contents import FileRange, Held
from hilum.dicom.building.data_set import Content
from hilum.dicom.reading.instance import DecodeError

VIDEO_TYPES: Final = frozenset({"video/mp4", "video/mpeg", "video/quicktime", "video/H265"})

_MAX_BOXES: Final = 4096
_MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
_WRONG: Final = "The file is no video of its media type."


@dataclass(frozen=True, slots=True)
class Video:
    """A video stream as pixel data."""

    transfer_syntax_uid: str
    rows: int
    columns: int
    count: int
    """Frames."""
    frame_time_ms: float
    lossy_method: str
    contents: tuple[Content, ...]
    """The bytes of the stream, one after the other."""


def read_video(media_type: str, part: FileRange) -> Video:
    """Return what a video file says of itself.

    A QuickTime file is taken where its only coded streams are those that an MP4 file may have: its file type is
    changed then, and nothing else.

    Raises:
        DecodeError: it is of another container, codec, profile or level than DICOM has.
    """
    if media_type == "video/mpeg":
        return _mpeg_2(part)
    return _mp4(part)


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    offset: int
    """Of its content."""
    length: int
    """Bytes of its content."""


def _boxes(part: FileRange, offset: int, stop: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        header = part.read(offset, 16)
        if offset + 8 > stop or len(header) < 8:
            return
        length, kind = struct.unpack_from(">I4s", header)
        header_length = 8
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack_from(">Q", header, 8)
            header_length = 16
        end = offset + length if length else stop
        if end > stop or end < offset + header_length:
            raise DecodeError("The video file is cut short or broken.")
        yield _Box(kind, offset + header_length, end - offset - header_length)
        offset = end


def _inside(part: FileRange, box: _Box, kind: bytes) -> list[_Box]:
    return [inner for inner in _boxes(part, box.offset, box.offset + box.length) if inner.kind == kind]


def _only(part: FileRange, box: _Box, *kinds: bytes) -> _Box:
    """Return the first box along a path of kinds."""
    for kind in kinds:
        found = _inside(part, box, kind)
        if not found:
            raise DecodeError("The video file lacks a part that it needs.")
        box = found[0]
    return box


def _mp4(part: FileRange) -> Video:
    top = list(_boxes(part, 0, part.length))
    movies = [box for box in top if box.kind == b"moov"]
    if not movies or not any(box.kind == b"mdat" for box in top):
        raise DecodeError(_WRONG)
    videos = []
    for track in _inside(part, movies[0], b"trak"):
        media = _only(part, track, b"mdia")
        handler = part.read(_only(part, media, b"hdlr").offset + 8, 4)
        if handler == b"vide":
            videos.append(media)
        elif handler == b"soun":
            _check_sound(part, media)
    if len(videos) != 1:
        raise DecodeError("The video file has no video track, or more than one.")
    return _track(part, top, videos[0])


def _check_sound(part: FileRange, media: _Box) -> None:
    entry = _sample_entry(part, media)
    if entry[4:8] not in (b"mp4a", b"ac-3", b".mp3"):
        raise DecodeError("The video file has a sound track of a codec that DICOM does not have.")
    if entry[16:18] != b"\0\0":
        raise DecodeError("The video file has a sound track in a form that only QuickTime has.")


def _sample_entry(part: FileRange, media: _Box) -> bytes:
    box = _only(part, media, b"minf", b"stbl", b"stsd")
    if box.length > 1024 * 1024:
        raise DecodeError(_WRONG)
    return part.read(box.offset, box.length)[8:]


def _track(part: FileRange, top: list[_Box], media: _Box) -> Video:
    entry = _sample_entry(part, media)
    if len(entry) < 86:
        raise DecodeError(_WRONG)
    columns, rows = struct.unpack_from(">HH", entry, 32)
    syntax, method = _codec(entry)
    sizes = part.read(_only(part, media, b"minf", b"stbl", b"stsz").offset, 12)
    count = int.from_bytes(sizes[8:12], "big")
    if not (count and rows and columns):
        raise DecodeError("The video file has no frames.")
    return Video(syntax, rows, columns, count, _duration_ms(part, media) / count, method, _as_mp4(part, top))


def _duration_ms(part: FileRange, media: _Box) -> float:
    header = part.read(_only(part, media, b"mdhd").offset, 32)
    if len(header) < 24:
        raise DecodeError(_WRONG)
    scale, duration = struct.unpack_from(">IQ" if header[0] == 1 else ">II", header, 20 if header[0] == 1 else 12)
    if not scale or not duration:
        raise DecodeError("The video file does not tell how long it is.")
    return 1000 * float(duration) / float(scale)


def _codec(entry: bytes) -> tuple[str, str]:
    """Return the transfer syntax and the lossy method for a visual sample entry."""
    kind = entry[4:8]
    if kind in (b"avc1", b"avc3"):
        at = entry.find(b"avcC", 86)
        if at < 0 or len(entry) < at + 8:
            raise DecodeError(_WRONG)
        return _h264(entry[at + 5], entry[at + 7]), "ISO_14496_10"
    if kind in (b"hvc1", b"hev1"):
        at = entry.find(b"hvcC", 86)
        if at < 0 or len(entry) < at + 17:
            raise DecodeError(_WRONG)
        return _h265(entry[at + 5] & 0x1F, entry[at + 16]), "ISO_23008_2"
    raise DecodeError("The video file is of a codec that DICOM does not have.")


def _h264(profile: int, level: int) -> str:
    """Return the syntax of an H.264 stream; decoders of High Profile read Main and, as it is used, Baseline."""
    if profile in (66, 77, 100) and level <= 41:
        return "1.2.840.10008.1.2.4.102"
    if profile in (66, 77, 100) and level == 42:
        return "1.2.840.10008.1.2.4.104"
    if profile == 128 and level <= 42:
        return "1.2.840.10008.1.2.4.106"
    raise DecodeError("The video is of a profile or level of H.264 that DICOM does not have.")


def _h265(profile: int, level: int) -> str:
    if level <= 153 and profile in (1, 2):
        return f"1.2.840.10008.1.2.4.{107 if profile == 1 else 108}"
    raise DecodeError("The video is of a profile or level of H.265 that DICOM does not have.")


def _as_mp4(part: FileRange, top: list[_Box]) -> tuple[Content, ...]:
    """Return the bytes of the file with the file type of MP4; positions inside of it stay what they are."""
    if not top or top[0].kind != b"ftyp" or top[0].length < 8:
        raise DecodeError("The video file does not begin with its file type.")
    brands = part.read(top[0].offset, min(top[0].length, 4096))
    if b"qt  " not in (brands[index : index + 4] for index in range(0, len(brands), 4) if index != 4):
        return (part,)
    changed = b"mp42" + brands[4:8] + brands[8:].replace(b"qt  ", b"isom")
    start, stop = top[0].offset, top[0].offset + len(changed)
    return (Held(part.read(0, start) + changed), part.part(stop, part.length - stop))


_FRAME_RATES: Final[Mapping[int, float]] = {
    1: 24000 / 1001,
    2: 24,
    3: 25,
    4: 30000 / 1001,
    5: 30,
    6: 50,
    7: 60000 / 1001,
    8: 60,
}
_SEQUENCE: Final = b"\0\0\1\xb3"
_PICTURE: Final = b"\0\0\1\0"


def _mpeg_2(part: FileRange) -> Video:
    head = part.read(0, 256 * 1024)
    at = head.find(_SEQUENCE)
    if not head.startswith((_SEQUENCE, b"\0\0\1\xba")) or at < 0 or len(head) < at + 22:
        raise DecodeError(_WRONG)
    sizes = int.from_bytes(head[at + 4 : at + 7], "big")
    columns, rows = sizes >> 12, sizes & 0xFFF
    rate = _FRAME_RATES.get(head[at + 7] & 0x0F)
    extension = head.find(b"\0\0\1\xb5", at)
    if rate is None or extension < 0 or head[extension + 4] >> 4 != 1:
        raise DecodeError("The video is no MPEG-2.")
    profile_and_level = (head[extension + 4] & 0x0F) << 4 | head[extension + 5] >> 4
    syntax = {0x48: "1.2.840.10008.1.2.4.100", 0x44: "1.2.840.10008.1.2.4.101"}.get(profile_and_level)
    if syntax is None:
        raise DecodeError("The video is of a profile or level of MPEG-2 that DICOM does not have.")
    count = _pictures(part)
    if not (count and rows and columns):
        raise DecodeError("The video file has no frames.")
    return Video(syntax, rows, columns, count, 1000 / rate, "ISO_13818_2", (part,))


def _pictures(part: FileRange) -> int:
    """Return how many picture headers a stream has."""
    count, tail = 0, b""
    for chunk in part.chunks():
        data = tail + chunk
        count += data.count(_PICTURE)
        tail = data[-3:]
    return count
