from __future__ import annotations

import struct
from pathlib import Path

import pytest

from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.video import read_video
from hilum.dicom.reading.instance import DecodeError
from movies import movie, mpeg_2


def file(tmp_path: Path, data: bytes) -> FileRange:
    path = tmp_path / "file"
    path.write_bytes(data)
    return FileRange(path, 0, len(data))


@pytest.mark.requirement("STOW-25")
@pytest.mark.parametrize(
    ("codec", "profile", "level", "syntax"),
    [
        (b"avc1", 100, 41, "102"),
        (b"avc1", 77, 31, "102"),
        (b"avc1", 100, 42, "104"),
        (b"avc1", 128, 41, "106"),
        (b"hvc1", 1, 153, "107"),
        (b"hvc1", 2, 120, "108"),
    ],
)
def test_the_syntax_follows_from_codec_profile_and_level(
    tmp_path: Path, codec: bytes, profile: int, level: int, syntax: str
) -> None:
    video = read_video("video/mp4", file(tmp_path, movie(codec=codec, profile=profile, level=level)))

    assert video.transfer_syntax_uid == f"1.2.840.10008.1.2.4.{syntax}"
    assert (video.rows, video.columns, video.count, video.frame_time_ms) == (48, 64, 50, 40.0)


def test_a_quicktime_file_becomes_an_mp4_file(tmp_path: Path) -> None:
    content = movie(brand=b"qt  ")

    video = read_video("video/quicktime", file(tmp_path, content))

    written = b"".join(chunk for one in video.contents for chunk in one.chunks())
    assert written[8:12] == b"mp42"
    assert (len(written), written[24:]) == (len(content), content[24:])


def test_an_mpeg_2_stream_tells_its_frames(tmp_path: Path) -> None:
    video = read_video("video/mpeg", file(tmp_path, mpeg_2(pictures=3)))

    assert (video.transfer_syntax_uid, video.count, video.rows, video.columns) == (
        "1.2.840.10008.1.2.4.100",
        3,
        576,
        720,
    )


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("video/mp4", b""),
        ("video/mp4", movie()[:-40]),
        ("video/mp4", movie(codec=b"vp09")),
        ("video/mp4", movie(profile=244)),
        ("video/mp4", movie(level=52)),
        ("video/mp4", movie(frames=0)),
        ("video/mp4", struct.pack(">I4s", 8, b"moov") + struct.pack(">I4s", 8, b"mdat")),
        ("video/mp4", struct.pack(">I4s", 2**31, b"ftyp")),
        ("video/mpeg", movie()),
        ("video/mpeg", mpeg_2(pictures=0)),
    ],
)
def test_other_files_are_refused(tmp_path: Path, media_type: str, data: bytes) -> None:
    with pytest.raises(DecodeError):
        read_video(media_type, file(tmp_path, data))
