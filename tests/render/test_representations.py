from __future__ import annotations

import pytest

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.render.attributes import Attributes
from hilum.render.representations import RENDERED_TYPES, Category, category_of, types_for
from hilum.render.source import Pixels, Source

MPEG2 = "1.2.840.10008.1.2.4.100"
H264 = "1.2.840.10008.1.2.4.102"


def source(
    syntax: str = "1.2.840.10008.1.2.1", *, pixels: bool = True, members: dict[str, object] | None = None
) -> Source:
    layout = PixelFormat(1, 1, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 5)
    own = Pixels(layout, is_float=False, frame=lambda _: b"", stored_frame=lambda _: b"")
    return Source("1.2", syntax, Attributes(members or {}), own if pixels else None, lambda: b"")


@pytest.mark.requirement("MT-30")
def test_each_row_is_offered_once_and_jpeg_is_the_default_of_single_frames() -> None:
    pairs = [(row.category, row.media_type) for row in RENDERED_TYPES]

    assert len(set(pairs)) == len(pairs)
    assert types_for(source(), Category.SINGLE_FRAME)[0] == "image/jpeg"
    assert {"image/jpeg", "image/gif", "image/png", "image/jp2"} <= set(types_for(source(), Category.SINGLE_FRAME))


def test_the_category_follows_from_what_is_wanted() -> None:
    assert category_of(source(), 1) is Category.SINGLE_FRAME
    assert category_of(source(), 5) is Category.MULTI_FRAME
    assert category_of(source(H264), 1) is Category.VIDEO
    assert category_of(source(pixels=False, members={"0040A730": {"vr": "SQ"}}), 0) is Category.TEXT
    assert category_of(source(pixels=False, members={"00420011": {"vr": "OB"}}), 0) is Category.TEXT
    assert category_of(source(pixels=False), 0) is Category.OTHER


def test_stored_video_is_offered_as_what_it_is() -> None:
    assert types_for(source(MPEG2), Category.VIDEO) == ("video/mpeg",)
    assert types_for(source(H264), Category.VIDEO) == ("video/mp4",)
