from __future__ import annotations

from pydicom.dataset import Dataset

from hilum.render.states.references import Reference, items_for, referenced_frames, references
from render_sources import attributes


def image(uid: str, frames: list[int] | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPInstanceUID = uid
    if frames:
        item.ReferencedFrameNumber = frames
    return item


def state() -> Dataset:
    series, voi, everywhere = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = "1.2"
    series.ReferencedImageSequence = [image("1.2.1"), image("1.2.2", [2, 3])]
    voi.ReferencedImageSequence = [image("1.2.2", [3])]
    voi.WindowCenter, everywhere.WindowCenter = 1, 2
    dataset = Dataset()
    dataset.ReferencedSeriesSequence = [series]
    dataset.SoftcopyVOILUTSequence = [voi, everywhere]
    return dataset


def test_images_and_frames_come_in_the_order_of_the_state() -> None:
    assert referenced_frames(attributes(state())) == [Reference("1.2", "1.2.1", ()), Reference("1.2", "1.2.2", (2, 3))]
    assert references(attributes(state()), "1.2.2")
    assert not references(attributes(state()), "1.2.3")


def test_items_apply_to_what_they_name_or_to_everything() -> None:
    def centers(uid: str, number: int) -> list[float | None]:
        found = items_for(attributes(state()), "SoftcopyVOILUTSequence", uid, number)
        return [item.number("WindowCenter") for item in found]

    assert centers("1.2.2", 3) == [1, 2]
    assert centers("1.2.2", 2) == centers("1.2.1", 3) == [2]
