"""The pipeline: from a frame to the picture of it that an encoder takes (PS3.4 N.2, PS3.18 8.3.5.1).

Order: grayscale or colour transformation, overlays, shutters, displayed area, turns, region, scaling, graphics, and
burned-in annotation last. Graphics are drawn at output resolution through the same geometry, so that they stay sharp.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.color.profiles import converted, source_profile, well_known
from hilum.render.extremes import extremes_of
from hilum.render.frame_colors import SEGMENTATIONS, color_frame, default_palette, segmentation_frame, supplemental
from hilum.render.geometry.aspect import pixel_aspect
from hilum.render.geometry.placement import (
    Fit,
    Matrix,
    check_size,
    cropped,
    fit,
    resampled,
    scaling,
    translation,
    turned,
)
from hilum.render.graphics.burned_in import annotate
from hilum.render.graphics.drawing import Spaces, draw_annotations, layers_of
from hilum.render.graphics.overlays import overlays_of, painted_pixels
from hilum.render.graphics.shutters import hidden_pixels, shutter_color
from hilum.render.grayscale.choice import image_transform, words_of
from hilum.render.grayscale.transform import GrayTransform, Span, Words, display_values, show
from hilum.render.grayscale.windowing import rounded
from hilum.render.mosaic import Level, level_of, mosaic
from hilum.render.parameters import IccProfile, Viewport, Window
from hilum.render.rendering import Rendering
from hilum.render.samples import frame_floats, frame_words
from hilum.render.source import Pixels, Source
from hilum.render.states.presentation import Presentation, presentation_of, state_transform

_GRAY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_WHITE: Final = 255


@dataclass(frozen=True, slots=True)
class Picture:
    """Display values that are ready to be encoded."""

    pixels: NDArray[np.uint8]
    """Shape (rows, columns), or (rows, columns, 3)."""
    icc_profile: bytes | None = None
    """To embed."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame in display values, before geometry."""

    pixels: NDArray[np.uint8]
    words: NDArray[Any] | None
    """As stored; overlays may lie in its unused bits."""
    window: Window | None


def render_picture(rendering: Rendering, frame_index: int) -> Picture:
    """Return the picture of one frame.

    Raises:
        NotAcceptable: the frame cannot be decoded, or a state has what is not applied here.
        InvalidRequest: a parameter does not fit the image.
        PayloadTooLarge: the picture would have too many pixels.
    """
    source, parameters = rendering.source, rendering.parameters
    presentation = presentation_of(rendering.state, source, frame_index) if rendering.state else None
    pixels_of = pixels_or_refuse(source)
    check_size(pixels_of.format.columns, pixels_of.format.rows, rendering.max_pixels)
    frame = _display(source, frame_index, parameters.window, presentation)
    pixels = _with_overlays(frame, source, frame_index, presentation)
    pixels = _with_shutters(pixels, presentation.state if presentation else source.attributes)
    if presentation is not None and presentation.palette is not None and pixels.ndim == 2:
        last = len(presentation.palette.colors) - 1
        pixels = presentation.palette.colors[np.floor(pixels * (last / _WHITE) + 0.5).astype(np.intp)]
    pixels, profile = _in_space(pixels, source, presentation, parameters.icc_profile)
    pixels = _placed(pixels, source, frame_index, presentation, rendering)
    if parameters.annotation:
        pixels = annotate(
            pixels, source.attributes, parameters.annotation, frame_index=frame_index, window=frame.window
        )
    return Picture(np.ascontiguousarray(pixels), profile)


def render_mosaic(rendering: Rendering) -> Picture:
    """Return the picture of all tiles of a whole-slide image.

    Raises:
        NotAcceptable: the tiles cannot be put together, or a presentation state is to be applied.
        PayloadTooLarge: the picture would have too many pixels or tiles.
    """
    source, parameters = rendering.source, rendering.parameters
    level = level_of(source)
    if level is None or rendering.state is not None:
        raise NotAcceptable("The tiles of the instance cannot be put together so.")

    def tile_of(frame_index: int) -> NDArray[np.uint8]:
        return _display(source, frame_index, parameters.window, None).pixels

    pixels = mosaic(level, tile_of, parameters.viewport, rendering.max_pixels)
    pixels, profile = _in_space(pixels, source, None, parameters.icc_profile)
    if parameters.annotation:
        pixels = annotate(pixels, source.attributes, parameters.annotation, frame_index=0, window=parameters.window)
    return Picture(np.ascontiguousarray(pixels), profile)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a rendering comes to, without its pixels."""

    rows: int
    columns: int
    window: Window | None
    """Through which modality values are seen; None for colours and tables."""


def shown_by(rendering: Rendering) -> Shown:
    """Return size and window of the picture that a rendering makes of its first frame, or of all its tiles.

    Raises as `render_picture` and `render_mosaic` do.
    """
    source, parameters = rendering.source, rendering.parameters
    level = level_of(source) if len(rendering.frame_indices) == source.frame_count else None
    if level is not None:
        placed = fit((level.columns, level.rows), parameters.viewport, 1.0, rendering.max_pixels)
        return Shown(placed.height, placed.width, None)
    frame_index = rendering.frame_indices[0]
    presentation = presentation_of(rendering.state, source, frame_index) if rendering.state else None
    placed = _placement(rendering, frame_index, presentation)
    return Shown(placed.height, placed.width, _window_of(source, frame_index, parameters.window, presentation))


def _window_of(
    source: Source, frame_index: int, window: Window | None, presentation: Presentation | None
) -> Window | None:
    pixels = pixels_or_refuse(source)
    is_segmentation = source.sop_class_uid in SEGMENTATIONS and not pixels.is_float
    if pixels.format.photometric_interpretation not in _GRAY or is_segmentation:
        return None
    words = Words(64, 63, 62, is_signed=True) if pixels.is_float else words_of(pixels.format)
    voi = _transform(source, frame_index, words, window, presentation).voi
    if isinstance(voi, Span):
        # The window of the function LINEAR that stretches these values alike.
        return Window((voi.low + voi.high + 1) / 2, voi.high - voi.low + 1)
    return voi if isinstance(voi, Window) else None


def plain_mosaic(source: Source, level: Level, viewport: Viewport, max_pixels: int) -> NDArray[np.uint8]:
    """Return all tiles of a whole-slide image with nothing painted over them: for thumbnails."""
    return mosaic(level, lambda index: plain_pixels(source, index), viewport, max_pixels)


def plain_pixels(source: Source, frame_index: int) -> NDArray[np.uint8]:
    """Return a frame in display values with nothing painted over it: for thumbnails (WADO-58)."""
    frame = _display(source, frame_index, None, None)
    return _in_space(frame.pixels, source, None, None)[0]


def pixels_or_refuse(source: Source) -> Pixels:
    """Return the pixels of a source.

    Raises:
        NotAcceptable: it has none.
    """
    if source.pixels is None:
        raise NotAcceptable("The instance has no pixels to show.")
    return source.pixels


def _display(source: Source, frame_index: int, window: Window | None, presentation: Presentation | None) -> _Frame:
    pixels = pixels_or_refuse(source)
    layout = pixels.format
    if pixels.is_float:
        values = frame_floats(pixels.frame(frame_index), layout)
        words = Words(64, 63, 62, is_signed=True)
        transform = _transform(source, frame_index, words, window, presentation)
        shown = rounded(display_values(values, transform))
        return _Frame(_colored(shown, source, transform), None, _shown_window(transform))
    raw = frame_words(pixels.frame(frame_index), layout)
    if layout.photometric_interpretation not in _GRAY:
        return _Frame(color_frame(raw, layout, source.attributes), None, None)
    if source.sop_class_uid in SEGMENTATIONS and layout.samples_per_pixel == 1:
        return _Frame(segmentation_frame(raw, source, frame_index), None, None)
    words = words_of(layout)
    transform = _transform(source, frame_index, words, window, presentation)
    shown = show(raw, words, transform)
    shown = supplemental(shown, raw, words, source.attributes)
    return _Frame(_colored(shown, source, transform), raw, _shown_window(transform))


def _colored(shown: NDArray[np.uint8], source: Source, transform: GrayTransform) -> NDArray[np.uint8]:
    palette = default_palette(source)
    return shown if palette is None or shown.ndim == 3 or transform.is_inverse else palette.of(shown)


def _transform(
    source: Source, frame_index: int, words: Words, window: Window | None, presentation: Presentation | None
) -> GrayTransform:
    if presentation is not None:
        return state_transform(presentation.state, source, frame_index, words)
    return image_transform(source.attributes, frame_index, words, window, partial(extremes_of, source))


def _shown_window(transform: GrayTransform) -> Window | None:
    return transform.voi if isinstance(transform.voi, Window) else None


def _with_overlays(
    frame: _Frame, source: Source, frame_index: int, presentation: Presentation | None
) -> NDArray[np.uint8]:
    """Paint overlay planes: all of the image, or those that a presentation state activates."""
    groups = presentation.overlay_groups if presentation else None
    overlays = overlays_of(source.attributes, frame_index, frame.words, groups)
    if presentation is not None:
        # A plane of the state stands in the place of the image's in the same group.
        own = overlays_of(presentation.state, frame_index, None, groups)
        overlays = [*[plane for plane in overlays if plane.group not in {o.group for o in own}], *own]
    if not overlays:
        return frame.pixels
    pixels = frame.pixels.copy()
    for overlay in overlays:
        pixels[painted_pixels(overlay, pixels.shape)] = _WHITE
    return pixels


def _with_shutters(pixels: NDArray[np.uint8], attributes: Attributes) -> NDArray[np.uint8]:
    hidden = hidden_pixels(attributes, pixels.shape)
    if hidden is None:
        return pixels
    color = shutter_color(attributes)
    if pixels.ndim == 2 and len(set(color)) > 1:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    pixels = pixels.copy()
    pixels[hidden] = color if pixels.ndim == 3 else color[0]
    return pixels


def _in_space(
    pixels: NDArray[np.uint8], source: Source, presentation: Presentation | None, wanted: IccProfile | None
) -> tuple[NDArray[np.uint8], bytes | None]:
    """Return colours in the wanted space, and the profile to embed. Grey pixels never get one of RGB."""
    if pixels.ndim == 2:
        return pixels, None
    own = source_profile(source.attributes)
    if presentation is not None:
        own = source_profile(presentation.state) or own
    if wanted in (None, IccProfile.NO):
        return (pixels if own is None else converted(pixels, own, well_known(IccProfile.SRGB))), None
    own = own or well_known(IccProfile.SRGB)
    if wanted is IccProfile.YES:
        return pixels, own
    target = well_known(wanted)
    return converted(pixels, own, target), target


def _placed(
    pixels: NDArray[np.uint8],
    source: Source,
    frame_index: int,
    presentation: Presentation | None,
    rendering: Rendering,
) -> NDArray[np.uint8]:
    """Return the picture in its output geometry, with the graphics of a state on it."""
    placed = _placement(rendering, frame_index, presentation)
    resampling = Image.Resampling.NEAREST if source.sop_class_uid in SEGMENTATIONS else None
    if presentation is None:
        return resampled(pixels, placed, resampling)
    pixels, before = _displayed_area(pixels, presentation, rendering.max_pixels)
    shown = resampled(pixels, placed, resampling)
    spaces = Spaces(placed.matrix @ before, placed.matrix @ scaling(pixels.shape[1], pixels.shape[0]))
    return draw_annotations(shown, presentation.annotations, layers_of(presentation.state), spaces)


def _placement(rendering: Rendering, frame_index: int, presentation: Presentation | None) -> Fit:
    """Return where the pixels of a frame go, and the size of the result."""
    source, viewport = rendering.source, rendering.parameters.viewport
    layout, aspect = pixels_or_refuse(source).format, pixel_aspect(source.attributes, frame_index)
    if presentation is None:
        return fit((layout.columns, layout.rows), viewport, aspect, rendering.max_pixels)
    area = presentation.area
    size = int(area.right) - int(area.left), int(area.bottom) - int(area.top)
    aspect = presentation.aspect or aspect
    if presentation.quarter_turns % 2:
        size, aspect = (size[1], size[0]), 1 / aspect
    return _magnified(size, presentation, aspect, viewport, rendering.max_pixels)


def _displayed_area(
    pixels: NDArray[np.uint8], presentation: Presentation, max_pixels: int
) -> tuple[NDArray[np.uint8], Matrix]:
    area = presentation.area
    shown, matrix = turned(
        cropped(pixels, area, max_pixels), presentation.quarter_turns, mirrored=presentation.is_mirrored
    )
    return shown, matrix @ translation(-area.left, -area.top)


def _magnified(
    size: tuple[int, int], presentation: Presentation, aspect: float, viewport: Viewport | None, max_pixels: int
) -> Fit:
    """Return the fit; MAGNIFY without a viewport scales by its ratio."""
    if presentation.magnification is not None and viewport is None:
        wide = max(1, round(size[0] * presentation.magnification))
        high = max(1, round(size[1] * presentation.magnification * aspect))
        viewport = Viewport(wide, high)
    return fit(size, viewport, aspect, max_pixels)
