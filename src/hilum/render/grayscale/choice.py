"""Which transformation a frame is shown with: from its attributes, a request's window, a presentation state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.render.attributes import Attributes
from hilum.render.grayscale.tables import LookUpTable, look_up_table
from hilum.render.grayscale.transform import GrayTransform, Rescale, Span, Words
from hilum.render.parameters import VoiFunction, Window

Extremes = Callable[[], tuple[float, float]]
"""Smallest and greatest modality value of the instance that is no padding."""

_LOG_RELATIONSHIPS: Final = frozenset({"LOG", "DISP"})
_X_RAY_MODALITIES: Final = frozenset({"XA", "RF"})


def words_of(pixel_format: PixelFormat) -> Words:
    """Return how stored values lie in the words of a frame."""
    return Words(
        pixel_format.bits_allocated,
        pixel_format.bits_stored,
        pixel_format.high_bit,
        is_signed=bool(pixel_format.pixel_representation),
    )


def functional_group(attributes: Attributes, frame_index: int, keyword: str) -> Attributes | None:
    """Return the item of a functional group for a frame: its own, else the shared one (PS3.3 C.7.6.16)."""
    frames = attributes.values("PerFrameFunctionalGroupsSequence")
    if frame_index < len(frames) and isinstance(frames[frame_index], dict):
        own = attributes.item_of(frames[frame_index]).first_item(keyword)
        if own is not None:
            return own
    shared = attributes.first_item("SharedFunctionalGroupsSequence")
    return shared.first_item(keyword) if shared else None


def modality_of(attributes: Attributes, frame_index: int, *, is_signed: bool) -> Rescale | LookUpTable:
    """Return the Modality LUT of a frame (PS3.3 C.11.1, C.7.6.16.2.9)."""
    relationship = attributes.text("PixelIntensityRelationship")
    if attributes.text("Modality") in _X_RAY_MODALITIES and relationship in _LOG_RELATIONSHIPS:
        # There it leads back to X-ray intensities, which nobody looks at (PS3.3 C.8.7.1.1.2).
        return Rescale()
    group = functional_group(attributes, frame_index, "PixelValueTransformationSequence")
    if group is not None:
        return _rescale(group)
    item = attributes.first_item("ModalityLUTSequence")
    table = look_up_table(item, signed_input=is_signed) if item else None
    if table is not None:
        return table
    if "DoseGridScaling" in attributes:
        return Rescale(attributes.number("DoseGridScaling") or 1.0, 0.0)
    return _rescale(attributes)


def _rescale(attributes: Attributes) -> Rescale:
    slope, intercept = attributes.number("RescaleSlope"), attributes.number("RescaleIntercept")
    return Rescale(1.0 if slope is None else slope, intercept or 0.0)


def voi_of(item: Attributes, *, signed_input: bool) -> Window | LookUpTable | None:
    """Return the first VOI LUT, else the first window, of a data set or an item (PS3.3 C.11.2)."""
    found = item.first_item("VOILUTSequence")
    table = look_up_table(found, signed_input=signed_input) if found else None
    if table is not None:
        return table
    center, width = item.number("WindowCenter"), item.number("WindowWidth")
    if center is None or width is None:
        return None
    function = function_of(item)
    is_wide_enough = width >= 1 if function is VoiFunction.LINEAR else width > 0
    return Window(center, width, function) if is_wide_enough else None


def function_of(item: Attributes) -> VoiFunction:
    """Return VOI LUT Function, LINEAR where it is absent or unknown."""
    try:
        return VoiFunction(item.text("VOILUTFunction"))
    except ValueError:
        return VoiFunction.LINEAR


def can_be_negative(modality: Rescale | LookUpTable, layout: Words) -> bool:
    """Say whether the Modality LUT can give a negative value."""
    if isinstance(modality, LookUpTable):
        return False
    low, high = stored_range(layout)
    return min(low * modality.slope, high * modality.slope) + modality.intercept < 0


def stored_range(layout: Words) -> tuple[int, int]:
    """Return the least and the greatest value that can be stored."""
    if layout.is_signed:
        return -(1 << (layout.bits_stored - 1)), (1 << (layout.bits_stored - 1)) - 1
    return 0, (1 << layout.bits_stored) - 1


def full_range(modality: Rescale | LookUpTable, layout: Words) -> Span:
    """Return all values that the Modality LUT can give: the VOI LUT of a presentation state that has none."""
    if isinstance(modality, LookUpTable):
        return Span(0.0, float(modality.top))
    ends = [value * modality.slope + modality.intercept for value in stored_range(layout)]
    return Span(min(ends), max(ends))


def padding_of(attributes: Attributes, layout: Words) -> tuple[float, float] | None:
    """Return the closed range of stored values that are background (PS3.3 C.7.5.1.1.2)."""
    value = attributes.number("PixelPaddingValue")
    if value is None:
        return None
    limit = attributes.number("PixelPaddingRangeLimit")
    ends = [_signed(end, layout) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _signed(value: float, layout: Words) -> float:
    """Return the value with the sign that the pixels have, whether its VR was US or SS."""
    if layout.is_signed and value > 0x7FFF and layout.bits_allocated <= 16:
        return value - 0x10000
    return value + 0x10000 if not layout.is_signed and value < 0 else value


def image_transform(
    attributes: Attributes, frame_index: int, layout: Words, window: Window | None, extremes: Extremes
) -> GrayTransform:
    """Return the transformation of a frame as its image and a request describe it.

    Args:
        attributes: of the image.
        frame_index: from 0.
        layout: of the stored values.
        window: of the request; it replaces every VOI LUT of the image.
        extremes: asked only where nothing else says what to show.
    """
    modality = modality_of(attributes, frame_index, is_signed=layout.is_signed)
    if window is not None:
        own = window.function or function_of(_voi_item(attributes, frame_index) or attributes)
        voi: Window | LookUpTable | Span = Window(window.center, window.width, own)
    else:
        voi = _image_voi(attributes, frame_index, modality, layout) or _default_voi(attributes, layout, extremes)
    item = attributes.first_item("PresentationLUTSequence")
    return GrayTransform(
        modality,
        voi,
        presentation=look_up_table(item, signed_input=False) if item else None,
        # MONOCHROME1 and the shape INVERSE describe one inversion, not two.
        is_inverse=attributes.text("PhotometricInterpretation") == "MONOCHROME1"
        or attributes.text("PresentationLUTShape") == "INVERSE",
        padding=padding_of(attributes, layout),
    )


def _voi_item(attributes: Attributes, frame_index: int) -> Attributes | None:
    return functional_group(attributes, frame_index, "FrameVOILUTSequence")


def _image_voi(
    attributes: Attributes, frame_index: int, modality: Rescale | LookUpTable, layout: Words
) -> Window | LookUpTable | None:
    signed = can_be_negative(modality, layout)
    item = _voi_item(attributes, frame_index)
    own = voi_of(item, signed_input=signed) if item else None
    return own or voi_of(attributes, signed_input=signed)


def _default_voi(attributes: Attributes, layout: Words, extremes: Extremes) -> Span:
    has_modality = any(keyword in attributes for keyword in ("ModalityLUTSequence", "RescaleSlope", "DoseGridScaling"))
    if layout.bits_allocated == 1:
        return Span(0.0, 1.0)
    if layout.bits_stored == 8 and not layout.is_signed and not has_modality:
        return Span(0.0, 255.0)
    return Span(*extremes())
