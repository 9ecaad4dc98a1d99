"""Names on the wire: namespaces, actions, statuses and error codes, as one table each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
SOAP_1_1: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{ADDRESSING}/anonymous"
XOP: Final = "http://www.w3.org/2004/08/xop/include"
SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
XML: Final = "http://www.w3.org/XML/1998/namespace"

IHE_RAD: Final = "urn:ihe:rad:xdsi-b:2009"
IHE: Final = "urn:ihe:iti:xds-b:2007"
WADO: Final = "urn:dicom:wado:ws:2011"
WADO_OLD: Final = "urn:dicom:ws:wado:2011"
"""An older spelling of `WADO`, which user agents still send."""
RS: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"

ANY_WADO: Final = frozenset({WADO, WADO_OLD})
ANY_IHE: Final = frozenset({IHE, WADO, WADO_OLD})
"""Namespaces in which names of documents and repositories are taken: user agents mix them."""


class Method(Enum):
    """What a request asks for; the value is the local name of its root element."""

    DOCUMENTS = "RetrieveImagingDocumentSetRequest"
    RENDERED = "RetrieveRenderedImagingDocumentSetRequest"
    METADATA = "RetrieveImagingDocumentSetInformationRequest"


@dataclass(frozen=True, slots=True)
class MethodNames:
    """How one method is called on the wire."""

    root_namespaces: frozenset[str]
    actions: tuple[str, ...]
    """Accepted ones, the published first."""
    response_action: str


def _dicom_actions(suffix: str) -> tuple[str, ...]:
    return tuple(f"urn:dicom:{middle}:2011:{suffix}" for middle in ("wado:ws", "ws:wado"))


_METADATA_SUFFIX: Final = "RetrieveImagingDocumentSetInformation"

METHOD_NAMES: Final = {
    Method.DOCUMENTS: MethodNames(
        frozenset({IHE_RAD}),
        (
            "urn:ihe:rad:2009:RetrieveImagingDocumentSet",
            "urn:ihe:rad:2011:CrossGatewayRetrieveImagingDocumentSet",
        ),
        "urn:ihe:iti:2007:RetrieveDocumentSetResponse",
    ),
    Method.RENDERED: MethodNames(
        ANY_WADO,
        _dicom_actions("RetrieveRenderedImagingDocumentSet"),
        "urn:dicom:wado:ws:2011:RetrieveRenderedImagingDocumentSetResponse",
    ),
    Method.METADATA: MethodNames(
        ANY_WADO,
        (
            f"urn:wado:2011:{_METADATA_SUFFIX}",
            *_dicom_actions(_METADATA_SUFFIX),
            "urn:wado:2011:RetrieveImagingDocumentSetMetadata",
            *_dicom_actions("RetrieveImagingDocumentSetMetadata"),
        ),
        f"urn:wado:2011:{_METADATA_SUFFIX}Response",
    ),
}

_RESPONSE_ACTIONS: Final = {
    # These two answer in the spelling of the request.
    "urn:ihe:rad:2011:CrossGatewayRetrieveImagingDocumentSet": (
        "urn:ihe:rad:2011:CrossGatewayRetrieveImagingDocumentSetResponse"
    ),
    "urn:dicom:ws:wado:2011:RetrieveRenderedImagingDocumentSet": (
        "urn:dicom:ws:wado:2011:RetrieveRenderedImagingDocumentSetResponse"
    ),
}


def response_action(method: Method, action: str) -> str:
    """Return the action of the response to a request of `action`."""
    return _RESPONSE_ACTIONS.get(action, METHOD_NAMES[method].response_action)


class Status(Enum):
    """Status of a RegistryResponse."""

    SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
    PARTIAL = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
    FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"


class Severity(Enum):
    """Severity of a RegistryError."""

    ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
    WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"


class ErrorCode(Enum):
    """Why a document is not in the response."""

    NOT_ANONYMISED = "urn:dicom:wado:0001"
    GONE = "urn:dicom:wado:0004"
    TOO_MUCH = "urn:dicom:wado:0005"
    FORMAT_UNSUPPORTED = "urn:dicom:wado:0006"
    FORMAT_UNAVAILABLE = "urn:dicom:wado:0007"
    NO_FRAME_CHOSEN = "urn:dicom:wado:0008"
    INCONSISTENT = "urn:dicom:wado:0010"
    INVALID_VALUE = "urn:dicom:wado:0012"
    UNSUPPORTED_PARAMETER = "urn:dicom:wado:0013"
    PROCESSING_FAILURE = "urn:dicom:wado:0014"
    STUDY_UNKNOWN = "urn:dicom:wado:0015"
    SERIES_UNKNOWN = "urn:dicom:wado:0016"
    DOCUMENT_UNKNOWN = "urn:dicom:wado:0017"
    FRAME_OUT_OF_RANGE = "urn:dicom:wado:0018"
    PRESENTATION_UNKNOWN = "urn:dicom:wado:0019"
    PRESENTATION_SERIES_UNKNOWN = "urn:dicom:wado:0020"
    MISSING_DOCUMENT = "XDSMissingDocument"
    DOCUMENT_UNIQUE_ID = "XDSDocumentUniqueIdError"
    UNKNOWN_REPOSITORY = "XDSUnknownRepositoryId"
    OUT_OF_RESOURCES = "XDSRepositoryOutOfResources"
