"""Headers of video files, made here: containers without any picture."""

from __future__ import annotations

import struct


def box(kind: bytes, *contents: bytes) -> bytes:
    """Return a box of ISO/IEC 14496-12."""
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def movie(
    *, codec: bytes = b"avc1", profile: int = 100, level: int = 41, brand: bytes = b"isom", frames: int = 50
) -> bytes:
    """Return a file of one video track, 64 x 48 pixels, 25 frames a second."""
    if codec == b"hvc1":
        configuration = box(b"hvcC", bytes((1, profile)) + bytes(10) + bytes((level,)) + bytes(10))
    else:
        configuration = box(b"avcC", bytes((1, profile, 0, level)) + bytes(3))
    visual = bytes(24) + struct.pack(">HH", 64, 48) + bytes(50)
    entry = box(codec, visual, configuration)
    media_header = box(b"mdhd", bytes(12), struct.pack(">II", 1000, frames * 40), bytes(4))
    handler = box(b"hdlr", bytes(8), b"vide", bytes(13))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stsz", struct.pack(">III", 0, 0, frames)),
    )
    track = box(b"trak", box(b"mdia", media_header, handler, box(b"minf", table)))
    return box(b"ftyp", brand, bytes(4), brand, b"mp41") + box(b"mdat", bytes(64)) + box(b"moov", track)


def mpeg_2(*, pictures: int) -> bytes:
    """Return a stream of Main Profile at Main Level, 720 x 576 pixels, 25 frames a second."""
    sequence = b"\0\0\1\xb3" + (720 << 12 | 576).to_bytes(3, "big") + b"\x23" + bytes(4)
    extension = b"\0\0\1\xb5" + bytes((0x14, 0x80)) + bytes(4)
    return sequence + extension + (b"\0\0\1\0" + b"\xff" * 8) * pictures
