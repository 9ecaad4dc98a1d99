"""The Native DICOM Model: data sets of the DICOM JSON Model to XML and back.

Both forms hold the same (PS3.18 F.3): one XML document is one data set. Writing drops what XML 1.0 cannot hold
(control characters), reading allows no document type, no entities and no depth beyond a limit.

Source: PS3.19 A.1, PS3.18 F.3.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, repeater_has_tag

from hilum.dicom.dictionary import creator_tag

_logger = logging.getLogger(__name__)

NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
HEAD: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">\n'
).encode()
TAIL: Final = b"</NativeDicomModel>\n"

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NUMBERS: Final = {"NaN": "NaN", "Infinity": "INF", "-Infinity": "-INF", "inf": "INF", "-inf": "-INF", "nan": "NaN"}
_FLOAT_VRS: Final = frozenset({"FL", "FD"})
_GROUP_LENGTH: Final = "0000"

_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES: Final = {ord(char): f"&#{ord(char)};" for char in "\r"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_ATTRIBUTE_ESCAPES: Final = _ESCAPES | {ord('"'): "&quot;", ord("\t"): "&#9;", ord("\n"): "&#10;"}


def json_to_xml(data_set: Mapping[str, Any] | bytes) -> bytes:
    r"""Return a data set of the DICOM JSON Model as one XML document, in UTF-8.

    Args:
        data_set: tags to attributes, or the JSON text of such an object.

    >>> json_to_xml({"00100020": {"vr": "LO", "Value": ["A<1"]}}).splitlines()[2]
    b'<DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">A&lt;1</Value></DicomAttribute>'
    """
    attributes = orjson.loads(data_set) if isinstance(data_set, bytes) else data_set
    return b"".join((HEAD, *(text.encode() for text in data_set_to_xml(attributes)), TAIL))


def data_set_to_xml(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `DicomAttribute` elements of a data set or item, ascending, each on a line of its own."""
    blocks = PrivateBlocks()
    for tag in sorted(attributes):
        attribute = attributes[tag]
        start = attribute_start(tag, attribute["vr"], blocks)
        blocks.note(tag, attribute)
        if start:
            content = attribute_content(attribute)
            yield f"{start}>{content}</DicomAttribute>\n" if content else f"{start}/>\n"


class PrivateBlocks:
    """Who reserved which block of private attributes in one data set; attributes are noted in ascending order."""

    def __init__(self) -> None:
        """Know no creators."""
        self._creators: dict[int, str] = {}
        self._first_blocks: dict[tuple[int, str], int] = {}

    def note(self, tag: str, attribute: Mapping[str, Any]) -> None:
        """Keep what a Private Creator reserves; other attributes say nothing here."""
        number = int(tag, 16)
        if not number >> 16 & 1 or not 0x10 <= number & 0xFFFF <= 0xFF:
            return
        values = attribute.get("Value")
        if isinstance(values, list) and values and isinstance(values[0], str) and not _ILLEGAL.search(values[0]):
            self._creators[number] = values[0]
            self._first_blocks.setdefault((number >> 16, values[0]), number)

    def of(self, tag: int) -> tuple[int, str]:
        """Return how an attribute is written: its tag, block byte zero where the creator tells it; the creator or ''.

        One creator may have several blocks. Attributes of the later ones keep their block byte, or they could not be
        told from those of the first.
        """
        creator = self._creators.get(creator_tag(tag), "") if tag >> 16 & 1 and tag & 0xFFFF >= 0x1000 else ""
        if creator and self._first_blocks[tag >> 16, creator] == creator_tag(tag):
            return tag & 0xFFFF00FF, creator
        return tag, creator


def attribute_start(tag: str, vr: str, blocks: PrivateBlocks) -> str:
    """Return the start tag of an attribute without its end; '' for what the model does not hold (XML-05)."""
    if tag.startswith("0002") or tag.endswith(_GROUP_LENGTH):
        return ""
    written, creator = blocks.of(int(tag, 16))
    keyword = _keyword(int(tag, 16))
    text = f'<DicomAttribute tag="{written:08X}" vr="{vr}"'
    if keyword:
        text += f' keyword="{keyword}"'
    if creator:
        text += f' privateCreator="{_escaped(creator, _ATTRIBUTE_ESCAPES)}"'
    return text


@lru_cache(maxsize=8192)
def _keyword(tag: int) -> str:
    is_known = not tag >> 16 & 1 and (dictionary_has_tag(tag) or repeater_has_tag(tag))
    return dictionary_keyword(tag) if is_known else ""


def attribute_content(attribute: Mapping[str, Any]) -> str:
    """Return what an attribute's element holds, '' for an empty one."""
    return "".join(_content(attribute))


def _content(attribute: Mapping[str, Any]) -> Iterator[str]:
    if "BulkDataURI" in attribute:
        yield f'<BulkData uri="{_escaped(attribute["BulkDataURI"], _ATTRIBUTE_ESCAPES)}"/>'
    elif "InlineBinary" in attribute:
        yield f"<InlineBinary>{attribute['InlineBinary']}</InlineBinary>"
    elif attribute["vr"] == "SQ":
        for number, item in enumerate(attribute.get("Value", ()), start=1):
            yield _numbered("Item", number, "".join(data_set_to_xml(item or {})))
    elif attribute["vr"] == "PN":
        for number, name in enumerate(attribute.get("Value", ()), start=1):
            inner = "".join(_name(name or {}))
            yield _numbered("PersonName", number, inner)
    else:
        is_float = attribute["vr"] in _FLOAT_VRS
        for number, value in enumerate(attribute.get("Value", ()), start=1):
            text = "" if value is None else str(value)
            if is_float:
                text = _NUMBERS.get(text, text)
            yield _numbered("Value", number, _escaped(text, _ESCAPES))


def _numbered(name: str, number: int, inner: str) -> str:
    return f'<{name} number="{number}">{inner}</{name}>' if inner else f'<{name} number="{number}"/>'


def _name(name: Mapping[str, str] | str) -> Iterator[str]:
    """Yield the component groups of a name; what stands behind the fourth delimiter is the suffix (XML-16)."""
    groups = {"Alphabetic": name} if isinstance(name, str) else name
    for group in _GROUPS:
        if text := groups.get(group):
            components = zip(_COMPONENTS, text.split("^", 4), strict=False)
            inner = "".join(f"<{key}>{_escaped(part, _ESCAPES)}</{key}>" for key, part in components if part)
            yield f"<{group}>{inner}</{group}>"


def _escaped(text: str, escapes: Mapping[int, str]) -> str:
    if _ILLEGAL.search(text):
        _logger.info("Characters that XML cannot hold were left out of a value.")
        text = _ILLEGAL.sub("", text)
    return text.translate(escapes)
