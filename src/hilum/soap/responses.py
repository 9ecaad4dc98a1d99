"""Bodies of responses: what was returned, and why what is missing is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from hilum.soap.elements import element
from hilum.soap.names import IHE, RS, WADO, XOP, Severity, Status
from hilum.soap.packaging import Attachment
from hilum.soap.requests import RENDERED_PARAMETERS, DocumentRequest

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
"""Of XML that this server has written."""


@dataclass(frozen=True, slots=True)
class DocumentError:
    """Why one document is not in the response, or a warning about one that is."""

    document: DocumentRequest
    code: str
    text: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class ReturnedDocument:
    """A document of the response; it lies in a part of the package."""

    document: DocumentRequest
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A rendered document, with the values that were used."""

    returned: ReturnedDocument
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class MetadataDocument:
    """The metadata of a document: for each filter what it selected, None for nothing."""

    document: DocumentRequest
    frame_number: str
    selected: Sequence[Attachment | bytes | None]
    """Parts of their own, or XML to stand in the message."""


def document_set_response(returned: Sequence[ReturnedDocument], errors: Sequence[DocumentError]) -> etree._Element:
    """Return the body of a response to method 1.

    Source: IHE ITI-43 expected actions (ITI TF-2 3.43.4.2).
    """
    body = element(IHE, "RetrieveDocumentSetResponse", _registry_response(RS, len(returned), errors))
    for one in returned:
        response = element(IHE, "DocumentResponse", *_echo(one.document), *_document(one.attachment))
        body.append(response)
    return body


def rendered_response(
    rendered: Sequence[RenderedDocument], errors: Sequence[DocumentError], *, registry_namespace: str
) -> etree._Element:
    """Return the body of a response to method 2.

    Args:
        rendered: what is returned.
        errors: what is not.
        registry_namespace: of the element that holds the status; prose and schema differ.

    Source: PS3.18 2016e 6.4.2.2.
    """
    body = element(
        WADO,
        "RetrieveRenderedImagingDocumentSetResponse",
        _registry_response(registry_namespace, len(rendered), errors),
    )
    for one in rendered:
        document = one.returned.document
        response = element(WADO, "RenderedDocumentResponse", *_echo(document)[:-1])
        response.append(element(WADO, "SourceDocumentUniqueId", document.document_unique_id))
        for name in RENDERED_PARAMETERS:
            if name in one.parameters:
                response.append(element(WADO, name, one.parameters[name]))
        response.extend(_document(one.returned.attachment))
        body.append(response)
    return body


def metadata_response(documents: Sequence[MetadataDocument], errors: Sequence[DocumentError]) -> etree._Element:
    """Return the body of a response to method 3.

    Source: PS3.18 2016e 6.4.3.2.
    """
    body = element(
        WADO, "RetrieveImagingDocumentSetInformationResponse", _registry_response(RS, len(documents), errors)
    )
    for one in documents:
        response = element(WADO, "DocumentInformationResponse", *_echo(one.document))
        if one.frame_number:
            response.append(element(WADO, "FrameNumber", one.frame_number))
        selected = element(WADO, "XPathResponseList")
        for found in one.selected:
            selected.append(_selected(found))
        response.append(selected)
        body.append(response)
    return body


def _selected(found: Attachment | bytes | None) -> etree._Element:
    match found:
        case None:
            return element(WADO, "XPathResponse")
        case bytes():
            # What a filter selects stands beside each other there, without the root that holds it in a part.
            root = etree.fromstring(found, _PARSER)
            response = element(WADO, "XPathResponse", *list(root))
            response.text = root.text
            return response
        case _:
            return element(WADO, "XPathResponse", _include(found))


def _registry_response(namespace: str, returned: int, errors: Sequence[DocumentError]) -> etree._Element:
    failed = [error for error in errors if error.severity is Severity.ERROR]
    status = Status.SUCCESS if not failed else Status.PARTIAL if returned else Status.FAILURE
    response = element(namespace, "RegistryResponse", attributes={"status": status.value})
    if errors:
        highest = Severity.ERROR if failed else Severity.WARNING
        response.append(
            element(
                RS, "RegistryErrorList", *map(_registry_error, errors), attributes={"highestSeverity": highest.value}
            )
        )
    return response


def _registry_error(error: DocumentError) -> etree._Element:
    return element(
        RS,
        "RegistryError",
        attributes={
            "codeContext": error.text,
            "errorCode": error.code,
            "severity": error.severity.value,
            "location": error.document.document_unique_id,
        },
    )


def _echo(document: DocumentRequest) -> list[etree._Element]:
    """Return the identifiers of the request; the unique id of the document is the last."""
    echo = [] if document.home_community_id is None else [element(IHE, "HomeCommunityId", document.home_community_id)]
    return [
        *echo,
        element(IHE, "RepositoryUniqueId", document.repository_unique_id),
        element(IHE, "DocumentUniqueId", document.document_unique_id),
    ]


def _document(attachment: Attachment) -> list[etree._Element]:
    return [element(IHE, "mimeType", attachment.media_type), element(IHE, "Document", _include(attachment))]


def _include(attachment: Attachment) -> etree._Element:
    return element(XOP, "Include", attributes={"href": attachment.reference})
