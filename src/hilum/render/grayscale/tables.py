"""Look-up tables: Modality LUT, VOI LUT and Presentation LUT (PS3.3 C.11.1, C.11.2, C.11.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.render.attributes import Attributes
from hilum.render.grayscale.windowing import WHITE, FloatArray

_MOST_ENTRIES: Final = 65_536


@dataclass(frozen=True, slots=True)
class LookUpTable:
    """Entries for input values from `first` on; hashable, so that what is made of it can be kept."""

    first: int
    bits: int
    """Significant bits of an entry."""
    data: bytes
    """Entries as little-endian words of 16 bits, at least one."""

    @property
    def entries(self) -> NDArray[np.uint16]:
        """The entries."""
        return np.frombuffer(self.data, "<u2")

    @property
    def top(self) -> int:
        """The greatest value that entries can have."""
        return (1 << self.bits) - 1

    def of(self, values: FloatArray) -> FloatArray:
        """Return the entry of each value; those outside have the first or the last."""
        entries = self.entries
        index = np.clip(np.floor(values + 0.5) - self.first, 0, len(entries) - 1).astype(np.intp)
        found: FloatArray = entries[index].astype(np.float64)
        return found

    def of_display(self, display: FloatArray) -> FloatArray:
        """Return display values for display values: the table's inputs span 0.0 to 255.0."""
        entries = self.entries
        index = np.clip(np.floor(display / WHITE * (len(entries) - 1) + 0.5), 0, len(entries) - 1).astype(np.intp)
        shown: FloatArray = entries[index] * (WHITE / self.top)
        return shown


def look_up_table(item: Attributes, *, signed_input: bool) -> LookUpTable | None:
    """Return the table of an item with LUT Descriptor and LUT Data; None if it has no usable one.

    Args:
        item: of a LUT sequence.
        signed_input: the values that are looked up can be negative, and with them the first one mapped.
    """
    descriptor = [int(number) for number in item.numbers("LUTDescriptor")]
    data = item.words("LUTData")
    if len(descriptor) != 3 or not len(data):
        return None
    count = (descriptor[0] & 0xFFFF) or _MOST_ENTRIES
    first = signed_first(descriptor[1], signed_input=signed_input)
    bits = min(max(descriptor[2], 1), 16)
    entries = table_entries(data, count, bits)
    return LookUpTable(first, _covering_bits(entries, bits), entries.astype("<u2").tobytes())


def signed_first(first: int, *, signed_input: bool) -> int:
    """Return the first value mapped, whether its VR was US or SS."""
    if signed_input:
        return first - 0x10000 if first > 0x7FFF else first
    return first & 0xFFFF


def table_entries(data: NDArray[Any], count: int, bits: int) -> NDArray[np.uint16]:
    """Return at most `count` entries: words of 16 bits each, or bytes of which two are packed in a word."""
    words = data.astype(np.int64).astype(np.uint16)
    if data.dtype.itemsize == 1 and bits > 8:
        words = np.frombuffer(data.tobytes(), "<u2", count=len(data) // 2)
    elif bits <= 8 and data.dtype.itemsize > 1 and len(words) < count <= 2 * len(words):
        words = np.frombuffer(words.astype("<u2").tobytes(), np.uint8).astype(np.uint16)
    return words[:count]


def _covering_bits(entries: NDArray[np.uint16], bits: int) -> int:
    """Return the bits that the entries fill, where fewer than declared (a table of 12 bits that says 16)."""
    greatest = int(entries.max(initial=0))
    if greatest >= 1 << bits:
        return 16
    return bits if greatest >= 1 << (bits - 1) else max(greatest.bit_length(), 1)
