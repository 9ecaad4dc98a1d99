"""Text in any script, from fonts that come as packages; each run in the first font that has its characters."""

from __future__ import annotations

import importlib
import importlib.util
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Inks = tuple[Color, Color]
"""The colour of glyphs, and that of the outline that sets them off."""

_MOST_CHARACTERS: Final = 1024
_MISSING: Final = "\U0010fffd"
_FIRAGO, _SYMBOLS, _CJK = range(3)
FONTS: Final = ("ttf", "ttf", "otf")
"""Suffix of each font file, the first choice first."""
_CJK_PACKAGE: Final = "cvttf_NotoSansCJK_Regular"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one font."""

    text: str
    font: int


@lru_cache(maxsize=3)
def font_data(number: int) -> bytes:
    """Return a font file by its number in `FONTS`.

    FiraGO has Latin, Cyrillic, Greek, Georgian, Arabic, Hebrew, Thai and Devanagari.
    """
    if number == _CJK:
        found = importlib.util.find_spec(_CJK_PACKAGE)
        folder = Path(found.origin).parent if found and found.origin else Path()
        return next(folder.glob("*.otf")).read_bytes()
    module = {_FIRAGO: "FiraGO_Regular", _SYMBOLS: "NotoSansSymbols_Regular"}[number]
    data: bytes = importlib.import_module(f"pymupdf_fonts.{module}").fontbuffer
    return data


@lru_cache(maxsize=64)
def _font(number: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(font_data(number)), size)


@lru_cache(maxsize=8192)
def _font_of(character: str) -> int:
    """Return the first font that has a glyph for a character; the first of all where none has."""
    if character.isspace() or unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return _FIRAGO
    for number in range(len(FONTS)):
        font = _font(number, 24)
        if bytes(font.getmask(character)) != bytes(font.getmask(_MISSING)):
            return number
    return _FIRAGO


def runs_of(text: str) -> Iterator[Run]:
    """Yield the runs of a line in order."""
    run, font = "", _FIRAGO
    for character in text[:_MOST_CHARACTERS]:
        own = font if run and (character.isspace() or unicodedata.combining(character)) else _font_of(character)
        if run and own != font:
            yield Run(run, font)
            run = ""
        run, font = run + character, own
    if run:
        yield Run(run, font)


def cleaned(text: str) -> str:
    """Return one line without control characters."""
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text).strip()


def text_width(text: str, size: int) -> float:
    """Return the width of a line in pixels."""
    return float(sum(_font(run.font, size).getlength(run.text) for run in runs_of(text)))


def line_height(size: int) -> int:
    """Return the distance of lines in pixels."""
    return max(size + 1, round(size * 1.25))


def draw_line(image: Image.Image, position: tuple[float, float], text: str, *, size: int, inks: Inks) -> None:
    """Draw a line of text whose top left corner is at `position`, with an outline that sets it off.

    Args:
        image: `L` or `RGB`.
        position: x and y in pixels.
        text: one line.
        size: of the font, in pixels.
        inks: of the glyphs, and around them.
    """
    draw = ImageDraw.Draw(image)
    x, baseline = position[0], position[1] + size
    for run in runs_of(text):
        font = _font(run.font, size)
        draw.text(
            (x, baseline),
            run.text,
            fill=_ink(image, inks[0]),
            font=font,
            anchor="ls",
            stroke_width=max(1, size // 14),
            stroke_fill=_ink(image, inks[1]),
        )
        x += font.getlength(run.text)


def _ink(image: Image.Image, color: Color) -> int | Color:
    return color if image.mode == "RGB" else color[1]


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Return a text in lines that are no wider than `width` pixels: broken between words, or in a word that is."""
    lines, line = [], ""
    for word in text.split():
        candidate = f"{line} {word}".strip()
        if text_width(candidate, size) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        *whole, line = _broken(word, size, width)
        lines += whole
    return [*lines, line] if line else lines


def _broken(word: str, size: int, width: float) -> list[str]:
    pieces, piece = [], ""
    for character in word:
        if piece and text_width(piece + character, size) > width:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]
