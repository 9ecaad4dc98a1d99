"""Videos to test with: streams of no meaning, encapsulated in the ways that writers do."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, VideoEndoscopicImageStorage

from samples import make_dataset

MPEG_4 = "1.2.840.10008.1.2.4.102"
MPEG_2 = "1.2.840.10008.1.2.4.100"
HEVC = "1.2.840.10008.1.2.4.107"


def stream(size: int, seed: int = 0) -> bytes:
    """Return bytes that begin as an MP4 file does and repeat no pattern."""
    rest = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8).tobytes()
    return (b"\0\0\0\x18ftypmp42" + rest)[:size]


def video(fragments: Sequence[bytes], *, frames: int = 25, exact_length: int | None = None) -> Dataset:
    """Return an instance whose pixel data hold these fragments, behind an empty Basic Offset Table.

    Args:
        fragments: of even length.
        frames: Number of Frames.
        exact_length: put an Extended Offset Table of one entry in, with this length.
    """
    dataset = make_dataset(
        SOPClassUID=UID(VideoEndoscopicImageStorage),
        Modality="ES",
        NumberOfFrames=frames,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_PARTIAL_420",
        PlanarConfiguration=0,
        Rows=16,
        Columns=16,
        CineRate=25,
    )
    if exact_length is not None:
        dataset.ExtendedOffsetTable = struct.pack("<Q", 0)
        dataset.ExtendedOffsetTableLengths = struct.pack("<Q", exact_length)
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in (b"", *fragments))
    # The sequence delimiter comes when the data set is written.
    dataset.PixelData = items
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset
