"""What a presentation state references, and which of its items apply to an image (PS3.3 C.11.11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hilum.render.attributes import Attributes

GRAYSCALE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
COLOR: Final = "1.2.840.10008.5.1.4.1.1.11.2"
PSEUDO_COLOR: Final = "1.2.840.10008.5.1.4.1.1.11.3"
APPLIED: Final = frozenset({GRAYSCALE, COLOR, PSEUDO_COLOR})
"""SOP Classes whose states are applied; the others are refused, never passed over."""

_PREFIX: Final = "1.2.840.10008.5.1.4.1.1.11."
_MOST_REFERENCES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reference:
    """An image that a presentation state is for."""

    series_instance_uid: str
    sop_instance_uid: str
    frame_numbers: Sequence[int]
    """() means all frames."""


def is_presentation_state(sop_class_uid: str) -> bool:
    """Say whether instances of the SOP Class are presentation states.

    >>> is_presentation_state(GRAYSCALE), is_presentation_state("1.2.840.10008.5.1.4.1.1.2")
    (True, False)
    """
    return sop_class_uid.startswith(_PREFIX)


def referenced_frames(state: Attributes) -> list[Reference]:
    """Return the images that the state references, in its order."""
    references: list[Reference] = []
    for series in state.items("ReferencedSeriesSequence"):
        uid = series.text("SeriesInstanceUID")
        for image in series.items("ReferencedImageSequence"):
            numbers = tuple(int(number) for number in image.numbers("ReferencedFrameNumber") if number >= 1)
            references.append(Reference(uid, image.text("ReferencedSOPInstanceUID"), numbers))
            if len(references) == _MOST_REFERENCES:
                return references
    return references


def references(state: Attributes, sop_instance_uid: str) -> bool:
    """Say whether the state references an image."""
    return any(found.sop_instance_uid == sop_instance_uid for found in referenced_frames(state))


def items_for(state: Attributes, keyword: str, sop_instance_uid: str, frame_number: int) -> Iterator[Attributes]:
    """Yield the items of a sequence that apply to a frame: those that name it, and those that name no image."""
    for item in state.items(keyword):
        images = item.items("ReferencedImageSequence")
        if not images or any(_names(image, sop_instance_uid, frame_number) for image in images):
            yield item


def _names(image: Attributes, sop_instance_uid: str, frame_number: int) -> bool:
    numbers = image.numbers("ReferencedFrameNumber")
    return image.text("ReferencedSOPInstanceUID") == sop_instance_uid and (not numbers or frame_number in numbers)
