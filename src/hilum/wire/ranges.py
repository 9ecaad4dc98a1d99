"""Byte ranges (RFC 9110 14; PS3.18 8.4.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SINGLE_RANGE: Final = re.compile(
    r"[ \t]*bytes[ \t]*=[ \t,]*([0-9]{0,64})[ \t]*-[ \t]*([0-9]{0,64})[ \t,]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A half-open range of a representation of `size` bytes, never empty."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """Bytes in the range."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """Value of Content-Range with status 206 (HDR-05)."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


class RangeNotSatisfiable(ValueError):
    """No byte of the representation lies in the range: status 416."""

    def __init__(self, size: int) -> None:
        """Keep the size of the representation in bytes."""
        super().__init__(f"The representation has {size} bytes.")
        self.size = size

    @property
    def content_range(self) -> str:
        """Value of Content-Range with status 416 (HDR-05)."""
        return f"bytes */{self.size}"


def parse_range(text: str, size: int) -> ByteRange | None:
    """Return the single byte range that a Range header asks of a representation of `size` bytes.

    None: the header is to be ignored and the whole representation sent, because it is malformed, in another unit
    or names several ranges (WADO-50).

    Raises:
        RangeNotSatisfiable: the range lies behind the end.

    Source: RFC 9110 14.1.2, 14.2.

    >>> parse_range("bytes=-4", 10)
    ByteRange(start=6, stop=10, size=10)
    """
    found = _SINGLE_RANGE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        stop = min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, stop, size)
