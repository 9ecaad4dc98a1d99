"""Requests of the three methods as records; what is unknown is passed over, what is missing is a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from lxml import etree

from hilum.dicom.resources import TargetResource
from hilum.dicom.uids import is_uid
from hilum.soap.faults import FaultKind, SoapFault
from hilum.soap.names import ANY_IHE, ANY_WADO, IHE_RAD

T = TypeVar("T")

_ANY_REQUEST: Final = ANY_WADO | {IHE_RAD}
_ANY: Final = ANY_IHE | {IHE_RAD}
_LONGEST_VALUE: Final = 1024
_LONGEST_FILTER: Final = 4096
_MOST_FILTERS: Final = 100

DOCUMENT_NAMES: Final = frozenset({"DocumentRequest", "RenderedDocumentRequest", "DocumentInformationRequest"})
RENDERED_PARAMETERS: Final = (
    "Annotation",
    "Rows",
    "Columns",
    "Region",
    "WindowWidth",
    "WindowCenter",
    "ImageQuality",
    "PresentationUID",
    "PresentationSeriesUID",
    "Anonymize",
    "FrameNumber",
)
"""In the order of the schema."""
_REGION_PARTS: Final = ("Xmin", "Ymin", "Xmax", "Ymax")


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """One document that is asked for: an instance, and what the response echoes."""

    target: TargetResource
    home_community_id: str | None
    """None where the request names none."""
    repository_unique_id: str
    document_unique_id: str
    anonymize: str = ""

    @property
    def is_anonymized(self) -> bool:
        """Whether it must tell nobody whose it is."""
        return self.anonymize.lower() == "yes"


@dataclass(frozen=True, slots=True)
class DocumentSetRequest:
    """Method 1: objects in one of some transfer syntaxes."""

    documents: Sequence[DocumentRequest]
    transfer_syntax_uids: tuple[str, ...]
    """A set; no order of preference is meant."""


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One document of method 2."""

    document: DocumentRequest
    parameters: dict[str, str]
    """What the request gives of `RENDERED_PARAMETERS`, as text."""
    content_types: tuple[str, ...]
    charsets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetadataRequest:
    """One document of method 3."""

    document: DocumentRequest
    frame_number: str
    filters: tuple[str, ...]
    """XPath expressions, in order; none: all metadata."""


def document_set_requests(roots: Sequence[etree._Element], *, most: int) -> list[DocumentSetRequest]:
    """Return the requests of method 1, one for each root element of the body.

    Args:
        roots: elements of the body.
        most: documents that one message may ask for.

    Raises:
        SoapFault: one cannot be understood.

    Source: IHE RAD-69 (RAD TF-3 4.69.4.1.2).
    """
    requests = []
    for root in roots:
        listed = _child(root, "TransferSyntaxUIDList", _ANY)
        syntaxes = tuple(_texts(listed, "TransferSyntaxUID", _ANY)) if listed is not None else ()
        if not syntaxes or not all(map(is_uid, syntaxes)):
            raise SoapFault(FaultKind.SENDER, "The request must list transfer syntaxes by UID.")
        requests.append(DocumentSetRequest(_of_all_documents([root], lambda _element, one: one, most), syntaxes))
    if sum(len(request.documents) for request in requests) > most:
        raise _too_many(most)
    return requests


def rendered_requests(roots: Sequence[etree._Element], *, most: int) -> list[RenderedRequest]:
    """Return the documents that method 2 asks for, in order.

    Raises:
        SoapFault: the request cannot be understood.

    Source: PS3.18 2016e 6.4.2.
    """
    return _of_all_documents(roots, _rendered, most)


def metadata_requests(roots: Sequence[etree._Element], *, most: int) -> list[MetadataRequest]:
    """Return the documents that method 3 asks for, in order.

    Raises:
        SoapFault: the request cannot be understood.

    Source: PS3.18 2016e 6.4.3.
    """
    return _of_all_documents(roots, _metadata, most)


def _of_all_documents(
    roots: Sequence[etree._Element], read: Callable[[etree._Element, DocumentRequest], T], most: int
) -> list[T]:
    found: list[T] = []
    for root in roots:
        for study, series, element in _document_elements(root):
            if len(found) == most:
                raise _too_many(most)
            found.append(read(element, _document(study, series, element)))
    if not found:
        raise SoapFault(FaultKind.SENDER, "The request asks for no document.")
    return found


def _too_many(most: int) -> SoapFault:
    return SoapFault(FaultKind.SENDER, f"One message may ask for {most} documents.")


def _document_elements(root: etree._Element) -> Iterator[tuple[str, str, etree._Element]]:
    for study in _children(root, {"StudyRequest"}, _ANY_REQUEST):
        study_uid = _uid_attribute(study, "studyInstanceUID")
        for series in _children(study, {"SeriesRequest"}, _ANY_REQUEST):
            series_uid = _uid_attribute(series, "seriesInstanceUID")
            for element in _children(series, DOCUMENT_NAMES, _ANY):
                yield study_uid, series_uid, element


def _uid_attribute(element: etree._Element, name: str) -> str:
    value = (element.get(name) or "").strip()
    if not is_uid(value):
        raise SoapFault(FaultKind.SENDER, f"The attribute {name} must be a UID.")
    return value


def _document(study: str, series: str, element: etree._Element) -> DocumentRequest:
    unique_id = _text(element, "DocumentUniqueId", ANY_IHE)
    repository = _text(element, "RepositoryUniqueId", ANY_IHE)
    if not unique_id or not is_uid(unique_id):
        raise SoapFault(FaultKind.SENDER, "Each document request must have a DocumentUniqueId that is a UID.")
    if not repository:
        raise SoapFault(FaultKind.SENDER, "Each document request must have a RepositoryUniqueId.")
    home = _child(element, "HomeCommunityId", ANY_IHE)
    return DocumentRequest(
        TargetResource(study, series, unique_id),
        None if home is None else _value(home),
        repository,
        unique_id,
        _text(element, "Anonymize", _ANY),
    )


def _rendered(element: etree._Element, document: DocumentRequest) -> RenderedRequest:
    parameters = {}
    for name in RENDERED_PARAMETERS:
        found = _child(element, name, _ANY)
        if found is not None:
            parameters[name] = _region(found) if name == "Region" else _value(found)
    content_types = _listed(element, "ContentTypeList", "ContentType")
    if not content_types:
        raise SoapFault(FaultKind.SENDER, "Each request of a rendered document must list content types.")
    return RenderedRequest(
        document,
        parameters,
        content_types,
        _listed(element, "CharsetList", "Charset"),
    )


def _region(element: etree._Element) -> str:
    """Return a region as WADO-URI writes it; its four numbers may also come as elements."""
    if len(element):
        return ",".join(_text(element, name, _ANY) for name in _REGION_PARTS)
    return _value(element)


def _listed(element: etree._Element, list_name: str, name: str) -> tuple[str, ...]:
    found = _child(element, list_name, _ANY)
    return () if found is None else tuple(_texts(found, name, _ANY))


def _metadata(element: etree._Element, document: DocumentRequest) -> MetadataRequest:
    holders = [element, *_children(element, {"XPathRequestList", "XPathList"}, _ANY)]
    filters = tuple(_value(found) for holder in holders for found in _children(holder, {"XPath"}, _ANY))
    if len(filters) > _MOST_FILTERS:
        raise SoapFault(FaultKind.SENDER, f"One document request may have {_MOST_FILTERS} filters.")
    return MetadataRequest(document, _text(element, "FrameNumber", _ANY), filters)


# Elements by local name, in any of some namespaces.


def _children(
    element: etree._Element, names: frozenset[str] | set[str], namespaces: frozenset[str]
) -> list[etree._Element]:
    found = []
    for child in element:
        if isinstance(child.tag, str):
            name = etree.QName(child)
            if name.localname in names and name.namespace in namespaces:
                found.append(child)
    return found


def _child(element: etree._Element, name: str, namespaces: frozenset[str]) -> etree._Element | None:
    found = _children(element, {name}, namespaces)
    if len(found) > 1:
        raise SoapFault(FaultKind.SENDER, f"The element {name} stands more than once where it may stand once.")
    return found[0] if found else None


def _text(element: etree._Element, name: str, namespaces: frozenset[str]) -> str:
    found = _child(element, name, namespaces)
    return "" if found is None else _value(found)


def _texts(element: etree._Element, name: str, namespaces: frozenset[str]) -> list[str]:
    return [_value(found) for found in _children(element, {name}, namespaces)]


def _value(element: etree._Element) -> str:
    text = "".join(map(str, element.itertext())).strip()
    longest = _LONGEST_FILTER if etree.QName(element).localname == "XPath" else _LONGEST_VALUE
    if len(text) > longest:
        raise SoapFault(FaultKind.SENDER, f"A value is longer than {longest} characters.")
    return text
