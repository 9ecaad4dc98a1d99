"""Palette Color Lookup Tables, plain, segmented and supplemental (PS3.3 C.7.6.3.1.5, C.7.9)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.render.attributes import Attributes
from hilum.render.grayscale.tables import signed_first, table_entries

_MOST_ENTRIES: Final = 65_536
_CHANNELS: Final = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


class Palette:
    """Colours of 8 bits for stored values from `first` on."""

    __slots__ = ("colors", "first")

    def __init__(self, first: int, colors: NDArray[np.uint8]) -> None:
        """Keep colours, shape (entries, 3)."""
        self.first = first
        self.colors = colors

    def of(self, stored: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the colour of each stored value, shape (..., 3); those outside have the first or the last."""
        index = np.clip(stored.astype(np.int64) - self.first, 0, len(self.colors) - 1)
        return self.colors[index]


def palette_of(attributes: Attributes, *, signed_input: bool) -> Palette | None:
    """Return the palette of a data set or an item; None if it has no usable one."""
    first, columns = 0, []
    for channel in _CHANNELS:
        descriptor = attributes.numbers(f"{channel}PaletteColorLookupTableDescriptor")
        if len(descriptor) != 3:
            return None
        count = (int(descriptor[0]) & 0xFFFF) or _MOST_ENTRIES
        first = signed_first(int(descriptor[1]), signed_input=signed_input)
        entries = _entries(attributes, channel, count, int(descriptor[2]))
        if not len(entries):
            return None
        columns.append(entries)
    length = min(len(column) for column in columns)
    colors = np.stack([column[:length] for column in columns], axis=1)
    alpha = _alpha(attributes, length)
    if alpha is not None:
        # What lies behind is black.
        colors = np.floor(colors * (alpha[:, None] / 255.0) + 0.5).astype(np.uint8)
    return Palette(first, colors)


def _alpha(attributes: Attributes, length: int) -> NDArray[np.uint8] | None:
    descriptor = attributes.numbers("AlphaPaletteColorLookupTableDescriptor")
    if len(descriptor) != 3:
        return None
    entries = _entries(attributes, "Alpha", (int(descriptor[0]) & 0xFFFF) or _MOST_ENTRIES, int(descriptor[2]))
    return entries[:length] if len(entries) >= length else None


def _entries(attributes: Attributes, channel: str, count: int, bits: int) -> NDArray[np.uint8]:
    segmented = attributes.words(f"Segmented{channel}PaletteColorLookupTableData")
    if len(segmented):
        words = expand_segments(_as_words(segmented, bits), count)
    else:
        data = attributes.words(f"{channel}PaletteColorLookupTableData")
        words = table_entries(data, count, bits) if len(data) else np.zeros(0, np.uint16)
    if bits > 8 and int(words.max(initial=0)) > 255:
        return (words >> 8).astype(np.uint8)
    return (words & 0xFF).astype(np.uint8) if int(words.max(initial=0)) < 256 else (words >> 8).astype(np.uint8)


def _as_words(data: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return segmented data in the words of their entries: bytes where the descriptor says 8 bits."""
    if bits <= 8 and data.dtype.itemsize == 2:
        return np.frombuffer(data.tobytes(), np.uint8)
    if bits > 8 and data.dtype.itemsize == 1:
        return np.frombuffer(data.tobytes(), "<u2", count=len(data) // 2)
    return data if data.dtype.itemsize <= 2 else data.astype(np.int64)


def expand_segments(words: NDArray[Any], count: int) -> NDArray[np.uint16]:
    """Return the entries that segments describe, at most `count` (PS3.3 C.7.9.2).

    Malformed segments end the table where they begin.

    >>> expand_segments(np.array([0, 2, 10, 20, 1, 4, 60]), 16).tolist()
    [10, 20, 30, 40, 50, 60]
    """
    segments = _Segments([int(word) & 0xFFFF for word in words], words.dtype.itemsize == 1, count)
    segments.expand(0, None)
    return np.array(segments.entries[:count], np.uint16)


class _Segments:
    """Segments in words or bytes, and the entries that they have given so far."""

    def __init__(self, values: list[int], is_bytes: bool, count: int) -> None:  # noqa: FBT001 - a property of the data
        self._values = values
        self._is_bytes = is_bytes
        self._count = count
        self.entries: list[int] = []

    def expand(self, position: int, remaining: int | None) -> None:
        """Append the entries of segments from `position` on, of all or of `remaining` ones.

        An indirect segment repeats earlier ones, among which is no indirect one.
        """
        while position + 2 < len(self._values) and len(self.entries) < self._count and remaining != 0:
            opcode, length = self._values[position], self._values[position + 1]
            if opcode == _DISCRETE:
                self.entries += self._values[position + 2 : position + 2 + length]
                position += 2 + length
            elif opcode == _LINEAR and self.entries:
                ramp = np.linspace(self.entries[-1], self._values[position + 2], length + 1)[1:]
                self.entries += [int(value + 0.5) for value in ramp]
                position += 3
            elif opcode == _INDIRECT and remaining is None:
                offset, size = self._offset(position + 2)
                self.expand(offset, length)
                position += 2 + size
            else:
                return
            remaining = None if remaining is None else remaining - 1

    def _offset(self, position: int) -> tuple[int, int]:
        """Return where an indirect segment leads, as an index, and how many values say so (32 bits, low word first)."""
        size = 4 if self._is_bytes else 2
        bits = 8 if self._is_bytes else 16
        offset = sum(value << (bits * number) for number, value in enumerate(self._values[position : position + size]))
        return (offset if self._is_bytes else offset // 2), size


def _ramp(stops: tuple[tuple[float, int, int, int], ...]) -> NDArray[np.uint8]:
    positions = np.linspace(0.0, 1.0, 256)
    where = [stop[0] for stop in stops]
    channels = [np.interp(positions, where, [stop[number] for stop in stops]) for number in (1, 2, 3)]
    colors: NDArray[np.uint8] = np.floor(np.stack(channels, axis=1) + 0.5).astype(np.uint8)
    return colors


HEAT: Final = Palette(
    0, _ramp(((0.0, 0, 0, 0), (0.35, 120, 0, 110), (0.65, 235, 70, 30), (0.88, 255, 200, 40), (1.0, 255, 255, 230)))
)
"""Default colours of doses and parametric maps: their lightness rises with the value, so grey copies stay legible."""

SEGMENT_COLORS: Final = (
    (230, 80, 70),
    (80, 160, 230),
    (110, 200, 100),
    (240, 190, 60),
    (180, 110, 220),
    (70, 200, 200),
    (240, 130, 180),
    (170, 140, 100),
)
"""Colours of segments that recommend none."""
