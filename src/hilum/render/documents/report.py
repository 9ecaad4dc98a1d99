"""A structured report as a tree of what people read; how it looks is decided by whoever writes it.

Source: PS3.3 C.17.3 (content tree), C.17.2 (header).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hilum.dicom.resources import TargetResource
from hilum.errors import PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.render.documents.values import (
    code_meaning,
    code_title,
    day,
    moment,
    person_name,
    sop_class_name,
    time_of_day,
)

IsStored = Callable[[TargetResource], bool]
"""Say whether an instance is on this origin server."""

_MOST_ITEMS: Final = 50_000
_LANGUAGE: Final = frozenset({"121049", "121045", "121046"})
_IN_ATTRIBUTES: Final = frozenset({"HAS CONCEPT MOD", "HAS OBS CONTEXT", "HAS ACQ CONTEXT"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a value; at most one of `path` and `anchor` says where it leads."""

    text: str
    title: str = ""
    """Of what the text stands for: a code, a UID."""
    path: str = ""
    """Path of a resource below the service root."""
    thumbnail: str = ""
    """Path of the small image of what `path` leads to."""
    anchor: str = ""
    """Position of the content item that is meant."""


@dataclass(frozen=True, slots=True)
class ContentItem:
    """A content item with what hangs on it."""

    position: str
    """Referenced Content Item Identifier, such as `1.2.1`."""
    relationship: str
    value_type: str
    name: Piece
    value: tuple[Piece, ...]
    children: tuple[ContentItem, ...]
    is_continuous: bool = False
    """Children of a container read as one text."""

    @property
    def is_container(self) -> bool:
        """Whether it is a section."""
        return self.value_type == "CONTAINER"

    @property
    def is_context(self) -> bool:
        """Whether it says how its parent is meant, and belongs beside it."""
        return self.relationship in _IN_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its title, its language, what its header says, and its root."""

    title: str
    language: str
    """Tag of RFC 5646, '' where the document names none."""
    facts: tuple[tuple[str, str], ...]
    """Of the header, each with its name."""
    root: ContentItem


def report_of(attributes: Attributes, is_stored: IsStored) -> Report:
    """Return the report that a data set with a content tree is.

    Args:
        attributes: of the instance.
        is_stored: which of the instances it references can be shown.

    Raises:
        PayloadTooLarge: it has more content items than can be shown.
    """
    reader = _Reader(_evidence(attributes), is_stored)
    root = reader.item(attributes, "1", "")
    title = root.name.text or code_meaning(attributes.first_item("ConceptNameCodeSequence")) or "Report"
    return Report(title, _language(attributes), tuple(_facts(attributes)), root)


_FACTS: Final = (
    ("Patient", "PatientName", person_name),
    ("Patient ID", "PatientID", str),
    ("Birth date", "PatientBirthDate", day),
    ("Sex", "PatientSex", str),
    ("Study date", "StudyDate", day),
    ("Study", "StudyDescription", str),
    ("Accession number", "AccessionNumber", str),
    ("Institution", "InstitutionName", str),
    ("Referring physician", "ReferringPhysicianName", person_name),
    ("Series", "SeriesDescription", str),
    ("Content date", "ContentDate", day),
    ("Content time", "ContentTime", time_of_day),
    ("Completion", "CompletionFlag", str),
    ("Completion description", "CompletionFlagDescription", str),
    ("Verification", "VerificationFlag", str),
)


def _facts(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for name, keyword, form in _FACTS:
        values = [
            form(value) if not isinstance(value, (int, float)) else str(value) for value in _known(attributes, keyword)
        ]
        text = ", ".join(value for value in values if value)
        if text:
            yield name, text
    for observer in attributes.items("VerifyingObserverSequence"):
        who = (
            person_name(next(iter(observer.values("VerifyingObserverName")), "")),
            observer.text("VerifyingOrganization"),
            moment(observer.text("VerificationDateTime")),
        )
        yield "Verified by", ", ".join(part for part in who if part)
    for author in attributes.items("AuthorObserverSequence"):
        name = person_name(next(iter(author.values("PersonName")), "")) or author.text("StationName")
        if name:
            yield "Author", name
    for study in attributes.items("PredecessorDocumentsSequence"):
        for series in study.items("ReferencedSeriesSequence"):
            for reference in series.items("ReferencedSOPSequence"):
                yield "Predecessor document", reference.text("ReferencedSOPInstanceUID")


def _known(attributes: Attributes, keyword: str) -> list[object]:
    return [value for value in attributes.values(keyword) if value not in (None, "")]


def _language(attributes: Attributes) -> str:
    for item in attributes.items("ContentSequence"):
        concept = item.first_item("ConceptNameCodeSequence")
        if concept is not None and concept.text("CodeValue") in _LANGUAGE:
            code = item.first_item("ConceptCodeSequence")
            tag = code.text("CodeValue") if code is not None else ""
            if tag and tag.replace("-", "").isalnum() and tag.isascii() and len(tag) <= 35:
                return tag
    return ""


def _evidence(attributes: Attributes) -> Mapping[str, TargetResource]:
    """Return where each referenced instance belongs, by its UID (PS3.3 C.17.2, C.17.6)."""
    found: dict[str, TargetResource] = {}
    for keyword in (
        "CurrentRequestedProcedureEvidenceSequence",
        "PertinentOtherEvidenceSequence",
        "IdenticalDocumentsSequence",
        "PredecessorDocumentsSequence",
    ):
        for study in attributes.items(keyword):
            for series in study.items("ReferencedSeriesSequence"):
                for reference in series.items("ReferencedSOPSequence"):
                    uid = reference.text("ReferencedSOPInstanceUID")
                    target = TargetResource(study.text("StudyInstanceUID"), series.text("SeriesInstanceUID"), uid)
                    found.setdefault(uid, target)
    return MappingProxyType(found)


def stored_references(attributes: Attributes, is_stored: IsStored) -> str:
    """Return what a rendered report depends on beside itself: which of the instances it names are stored."""
    known = "".join("1" if is_stored(target) else "0" for target in _evidence(attributes).values())
    return hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""


class _Reader:
    """Reads content items; counts them, and remembers what the archive said of references."""

    def __init__(self, evidence: Mapping[str, TargetResource], is_stored: IsStored) -> None:
        self._evidence = evidence
        self._is_stored = is_stored
        self._paths: dict[str, str] = {}
        self._count = 0

    def item(self, item: Attributes, position: str, relationship: str) -> ContentItem:
        self._count += 1
        if self._count > _MOST_ITEMS:
            raise PayloadTooLarge(f"A report of more than {_MOST_ITEMS} content items is not rendered.")
        value_type = item.text("ValueType")
        target = item.numbers("ReferencedContentItemIdentifier")
        if target:
            anchor = ".".join(str(int(number)) for number in target)
            value: tuple[Piece, ...] = (Piece(f"see {anchor}", anchor=anchor),)
        else:
            value = tuple(_VALUES.get(value_type, _no_value)(item, self))
        return ContentItem(
            position,
            relationship or item.text("RelationshipType"),
            value_type,
            _coded(item.first_item("ConceptNameCodeSequence")),
            value,
            tuple(
                self.item(child, f"{position}.{number}", "")
                for number, child in enumerate(item.items("ContentSequence"), 1)
            ),
            item.text("ContinuityOfContent") == "CONTINUOUS",
        )

    def path_of(self, sop_instance_uid: str) -> str:
        """Return the path of a referenced instance, '' if it is not here."""
        path = self._paths.get(sop_instance_uid)
        if path is None:
            target = self._evidence.get(sop_instance_uid)
            path = target.path if target is not None and self._is_stored(target) else ""
            self._paths[sop_instance_uid] = path
        return path


def _coded(code: Attributes | None) -> Piece:
    return Piece("") if code is None else Piece(code_meaning(code), code_title(code))


def _no_value(_item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    return iter(())


def _text_value(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    yield Piece("\n".join(str(value) for value in item.values("TextValue") if value is not None))


def _code_value(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    for code in item.items("ConceptCodeSequence"):
        yield _coded(code)


def _number_value(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    for measured in item.items("MeasuredValueSequence"):
        number = ", ".join(f"{value:.12g}" for value in measured.numbers("NumericValue"))
        code = measured.first_item("MeasurementUnitsCodeSequence")
        unit = _coded(code)
        # UCUM writes what has no unit as 1, or as an annotation in braces.
        is_unit = code is not None and code.text("CodeValue") != "1"
        if number:
            yield Piece(number + (f" {unit.text}" if is_unit else ""), unit.title if is_unit else "")
    for qualifier in item.items("NumericValueQualifierCodeSequence"):
        yield _coded(qualifier)


def _plain(keyword: str, form: Callable[[str], str]) -> Callable[[Attributes, _Reader], Iterator[Piece]]:
    def pieces(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
        for text in item.texts(keyword):
            yield Piece(form(text))

    return pieces


def _name_value(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    for value in item.values("PersonName"):
        yield Piece(person_name(value))


def _reference_value(item: Attributes, reader: _Reader) -> Iterator[Piece]:
    for reference in item.items("ReferencedSOPSequence"):
        yield from _references(reference, reader, "image" if item.text("ValueType") == "IMAGE" else "document")


def _references(reference: Attributes, reader: _Reader, kind: str) -> Iterator[Piece]:
    uid, class_name = (
        reference.text("ReferencedSOPInstanceUID"),
        sop_class_name(reference.text("ReferencedSOPClassUID")),
    )
    path = reader.path_of(uid)
    if not path:
        yield Piece(f"{class_name} {uid}", "not on this origin server")
        return
    frames = [int(number) for number in reference.numbers("ReferencedFrameNumber") if number >= 1]
    for frame in frames or [0]:
        place = f"{path}/frames/{frame}" if frame else path
        text = f"{class_name}, frame {frame}" if frame else class_name
        yield Piece(text, uid, f"{place}/rendered", f"{place}/thumbnail" if kind == "image" else "")
    for state in reference.items("ReferencedSOPSequence"):
        yield from _references(state, reader, "state")
    channels = [f"{int(number)}" for number in reference.numbers("ReferencedWaveformChannels")]
    if channels:
        yield Piece(f"channels {', '.join(channels)}")


def _coordinates(keyword: str) -> Callable[[Attributes, _Reader], Iterator[Piece]]:
    def pieces(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
        numbers = item.numbers("GraphicData")
        step = 3 if "ReferencedFrameOfReferenceUID" in item else 2
        points = (numbers[start : start + step] for start in range(0, min(len(numbers), 60), step))
        text = " ".join("(" + ", ".join(f"{number:g}" for number in point) + ")" for point in points)
        yield Piece(f"{item.text(keyword)} {text}{' ...' if len(numbers) > 60 else ''}".strip())

    return pieces


def _times(item: Attributes, _reader: _Reader) -> Iterator[Piece]:
    yield Piece(item.text("TemporalRangeType"))
    for keyword, unit in (("ReferencedSamplePositions", "sample"), ("ReferencedTimeOffsets", "s")):
        numbers = item.numbers(keyword)
        if numbers:
            yield Piece(f"{unit} " + ", ".join(f"{number:g}" for number in numbers[:30]))
    for text in item.texts("ReferencedDateTime"):
        yield Piece(moment(text))


_VALUES: Final[Mapping[str, Callable[[Attributes, _Reader], Iterator[Piece]]]] = {
    "TEXT": _text_value,
    "CODE": _code_value,
    "NUM": _number_value,
    "DATE": _plain("Date", day),
    "TIME": _plain("Time", time_of_day),
    "DATETIME": _plain("DateTime", moment),
    "PNAME": _name_value,
    "UIDREF": _plain("UID", str),
    "IMAGE": _reference_value,
    "COMPOSITE": _reference_value,
    "WAVEFORM": _reference_value,
    "SCOORD": _coordinates("GraphicType"),
    "SCOORD3D": _coordinates("GraphicType"),
    "TCOORD": _times,
}
"""What each Value Type shows (PS3.3 Table C.17.3-7)."""
