"""What a presentation state decides for a frame (PS3.3 A.33, PS3.4 N)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.color.palettes import Palette, palette_of
from hilum.render.geometry.aspect import ratio_of
from hilum.render.geometry.placement import Box
from hilum.render.grayscale.choice import can_be_negative, full_range, modality_of, padding_of, voi_of
from hilum.render.grayscale.tables import look_up_table
from hilum.render.grayscale.transform import GrayTransform, Words
from hilum.render.source import Source
from hilum.render.states.references import APPLIED, PSEUDO_COLOR, items_for, references

_FULL_TURN: Final = 360


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a state shows one frame."""

    state: Attributes
    area: Box
    """Displayed area in pixels of the image before it is turned; may reach outside of it."""
    magnification: float | None
    """Output pixels a pixel, of MAGNIFY; None: the area is fitted."""
    aspect: float | None
    """Height of a pixel over its width; None: the image's own."""
    quarter_turns: int
    """Clockwise."""
    is_mirrored: bool
    """Left to right, after turning."""
    overlay_groups: Sequence[str]
    """Overlays that are shown, of the image and of the state itself."""
    annotations: Sequence[Attributes]
    palette: Palette | None


def presentation_of(state: Source, image: Source, frame_index: int) -> Presentation:
    """Return what a state decides for a frame.

    Raises:
        NotAcceptable: the state has something that is not applied here; it is never passed over.
        InvalidRequest: the state is not for this image.
    """
    attributes, sop_instance_uid = state.attributes, image.attributes.text("SOPInstanceUID")
    if state.sop_class_uid not in APPLIED or attributes.first_item("MaskSubtractionSequence") is not None:
        raise NotAcceptable("Presentation states of this kind are not applied by this origin server.")
    if not references(attributes, sop_instance_uid):
        raise InvalidRequest("The presentation state does not reference the image.")
    number = frame_index + 1
    area = next(items_for(attributes, "DisplayedAreaSelectionSequence", sop_instance_uid, number), None)
    layout = image.pixels.format if image.pixels else None
    whole = Box(0, 0, layout.columns, layout.rows) if layout else Box(0, 0, 1, 1)
    rotation = attributes.integer("ImageRotation") % _FULL_TURN
    if rotation % 90:
        raise NotAcceptable("The presentation state turns the image by no right angle.")
    return Presentation(
        attributes,
        _area(area, whole) if area else whole,
        _magnification(area) if area else None,
        _aspect(area) if area else None,
        rotation // 90,
        attributes.text("ImageHorizontalFlip") == "Y",
        _active_overlays(attributes),
        tuple(items_for(attributes, "GraphicAnnotationSequence", sop_instance_uid, number)),
        palette_of(attributes, signed_input=False) if state.sop_class_uid == PSEUDO_COLOR else None,
    )


def _area(item: Attributes, whole: Box) -> Box:
    """Return the displayed area. Its corners name pixels as they lie after turning, so either may be the greater."""
    corners = [item.numbers(f"DisplayedArea{name}HandCorner") for name in ("TopLeft", "BottomRight")]
    if any(len(corner) != 2 or max(map(abs, corner)) > 2**20 for corner in corners):
        return whole
    (left, right), (top, bottom) = (sorted(int(corner[axis]) for corner in corners) for axis in (0, 1))
    return Box(left - 1, top - 1, right, bottom)


def _magnification(item: Attributes) -> float | None:
    ratio = item.number("PresentationPixelMagnificationRatio")
    if item.text("PresentationSizeMode") != "MAGNIFY" or ratio is None:
        return None
    if not 1e-3 <= ratio <= 1e3:
        raise NotAcceptable("The presentation state magnifies beyond what is shown.")
    return ratio


def _aspect(item: Attributes) -> float | None:
    pairs = (item.numbers("PresentationPixelSpacing"), item.numbers("PresentationPixelAspectRatio"))
    return next((ratio for ratio in map(ratio_of, pairs) if ratio is not None), None)


def _active_overlays(state: Attributes) -> tuple[str, ...]:
    return tuple(f"{number:04X}" for number in range(0x6000, 0x6020, 2) if state.text(f"{number:04X}1001"))


def state_transform(state: Attributes, image: Source, frame_index: int, layout: Words) -> GrayTransform:
    """Return the grayscale transformation of a state: where it has no VOI LUT, the identity, not the image's own.

    Source: PS3.4 N.2.1.
    """
    sop_instance_uid = image.attributes.text("SOPInstanceUID")
    own = any(keyword in state for keyword in ("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"))
    # A state for images whose modality values it takes as they are has no Modality LUT of its own.
    modality = modality_of(state if own else image.attributes, frame_index, is_signed=layout.is_signed)
    signed = can_be_negative(modality, layout)
    item = next(items_for(state, "SoftcopyVOILUTSequence", sop_instance_uid, frame_index + 1), None)
    table = state.first_item("PresentationLUTSequence")
    transform = GrayTransform(
        modality,
        (voi_of(item, signed_input=signed) if item else None) or full_range(modality, layout),
        presentation=look_up_table(table, signed_input=False) if table else None,
        is_inverse=state.text("PresentationLUTShape") == "INVERSE",
    )
    return replace(transform, padding=padding_of(image.attributes, layout))
