"""What a thumbnail shows of an instance: its pixels alone, or a typed icon where they might name the patient."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.dicom.transfer_syntaxes import VIDEO_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.encoders.video import first_picture
from hilum.render.geometry.aspect import pixel_aspect
from hilum.render.geometry.placement import Fit, check_size, fit, resampled
from hilum.render.graphics.icons import icon
from hilum.render.mosaic import level_of
from hilum.render.parameters import PixelRegion, Viewport
from hilum.render.picture import Picture, pixels_or_refuse, plain_mosaic, plain_pixels
from hilum.render.source import Source

_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_MOST_TILES: Final = 64
_ULTRASOUND: Final = frozenset({"US", "IVUS"})
_TISSUE: Final = 1
"""Region Spatial Format of two-dimensional images (PS3.3 C.8.5.5.1.1)."""


def icon_picture(sop_class_uid: str, size: tuple[int, int]) -> Picture:
    """Return the typed icon of a SOP Class: a square that fits into width and height."""
    side = min(size)
    return Picture(icon(sop_class_uid, side, side))


def thumbnail_picture(source: Source, frame_number: int | None, size: tuple[int, int], *, max_pixels: int) -> Picture:
    """Return the thumbnail of an instance.

    Args:
        source: the instance.
        frame_number: from 1; None: its Representative Frame Number, else its middle frame.
        size: width and height into which it is fitted.
        max_pixels: most pixels of the frame.

    Raises:
        NotAcceptable, PayloadTooLarge: it has no pixels to show.
    """
    if may_name_patient(source):
        return icon_picture(source.sop_class_uid, size)
    level = level_of(source) if frame_number is None else None
    if level is not None and level.frame_count <= _MOST_TILES:
        return Picture(np.ascontiguousarray(plain_mosaic(source, level, Viewport(*size), max_pixels)))
    pixels = _pixels(source, frame_number, max_pixels)
    region = ultrasound_region(source.attributes)
    if region is None and source.attributes.text("Modality") in _ULTRASOUND:
        _refuse_unless_clean(source)
    viewport = Viewport(*size, region)
    index = (frame_number or 1) - 1
    placed = fit((pixels.shape[1], pixels.shape[0]), viewport, pixel_aspect(source.attributes, index), max_pixels)
    return Picture(np.ascontiguousarray(resampled(pixels, Fit(placed.region, placed.width, placed.height))))


def _refuse_unless_clean(source: Source) -> None:
    """Refuse ultrasound without regions: the names of patients stand beside its images."""
    if source.attributes.text("BurnedInAnnotation") != "NO":
        raise NotAcceptable("The image does not say where its pixels are free of text.")


def _pixels(source: Source, frame_number: int | None, max_pixels: int) -> NDArray[np.uint8]:
    layout = pixels_or_refuse(source).format
    check_size(layout.columns, layout.rows, max_pixels)
    if source.transfer_syntax_uid in VIDEO_SYNTAXES:
        shown = first_picture(pixels_or_refuse(source).stored_frame(0))
        if shown is None:
            raise NotAcceptable("The stored video cannot be decoded here.")
        return shown
    if frame_number is None:
        middle = layout.number_of_frames // 2 + 1
        frame_number = source.attributes.integer("RepresentativeFrameNumber", middle)
        frame_number = min(max(frame_number, 1), layout.number_of_frames)
    return plain_pixels(source, frame_number - 1)


def may_name_patient(source: Source) -> bool:
    """Say whether the pixels may hold who the patient is: declared, or of a kind that often does (WADO-58)."""
    attributes = source.attributes
    burned_in, image_type = attributes.text("BurnedInAnnotation"), attributes.texts("ImageType")
    if burned_in == "YES":
        return True
    if source.sop_class_uid == _SECONDARY_CAPTURE or source.sop_class_uid.startswith(_SECONDARY_CAPTURE + "."):
        return burned_in != "NO"
    if "LABEL" in image_type:
        return True
    return "OVERVIEW" in image_type and attributes.text("SpecimenLabelInImage") != "NO"


def ultrasound_region(attributes: Attributes) -> PixelRegion | None:
    """Return the largest region of an ultrasound image, a two-dimensional one if there is any; None: it has none."""
    found = []
    for item in attributes.items("SequenceOfUltrasoundRegions"):
        names = ("MinX0", "MinY0", "MaxX1", "MaxY1")
        edges = [item.number(f"RegionLocation{name}") for name in names]
        left, top, right, bottom = (edge if edge is not None else -1.0 for edge in edges)
        if 0 <= left < right and 0 <= top < bottom:
            is_tissue = item.integer("RegionSpatialFormat") == _TISSUE
            region = PixelRegion(left, top, right - left + 1, bottom - top + 1)
            found.append(((is_tissue, (right - left) * (bottom - top)), region))
    return max(found, key=lambda ranked: ranked[0])[1] if found else None
