"""A data set in the DICOM JSON Model, read by keyword; bulk values are fetched when they are asked for."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import dictionary_VR

from hilum.dicom.levels import tag_of

ReadBulk = Callable[[str], bytes]
"""From the path of a bulk value (`00281201`) to its bytes, little endian; LookupError where there is none."""

_BULK_PREFIX: Final = "/bulkdata/"
_WORDS: Final[Mapping[str, str]] = {
    "OB": "<u1",
    "UN": "<u1",
    "OW": "<u2",
    "US": "<u2",
    "SS": "<i2",
    "UL": "<u4",
    "OL": "<u4",
    "SL": "<i4",
    "FL": "<f4",
    "OF": "<f4",
    "FD": "<f8",
    "OD": "<f8",
}


def no_bulk(path: str) -> bytes:
    """Refuse to read: for data sets whose values are all inline."""
    raise LookupError(path)


class Attributes:
    """The attributes of a data set or of an item. Values of a wrong type are as good as absent."""

    __slots__ = ("_members", "_read_bulk")

    def __init__(self, members: Mapping[str, Any], read_bulk: ReadBulk = no_bulk) -> None:
        """Read `members`, eight-digit tags to `{"vr": ..., "Value": [...]}`."""
        self._members = members
        self._read_bulk = read_bulk

    @property
    def members(self) -> Mapping[str, Any]:
        """The DICOM JSON Model itself."""
        return self._members

    def __contains__(self, keyword: str) -> bool:
        """Say whether the attribute is there, with a value or without."""
        return _tag(keyword) in self._members

    def values(self, keyword: str) -> list[Any]:
        """Return all values, [] where there are none inline."""
        attribute = self._members.get(_tag(keyword))
        if not isinstance(attribute, dict):
            return []
        values = attribute.get("Value")
        if values is None and attribute.get("vr") == "UN" and _vr(_tag(keyword)) not in _WORDS:
            text = self.octets(keyword).decode("ascii", "replace").rstrip(" \0")
            return list(text.split("\\")) if text else []
        return values if isinstance(values, list) else []

    def text(self, keyword: str) -> str:
        """Return the first value as text without padding; of a person's name the first group that has one."""
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: str) -> list[str]:
        """Return all values as text."""
        return [_text(value) for value in self.values(keyword)]

    def number(self, keyword: str) -> float | None:
        """Return the first value as a finite number."""
        return next(iter(self.numbers(keyword)), None)

    def integer(self, keyword: str, missing: int = 0) -> int:
        """Return the first value as an integer."""
        number = self.number(keyword)
        return missing if number is None else int(number)

    def numbers(self, keyword: str) -> list[float]:
        """Return all values that are finite numbers; those of a bulk value as well."""
        values = self.values(keyword)
        if not values:
            attribute = self._members.get(_tag(keyword))
            if isinstance(attribute, dict) and {"InlineBinary", "BulkDataURI"} & attribute.keys():
                return [float(value) for value in self.words(keyword)]
        return [number for number in (_number(value) for value in values) if number is not None]

    def items(self, keyword: str) -> list[Attributes]:
        """Return the items of a sequence."""
        return [Attributes(item, self._read_bulk) for item in self.values(keyword) if isinstance(item, dict)]

    def item_of(self, members: Mapping[str, Any]) -> Attributes:
        """Return an item of this data set that was found otherwise than by `items`."""
        return Attributes(members, self._read_bulk)

    def first_item(self, keyword: str) -> Attributes | None:
        """Return the first item of a sequence."""
        values = self.values(keyword)
        return Attributes(values[0], self._read_bulk) if values and isinstance(values[0], dict) else None

    def octets(self, keyword: str) -> bytes:
        """Return a binary value, b'' where there is none."""
        attribute = self._members.get(_tag(keyword))
        if not isinstance(attribute, dict):
            return b""
        inline, reference = attribute.get("InlineBinary"), attribute.get("BulkDataURI")
        if isinstance(inline, str):
            try:
                return base64.b64decode(inline, validate=True)
            except binascii.Error:
                return b""
        if isinstance(reference, str):
            try:
                return self._read_bulk(reference.rpartition(_BULK_PREFIX)[2])
            except LookupError:
                return b""
        return b""

    def words(self, keyword: str) -> NDArray[Any]:
        """Return the values of a binary or numeric attribute as an array in the type of its VR."""
        attribute = self._members.get(_tag(keyword))
        vr = attribute.get("vr", "") if isinstance(attribute, dict) else ""
        if vr == "UN":
            vr = _vr(_tag(keyword))
        values = self.values(keyword)
        if values:
            return np.array([number for number in map(_number, values) if number is not None])
        word = np.dtype(_WORDS.get(vr, "<u1"))
        data = self.octets(keyword)
        return np.frombuffer(data, word, count=len(data) // word.itemsize)

    def overlay_groups(self) -> Iterator[str]:
        """Yield the four hexadecimal digits of each group of overlays, 6000 to 601E."""
        for number in range(0x6000, 0x6020, 2):
            if f"{number:04X}0010" in self._members:
                yield f"{number:04X}"


@lru_cache(maxsize=1024)
def _tag(keyword: str) -> str:
    return keyword if len(keyword) == 8 and keyword[0].isdigit() else tag_of(keyword)


@lru_cache(maxsize=1024)
def _vr(tag: str) -> str:
    """Return the VR of the data dictionary for an attribute that came as UN; of several the last, the widest."""
    try:
        return dictionary_VR(int(tag, 16)).rpartition(" ")[2]
    except KeyError:
        return "UN"


def _text(value: object) -> str:
    if isinstance(value, dict):
        groups = (value.get(name) for name in ("Alphabetic", "Ideographic", "Phonetic"))
        value = next((group for group in groups if isinstance(group, str) and group), "")
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
