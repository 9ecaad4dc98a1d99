from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.encaps import generate_frames, parse_basic_offsets

from hilum.dicom.building.contents import Held
from hilum.dicom.building.encapsulation import encapsulated_pixel_data
from hilum.dicom.reading.instance import DecodeError


def test_each_frame_is_one_fragment_of_even_length() -> None:
    value = b"".join(encapsulated_pixel_data([Held(b"one"), Held(b"four")]).chunks())[12:]

    assert parse_basic_offsets(value) == [0, 12]
    assert list(generate_frames(value, number_of_frames=2)) == [b"one\0", b"four"]


def test_a_frame_longer_than_a_fragment_is_refused() -> None:
    class Long:
        length = 2**32

        def chunks(self) -> Iterator[bytes]:
            yield b""

    with pytest.raises(DecodeError):
        encapsulated_pixel_data([Long()])
