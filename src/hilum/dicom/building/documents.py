"""Documents that DICOM encapsulates: what each is stored as, and whether a file is one.

Source: PS3.3 A.45, A.85; PS3.18 10.5.1.4 (STOW-14).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lxml import etree

from hilum.dicom.building.contents import FileRange
from hilum.dicom.reading.instance import DecodeError


@dataclass(frozen=True, slots=True)
class DocumentType:
    """How documents of one media type are stored."""

    sop_class_uid: str
    media_type: str
    """MIME Type of Encapsulated Document (0042,0012)."""
    modality: str
    is_one: Callable[[FileRange], bool]


_HEAD_BYTES: Final = 64 * 1024
_CDA_ELEMENTS: Final = 32


def _is_pdf(part: FileRange) -> bool:
    return b"%PDF-" in part.read(0, 1024)


def _is_cda(part: FileRange) -> bool:
    return bool(_cda_elements(part))


def cda_identifier(part: FileRange) -> str:
    """Return the HL7 Instance Identifier (0040,E001) of a CDA document, root and extension; '' without."""
    for element in _cda_elements(part)[1:]:
        if etree.QName(element).localname == "id":
            return "^".join(filter(None, (element.get("root"), element.get("extension"))))
    return ""


def _cda_elements(part: FileRange) -> list[etree._Element]:
    """Return the elements at the begin of a ClinicalDocument; none if the file is of another kind."""
    parser = etree.XMLPullParser(("start",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        parser.feed(part.read(0, _HEAD_BYTES))
    except etree.XMLSyntaxError:
        return []
    events = islice(parser.read_events(), _CDA_ELEMENTS)
    elements = [element for _, element in events if isinstance(element, etree._Element)]  # noqa: SLF001 - its type
    is_cda = bool(elements) and etree.QName(elements[0]).localname == "ClinicalDocument"
    return elements if is_cda else []


def _is_stl(part: FileRange) -> bool:
    head = part.read(0, 84)
    return len(head) == 84 and part.length == 84 + 50 * int.from_bytes(head[80:84], "little")


def _is_text(part: FileRange) -> bool:
    head = part.read(0, _HEAD_BYTES)
    return bool(head) and b"\0" not in head


_ENCAPSULATED: Final = "1.2.840.10008.5.1.4.1.1.104"
_PDF: Final = DocumentType(f"{_ENCAPSULATED}.1", "application/pdf", "DOC", _is_pdf)
_CDA: Final = DocumentType(f"{_ENCAPSULATED}.2", "text/XML", "DOC", _is_cda)
_STL: Final = DocumentType(f"{_ENCAPSULATED}.3", "model/stl", "M3D", _is_stl)
_OBJ: Final = DocumentType(f"{_ENCAPSULATED}.4", "model/obj", "M3D", _is_text)
_MTL: Final = DocumentType(f"{_ENCAPSULATED}.5", "model/mtl", "M3D", _is_text)

DOCUMENT_TYPES: Final[Mapping[str, DocumentType]] = {
    "application/pdf": _PDF,
    **dict.fromkeys(("text/xml", "application/xml", "application/hl7-cda+xml", "application/cda+xml"), _CDA),
    **dict.fromkeys(("model/stl", "application/sla", "model/x.stl-binary"), _STL),
    "model/obj": _OBJ,
    "model/mtl": _MTL,
}
"""By the media type of a part, in lower case."""


def check_document(document_type: DocumentType, part: FileRange) -> None:
    """Check that a file is what its media type says.

    Raises:
        DecodeError: it is not.
    """
    if not document_type.is_one(part):
        raise DecodeError("The document is not of its media type.")
