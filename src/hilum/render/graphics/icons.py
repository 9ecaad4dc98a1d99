"""Typed icons: what stands for an object that has no image, or one that a thumbnail must not show."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hilum.render.graphics.text import draw_line, text_width

_BACKGROUND: Final = (38, 43, 50)
_SHEET: Final = (92, 104, 120)
_FOLD: Final = (60, 69, 81)
_TEXT: Final = (240, 243, 247)

_FAMILIES: Final[Mapping[str, str]] = {
    "1.2.840.10008.5.1.4.1.1.88.59": "KO",
    "1.2.840.10008.5.1.4.1.1.88": "SR",
    "1.2.840.10008.5.1.4.1.1.104.1": "PDF",
    "1.2.840.10008.5.1.4.1.1.104.2": "CDA",
    "1.2.840.10008.5.1.4.1.1.104": "3D",
    "1.2.840.10008.5.1.4.1.1.9": "ECG",
    "1.2.840.10008.5.1.4.1.1.11": "PR",
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.66": "REG",
    "1.2.840.10008.5.1.4.1.1.481.2": "DOSE",
    "1.2.840.10008.5.1.4.1.1.481.3": "RTSS",
    "1.2.840.10008.5.1.4.1.1.481": "RT",
    "1.2.840.10008.5.1.4.1.1.4.2": "MRS",
    "1.2.840.10008.5.1.4.1.1.7": "SC",
    "1.2.840.10008.5.1.4.1.1.77": "VL",
    "1.2.840.10008.5.1.4.1.1.6": "US",
    "1.2.840.10008.5.1.4.1.1.3": "US",
}


def label_of(sop_class_uid: str) -> str:
    """Return the short name of a family of SOP Classes: the longest branch of the UID that has one.

    >>> label_of("1.2.840.10008.5.1.4.1.1.88.33"), label_of("1.2.3")
    ('SR', 'DCM')
    """
    branch = sop_class_uid
    while branch:
        if branch in _FAMILIES:
            return _FAMILIES[branch]
        branch = branch.rpartition(".")[0]
    return "DCM"


@lru_cache(maxsize=64)
def icon(sop_class_uid: str, width: int, height: int) -> NDArray[np.uint8]:
    """Return a sheet with the name of its kind, shape (height, width, 3); it says nothing of this very object."""
    image = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    side = min(width, height)
    sheet = (width - side * 0.6) / 2, (height - side * 0.76) / 2, (width + side * 0.6) / 2, (height + side * 0.76) / 2
    fold = side * 0.16
    left, top, right, bottom = sheet
    draw.polygon([(left, top), (right - fold, top), (right, top + fold), (right, bottom), (left, bottom)], fill=_SHEET)
    draw.polygon([(right - fold, top), (right - fold, top + fold), (right, top + fold)], fill=_FOLD)
    text = label_of(sop_class_uid)
    size = max(6, int(side * 0.26))
    while size > 6 and text_width(text, size) > side * 0.52:
        size -= 1
    position = (width - text_width(text, size)) / 2, height / 2 - size * 0.62
    draw_line(image, position, text, size=size, inks=(_TEXT, _SHEET))
    return np.asarray(image)
