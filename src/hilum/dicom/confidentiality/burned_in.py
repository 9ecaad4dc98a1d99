"""Whether identity may stand in the pixels themselves, and where it can be blacked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

_WITHOUT_TEXT: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.5.1.4.1.1.2.1",
        "1.2.840.10008.5.1.4.1.1.2.2",
        "1.2.840.10008.5.1.4.1.1.4",
        "1.2.840.10008.5.1.4.1.1.4.1",
        "1.2.840.10008.5.1.4.1.1.4.3",
        "1.2.840.10008.5.1.4.1.1.4.4",
        "1.2.840.10008.5.1.4.1.1.20",
        "1.2.840.10008.5.1.4.1.1.128",
        "1.2.840.10008.5.1.4.1.1.128.1",
        "1.2.840.10008.5.1.4.1.1.130",
    }
)
"""CT, MR, NM and PET, with their enhanced and legacy converted forms: their scanners draw no text into pixels."""
_SCREENS: Final = ("SCREEN", "SECONDARY", "CAPTURE")
_YES: Final = "YES"


class CannotClean(Exception):
    """Identity in the pixels cannot be ruled out; the message is one sentence to the user agent."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels, half-open, counted from the top left."""

    left: int
    top: int
    right: int
    bottom: int


def regions_to_keep(data_set: Dataset) -> tuple[Region, ...] | None:
    """Return the parts of each frame that may stay; None: the whole frame, as it is.

    Args:
        data_set: before de-identification; it may lack the pixel data themselves.

    Raises:
        CannotClean: nothing tells where identity may stand.

    Source: PS3.15 E.3.1 (Clean Pixel Data Option).
    """
    if _text(data_set, "RecognizableVisualFeatures") == _YES:
        raise CannotClean("The instance shows recognizable features, which are not cleaned.")
    burned_in = _text(data_set, "BurnedInAnnotation")
    if burned_in == "NO":
        return None
    if regions := _ultrasound_regions(data_set):
        return regions
    if burned_in != _YES and _is_without_text(data_set):
        return None
    raise CannotClean("Identifying text in the pixels of the instance cannot be ruled out.")


def refuse_embedded_overlays(data_set: Dataset) -> None:
    """Refuse overlays in unused bits of the pixels: they would stay when their attributes go.

    Raises:
        CannotClean: there are some.
    """
    groups = {int(tag) >> 16 for tag in data_set.keys() if 0x6000 <= int(tag) >> 16 < 0x6100}  # noqa: SIM118 - a data set yields elements
    if any((group, 0x0010) in data_set and (group, 0x3000) not in data_set for group in groups):
        raise CannotClean("The pixels of the instance have overlays in them.")


def _is_without_text(data_set: Dataset) -> bool:
    image_type = [str(value).upper() for value in data_set.get("ImageType") or ()]
    return (
        str(data_set.get("SOPClassUID", "")) in _WITHOUT_TEXT
        and image_type[:1] == ["ORIGINAL"]
        and not any(word in value for value in image_type for word in _SCREENS)
    )


def _ultrasound_regions(data_set: Dataset) -> tuple[Region, ...]:
    regions = []
    for item in data_set.get("SequenceOfUltrasoundRegions") or ():
        corners = [item.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if all(isinstance(corner, int) for corner in corners):
            left, top, right, bottom = (int(corner) for corner in corners)
            if 0 <= left <= right and 0 <= top <= bottom:
                regions.append(Region(left, top, right + 1, bottom + 1))
    return tuple(regions)


def _text(data_set: Dataset, keyword: str) -> str:
    return str(data_set.get(keyword) or "").strip().upper()
