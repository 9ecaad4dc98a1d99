"""Sheets as SVG, PNG and PDF, all true to scale: a millimetre is a millimetre."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.errors import FPDFException
from PIL import Image, ImageDraw

from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.documents.pdf import pdf_with_fonts
from hilum.render.graphics.text import cleaned, draw_line
from hilum.render.rendering import Rendering
from hilum.render.waveforms.layout import sheets_of
from hilum.render.waveforms.sheet import Box, Points, Sheet

_FINE: Final = (246, 214, 214)
_STRONG: Final = (229, 160, 160)
_INK: Final = (0, 0, 0)
_PAPER: Final = (255, 255, 255)
_FINE_MM: Final = 0.1
_STRONG_MM: Final = 0.2
_TRACE_MM: Final = 0.28
_PIXELS_A_MM: Final = 8.0
_MM_A_POINT: Final = 25.4 / 72
_PAGE: Final = (297.0, 210.0)


def render_svg(rendering: Rendering) -> bytes:
    """Return the sheets of a waveform object, one under the other, as SVG.

    Raises:
        NotAcceptable: it has nothing to show.
        PayloadTooLarge: it has too much to show.
    """
    sheets = _sheets(rendering)
    width, height = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    tops = list(accumulate((sheet.height for sheet in sheets), initial=0.0))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}">\n<defs><pattern id="grid" width="5" height="5" '
        'patternUnits="userSpaceOnUse"><path d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" '
        f'stroke="rgb{_FINE}" stroke-width="{_FINE_MM}"/><path d="M0 0H5M0 0V5" stroke="rgb{_STRONG}" '
        f'stroke-width="{_STRONG_MM}"/></pattern></defs>\n<rect width="100%" height="100%" fill="white"/>\n'
    )
    parts = [head]
    for sheet, top in zip(sheets, tops, strict=False):
        parts += [f'<g transform="translate(0 {top:g})">\n', *_svg_of(sheet), "</g>\n"]
    return "".join([*parts, "</svg>\n"]).encode()


def _svg_of(sheet: Sheet) -> Iterator[str]:
    for grid in sheet.grids:
        # The pattern begins at the corner of its grid.
        yield (
            f'<g transform="translate({grid.x:g} {grid.y:g})"><rect width="{grid.width:g}" height="{grid.height:g}" '
            f'fill="url(#grid)" stroke="rgb{_STRONG}" stroke-width="{_STRONG_MM}"/></g>\n'
        )
    for box in sheet.frames:
        yield (
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" fill="none" '
            f'stroke="rgb{_STRONG}" stroke-width="{_STRONG_MM}"/>\n'
        )
    for trace in sheet.traces:
        points = " ".join(f"{x:.2f},{y:.2f}" for x, y in trace.tolist())
        yield (
            f'<polyline points="{points}" fill="none" stroke="black" stroke-width="{_TRACE_MM}" '
            'stroke-linejoin="round"/>\n'
        )
    for label in sheet.labels:
        yield (
            f'<text x="{label.x:g}" y="{label.y:g}" font-size="{label.size:g}" font-family="sans-serif" '
            f'xml:space="preserve">{escape(cleaned(label.text))}</text>\n'
        )


def render_png(rendering: Rendering) -> bytes:
    """Return the sheets as PNG: 8 pixels a millimetre, or as many as fit the viewport.

    Raises as `render_svg` does.
    """
    sheets = _sheets(rendering)
    width, height = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    scale = _scale(rendering, width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size[0] * size[1] > rendering.max_pixels:
        raise PayloadTooLarge(
            f"A rendered representation has at most {rendering.max_pixels} pixels: ask for a viewport."
        )
    image = Image.new("RGB", size, _PAPER)
    top = 0.0
    for sheet in sheets:
        _paint(image, sheet, top, scale)
        top += sheet.height
    buffer = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", dpi=(scale * 25.4, scale * 25.4))
    return buffer.getvalue()


def _scale(rendering: Rendering, width: float, height: float) -> float:
    viewport = rendering.parameters.viewport
    bounds = [] if viewport is None else [(viewport.width, width), (viewport.height, height)]
    fits = [most / length for most, length in bounds if most is not None]
    return min(fits) if fits else _PIXELS_A_MM


def _paint(image: Image.Image, sheet: Sheet, top: float, scale: float) -> None:
    draw = ImageDraw.Draw(image)
    for grid in sheet.grids:
        for color, step in ((_FINE, 1), (_STRONG, 5)):
            # Lines nearer than three pixels would be a red surface.
            if step * scale >= 3:
                for line in _grid_lines(grid, step, top, scale):
                    draw.line(line, fill=color, width=1)
    for box in sheet.frames:
        corners = (box.x, box.y + top, box.x + box.width, box.y + box.height + top)
        draw.rectangle([corner * scale for corner in corners], outline=_STRONG)
    for trace in sheet.traces:
        draw.line(_pixels(trace, top, scale), fill=_INK, width=max(1, round(_TRACE_MM * scale)), joint="curve")
    for label in sheet.labels:
        size = max(6, round(label.size * scale))
        place = (label.x * scale, (label.y + top) * scale - size)
        draw_line(image, place, cleaned(label.text), size=size, inks=(_INK, _PAPER))


def _pixels(trace: Points, top: float, scale: float) -> list[float]:
    points = trace * scale
    points[:, 1] += top * scale
    return [float(number) for number in points.ravel()]


def _grid_lines(grid: Box, step: int, top: float, scale: float) -> Iterator[list[float]]:
    left, upper, right, lower = grid.x, grid.y + top, grid.x + grid.width, grid.y + grid.height + top
    for number in range(int(grid.width / step) + 1):
        x = left + number * step
        yield [x * scale, upper * scale, x * scale, lower * scale]
    for number in range(int(grid.height / step) + 1):
        y = upper + number * step
        yield [left * scale, y * scale, right * scale, y * scale]


def render_pdf(rendering: Rendering) -> bytes:
    """Return the sheets as the pages of a PDF, A4 across or larger. Raises as `render_svg` does."""
    sheets = _sheets(rendering)
    texts = "\n".join(cleaned(label.text) for sheet in sheets for label in sheet.labels)
    with tempfile.TemporaryDirectory(prefix="hilum-fonts-") as folder:
        try:
            pdf = pdf_with_fonts(Path(folder), texts)
            pdf.set_auto_page_break(auto=False)
            for sheet in sheets:
                _add_page(pdf, sheet)
            return bytes(pdf.output())
        except FPDFException as error:
            raise NotAcceptable("The waveforms cannot be laid out as PDF.") from error


def _add_page(pdf: FPDF, sheet: Sheet) -> None:
    height, width = max(sheet.height, _PAGE[1]), max(sheet.width, _PAGE[0])
    short, long = sorted((height, width))
    pdf.add_page(format=(short, long), orientation="L" if width >= height else "P")
    for grid in sheet.grids:
        for color, step, line in ((_FINE, 1, _FINE_MM), (_STRONG, 5, _STRONG_MM)):
            pdf.set_draw_color(*color)
            pdf.set_line_width(line)
            for x1, y1, x2, y2 in _grid_lines(grid, step, 0.0, 1.0):
                pdf.line(x1, y1, x2, y2)
    pdf.set_draw_color(*_STRONG)
    for box in sheet.frames:
        pdf.rect(box.x, box.y, box.width, box.height)
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(_TRACE_MM)
    for trace in sheet.traces:
        pdf.polyline([(float(x), float(y)) for x, y in trace])
    for label in sheet.labels:
        pdf.set_font("0", size=label.size / _MM_A_POINT)
        pdf.text(label.x, label.y, cleaned(label.text))


def _sheets(rendering: Rendering) -> Sequence[Sheet]:
    return sheets_of(rendering.source.attributes, rendering.parameters.annotation)
