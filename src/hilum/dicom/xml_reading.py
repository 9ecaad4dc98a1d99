"""Documents of the Native DICOM Model to data sets of the DICOM JSON Model.

The parser builds no tree of elements: what it reads becomes the data set as it goes. A document with a document
type, an entity or an unknown element is refused.

Source: PS3.19 A.1, PS3.18 F.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from hilum.dicom.reading.instance import DecodeError

MAX_DEPTH: Final = 64
"""Deepest nesting of sequences."""

_CHUNK_BYTES: Final = 64 * 1024
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_VR: Final = re.compile(r"[A-Z]{2}")
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_INTEGER_VRS: Final = frozenset({"SL", "SS", "SV", "UL", "US", "UV"})
_FLOAT_VRS: Final = frozenset({"FD", "FL"})
_FLOATS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "+inf": "Infinity"} | {
    "infinity": "Infinity",
    "-infinity": "-Infinity",
    "+infinity": "Infinity",
}

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_CHILDREN: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"NativeDicomModel"}),
    "NativeDicomModel": frozenset({"DicomAttribute"}),
    "Item": frozenset({"DicomAttribute"}),
    "DicomAttribute": frozenset({"Value", "Item", "PersonName", "BulkData", "InlineBinary"}),
    "PersonName": frozenset(_GROUPS),
    **dict.fromkeys(_GROUPS, frozenset(_COMPONENTS)),
}
_TEXTS: Final = frozenset({"Value", "InlineBinary", *_COMPONENTS})
_KINDS: Final = {"Value": "Value", "Item": "Value", "PersonName": "Value"} | {
    "BulkData": "BulkDataURI",
    "InlineBinary": "InlineBinary",
}


def xml_to_json(document: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return the data set of a document in the DICOM JSON Model, tags ascending.

    Group lengths and group 0002 are kept where they are sent: whoever stores drops them. Private attributes get
    concrete tags, and their creators an element of their own (XML-08). A BulkData element's `uuid` becomes a
    `urn:uuid:` URI, which no web service can resolve.

    Args:
        document: in any encoding that it declares.
        max_depth: deepest nesting of sequences.

    Raises:
        DecodeError: it is no such document, or has a document type.
    """
    builder = _Builder(max_depth)
    # Without a document type there are no entities but the five of XML itself: what would declare them is refused.
    parser = etree.XMLParser(
        target=builder,  # type: ignore[arg-type]  # lxml names elements and attributes in str alone
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        for start in range(0, len(document), _CHUNK_BYTES):
            parser.feed(document[start : start + _CHUNK_BYTES])
        parser.close()
    except etree.XMLSyntaxError as error:
        raise DecodeError("The document is no well-formed XML.") from error
    if builder.data_set is None:
        raise DecodeError("The document has no NativeDicomModel.")
    return builder.data_set


@dataclass(slots=True)
class _Private:
    """A private attribute whose block is not known before its data set is complete."""

    tag: int
    creator: str
    attribute: dict[str, Any]


@dataclass(slots=True)
class _DataSet:
    """A data set or an item that is being read."""

    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    private: list[_Private] = field(default_factory=list)


@dataclass(slots=True)
class _Attribute:
    """A DicomAttribute that is being read."""

    tag: int
    vr: str
    creator: str
    kind: str = ""
    values: dict[int, Any] = field(default_factory=dict)
    single: str = ""


class _Builder:
    """What the parser tells, as a data set; whatever a method raises ends the parser."""

    def __init__(self, max_depth: int) -> None:
        self.data_set: dict[str, Any] | None = None
        self._max_depth = max_depth
        self._path = [""]
        self._data_sets: list[_DataSet] = []
        self._attributes: list[_Attribute] = []
        self._numbers: list[int] = []
        self._name: dict[str, dict[str, str]] = {}
        self._group = ""
        self._text: list[str] = []

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        """Refuse a document type: only attacks have one."""
        raise DecodeError("The document has a document type, which is not allowed.")

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Pass over a processing instruction."""

    def comment(self, _text: str) -> None:
        """Pass over a comment."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        name = tag.rpartition("}")[2]
        if name not in _CHILDREN.get(self._path[-1], frozenset()):
            raise DecodeError("The document has an element that does not belong there.")
        self._path.append(name)
        self._text.clear()
        starter = _STARTERS.get(name)
        if starter is not None:
            starter(self, {key.lower(): value for key, value in attributes.items()})

    def data(self, text: str) -> None:
        """Take text."""
        if self._path[-1] in _TEXTS:
            self._text.append(text)
        elif text.strip():
            raise DecodeError("The document has text that does not belong there.")

    def end(self, _tag: str) -> None:
        """End an element."""
        name = self._path.pop()
        ender = _ENDERS.get(name)
        if ender is not None:
            ender(self)
        elif name in _COMPONENTS:
            self._name.setdefault(self._group, {})[name] = "".join(self._text)
        self._text.clear()

    def close(self) -> None:
        """End the document."""

    def _start_data_set(self, attributes: Mapping[str, str]) -> None:
        if len(self._data_sets) > self._max_depth:
            raise DecodeError("The document nests sequences deeper than this server reads.")
        if self._data_sets:
            self._start_value(attributes)
        self._data_sets.append(_DataSet())

    def _start_attribute(self, attributes: Mapping[str, str]) -> None:
        tag, vr = attributes.get("tag", ""), attributes.get("vr", "")
        if not _TAG.fullmatch(tag):
            raise DecodeError("A DicomAttribute has no tag of eight hexadecimal digits.")
        if vr and not _VR.fullmatch(vr):
            raise DecodeError("A DicomAttribute has a VR that is none.", tag=int(tag, 16))
        self._attributes.append(_Attribute(int(tag, 16), vr, attributes.get("privatecreator", "").strip(" ")))

    def _start_value(self, attributes: Mapping[str, str]) -> None:
        attribute = self._attributes[-1]
        self._take_kind(attribute)
        number = attributes.get("number")
        if number is not None and not _NUMBER.fullmatch(number):
            raise DecodeError("A value has a number that is none.", tag=attribute.tag)
        self._numbers.append(int(number) if number else len(attribute.values) + 1)

    def _start_single(self, attributes: Mapping[str, str]) -> None:
        attribute = self._attributes[-1]
        if attribute.kind:
            raise DecodeError("An attribute has values of two kinds.", tag=attribute.tag)
        self._take_kind(attribute)
        if self._path[-1] == "BulkData":
            uri, uuid = attributes.get("uri"), attributes.get("uuid")
            if uri is None and uuid is None:
                raise DecodeError("A BulkData element has no uri.", tag=attribute.tag)
            attribute.single = uri if uri is not None else f"urn:uuid:{uuid}"

    def _start_group(self, _attributes: Mapping[str, str]) -> None:
        self._group = self._path[-1]

    def _take_kind(self, attribute: _Attribute) -> None:
        name = self._path[-1]
        if attribute.kind not in ("", name):
            raise DecodeError("An attribute has values of two kinds.", tag=attribute.tag)
        attribute.kind = name

    def _end_value(self) -> None:
        attribute = self._attributes[-1]
        self._put_value(attribute, _value("".join(self._text), attribute.vr))

    def _end_name(self) -> None:
        groups = {group: _joined(self._name[group]) for group in _GROUPS if group in self._name}
        self._name = {}
        self._put_value(self._attributes[-1], {key: text for key, text in groups.items() if text} or None)

    def _end_item(self) -> None:
        self._put_value(self._attributes[-1], _complete(self._data_sets.pop()))

    def _put_value(self, attribute: _Attribute, value: object) -> None:
        number = self._numbers.pop()
        if number in attribute.values:
            raise DecodeError("Two values of an attribute have the same number.", tag=attribute.tag)
        attribute.values[number] = value

    def _end_binary(self) -> None:
        self._attributes[-1].single = "".join("".join(self._text).split())

    def _end_attribute(self) -> None:
        read = self._attributes.pop()
        attribute: dict[str, Any] = {"vr": read.vr} if read.vr else {}
        if read.values:
            if max(read.values) != len(read.values):
                raise DecodeError("The numbers of an attribute's values have gaps.", tag=read.tag)
            values = [read.values[number] for number in sorted(read.values)]
            if read.kind == "Item" or any(value is not None for value in values):
                attribute["Value"] = values
        elif read.kind and read.single:
            attribute[_KINDS[read.kind]] = read.single
        data_set = self._data_sets[-1]
        if read.creator and read.tag >> 16 & 1:
            data_set.private.append(_Private(read.tag, read.creator, attribute))
        else:
            _put(data_set.attributes, read.tag, attribute)

    def _end_model(self) -> None:
        self.data_set = _complete(self._data_sets.pop())


_STARTERS: Final[Mapping[str, Callable[[_Builder, Mapping[str, str]], None]]] = {
    "NativeDicomModel": _Builder._start_data_set,  # noqa: SLF001 - the table is part of the class
    "Item": _Builder._start_data_set,  # noqa: SLF001 - the table is part of the class
    "DicomAttribute": _Builder._start_attribute,  # noqa: SLF001 - the table is part of the class
    "Value": _Builder._start_value,  # noqa: SLF001 - the table is part of the class
    "PersonName": _Builder._start_value,  # noqa: SLF001 - the table is part of the class
    "BulkData": _Builder._start_single,  # noqa: SLF001 - the table is part of the class
    "InlineBinary": _Builder._start_single,  # noqa: SLF001 - the table is part of the class
    **dict.fromkeys(_GROUPS, _Builder._start_group),  # noqa: SLF001 - the table is part of the class
}
_ENDERS: Final[Mapping[str, Callable[[_Builder], None]]] = {
    "NativeDicomModel": _Builder._end_model,  # noqa: SLF001 - the table is part of the class
    "Item": _Builder._end_item,  # noqa: SLF001 - the table is part of the class
    "DicomAttribute": _Builder._end_attribute,  # noqa: SLF001 - the table is part of the class
    "Value": _Builder._end_value,  # noqa: SLF001 - the table is part of the class
    "PersonName": _Builder._end_name,  # noqa: SLF001 - the table is part of the class
    "InlineBinary": _Builder._end_binary,  # noqa: SLF001 - the table is part of the class
}


def _joined(components: Mapping[str, str]) -> str:
    return "^".join(components.get(key, "") for key in _COMPONENTS).rstrip("^")


def _value(text: str, vr: str) -> str | int | float | None:
    """Return the JSON value of a text; what is no number stays text, for the reader of the model to judge."""
    if not text:
        return None
    if vr in _INTEGER_VRS and _INTEGER.fullmatch(text):
        return int(text)
    if vr in _FLOAT_VRS:
        special = _FLOATS.get(text.strip().lower())
        if special is not None:
            return special
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _put(attributes: dict[str, dict[str, Any]], tag: int, attribute: dict[str, Any]) -> None:
    key = f"{tag:08X}"
    if key in attributes:
        raise DecodeError("The document has an attribute twice in one data set.", tag=tag)
    attributes[key] = attribute


def _complete(data_set: _DataSet) -> dict[str, Any]:
    """Give private attributes the block of their creator, or a free one, and return the data set in order."""
    attributes = data_set.attributes
    for private in data_set.private:
        tag = private.tag
        block = tag >> 8 & 0xFF if tag & 0xFFFF >= 0x1000 else 0
        if not block or _creator_of(attributes, tag >> 16, block) != private.creator:
            block = _block_of(data_set, tag >> 16, private.creator)
        _put(attributes, tag & 0xFFFF00FF | block << 8, private.attribute)
    return {tag: attributes[tag] for tag in sorted(attributes)}


def _creator_of(attributes: Mapping[str, Mapping[str, Any]], group: int, block: int) -> str | None:
    values = attributes.get(f"{group:04X}00{block:02X}", {}).get("Value", ())
    return values[0].strip(" ") if values and isinstance(values[0], str) else None


def _block_of(data_set: _DataSet, group: int, creator: str) -> int:
    attributes = data_set.attributes
    reserved = {int(tag[6:], 16) for tag in attributes if tag.startswith(f"{group:04X}00")}
    for block in sorted(reserved - set(range(0x10))):
        if _creator_of(attributes, group, block) == creator:
            return block
    used = reserved | {int(tag[4:6], 16) for tag in attributes if tag.startswith(f"{group:04X}")}
    free = next((block for block in range(0x10, 0x100) if block not in used), None)
    if free is None:
        raise DecodeError("A group has no room for another block of private attributes.")
    attributes[f"{group:04X}00{free:02X}"] = {"vr": "LO", "Value": [creator]}
    return free
