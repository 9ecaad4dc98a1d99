"""Frames that are shown in colour: colour images, palettes, segmentations, doses and parametric maps."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.errors import NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.color.palettes import HEAT, SEGMENT_COLORS, Palette, palette_of
from hilum.render.color.spaces import lab_to_rgb, to_rgb
from hilum.render.grayscale.choice import functional_group, words_of
from hilum.render.grayscale.transform import Words, stored_values
from hilum.render.samples import eight_bits
from hilum.render.source import Source

SEGMENTATIONS: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
_MAPS: Final = frozenset({"1.2.840.10008.5.1.4.1.1.30", "1.2.840.10008.5.1.4.1.1.481.2"})
"""Parametric maps and doses."""


def color_frame(words: NDArray[Any], layout: PixelFormat, attributes: Attributes) -> NDArray[np.uint8]:
    """Return a colour image as RGB, shape (rows, columns, 3).

    Raises:
        NotAcceptable: its colour model is not shown, or its palette is unusable.
    """
    if layout.photometric_interpretation == "PALETTE COLOR":
        palette = palette_of(attributes, signed_input=bool(layout.pixel_representation))
        if palette is None:
            raise NotAcceptable("The image has no usable palette.")
        return palette.of(stored_values(words, words_of(layout)))
    if layout.samples_per_pixel != 3:
        raise NotAcceptable("Pixels with this colour model are not shown.")
    return to_rgb(eight_bits(words, layout), layout.photometric_interpretation)


def supplemental(
    shown: NDArray[np.uint8], raw: NDArray[Any], words: Words, attributes: Attributes
) -> NDArray[np.uint8]:
    """Return a grey image with those values in colour that a supplemental palette covers (PS3.3 C.7.6.19)."""
    if attributes.text("PixelPresentation") not in {"COLOR", "MIXED"}:
        return shown
    palette = palette_of(attributes, signed_input=words.is_signed)
    if palette is None:
        return shown
    stored = stored_values(raw, words)
    colored = np.repeat(shown[..., None], 3, axis=2)
    covered = stored >= palette.first
    colored[covered] = palette.of(stored[covered])
    return colored


def default_palette(source: Source) -> Palette | None:
    """Return the palette of maps that are otherwise grey: their own, else one that is easy to read."""
    if source.sop_class_uid not in _MAPS:
        return None
    own = palette_of(source.attributes, signed_input=False)
    return HEAT if own is None or len(own.colors) != len(HEAT.colors) else own


def segmentation_frame(words: NDArray[Any], source: Source, frame_index: int) -> NDArray[np.uint8]:
    """Return a frame of a segmentation in the colour of its segment over black, shape (rows, columns, 3).

    Source: PS3.3 C.8.20.2.
    """
    attributes = source.attributes
    segments = {item.integer("SegmentNumber"): item for item in attributes.items("SegmentSequence")}
    kind = attributes.text("SegmentationType")
    if kind == "LABELMAP":
        return _labels(words, segments)
    group = functional_group(attributes, frame_index, "SegmentIdentificationSequence")
    number = group.integer("ReferencedSegmentNumber", 1) if group else 1
    top = 1 if kind != "FRACTIONAL" else max(attributes.integer("MaximumFractionalValue", 255), 1)
    share = np.clip(words / top, 0.0, 1.0)
    color = np.array(_segment_color(segments.get(number), number))
    shown: NDArray[np.uint8] = np.floor(share[..., None] * color + 0.5).astype(np.uint8)
    return shown


def _labels(words: NDArray[Any], segments: dict[int, Attributes]) -> NDArray[np.uint8]:
    present, index = np.unique(words, return_inverse=True)
    colors = [_segment_color(segments.get(int(number)), int(number)) if number else (0, 0, 0) for number in present]
    shown: NDArray[np.uint8] = np.array(colors, np.uint8)[index.reshape(words.shape)]
    return shown


def _segment_color(segment: Attributes | None, number: int) -> tuple[int, int, int]:
    lab = segment.numbers("RecommendedDisplayCIELabValue") if segment else []
    if len(lab) == 3:
        return lab_to_rgb((lab[0], lab[1], lab[2]))
    return SEGMENT_COLORS[(number - 1) % len(SEGMENT_COLORS)]
