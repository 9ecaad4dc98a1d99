"""SOAP messages as user agents send them, and packages taken apart by the standard library's own parser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from lxml import etree

from dicomweb import parts_of

NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://www.w3.org/2005/08/addressing",
    "ihe": "urn:ihe:iti:xds-b:2007",
    "rad": "urn:ihe:rad:xdsi-b:2009",
    "wado": "urn:dicom:wado:ws:2011",
    "rs": "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0",
    "xop": "http://www.w3.org/2004/08/xop/include",
}
EXPLICIT, IMPLICIT, LOSSLESS_JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"
DOCUMENTS = "urn:ihe:rad:2009:RetrieveImagingDocumentSet"
METADATA = "urn:wado:2011:RetrieveImagingDocumentSetInformation"
RENDERED = "urn:dicom:wado:ws:2011:RetrieveRenderedImagingDocumentSet"
PLAIN = "application/soap+xml"

Place = tuple[str, str, str]
"""Study, series and SOP Instance UID."""


def envelope(body: str, action: str, *, header: str = "") -> bytes:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
    return (
        f"<s:Envelope {declared}><s:Header>"
        f'<a:Action s:mustUnderstand="1">{action}</a:Action><a:MessageID>urn:uuid:1</a:MessageID>'
        f"<a:To>http://elsewhere/service</a:To>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def documents_body(
    places: Sequence[Place], syntaxes: Sequence[str] = (EXPLICIT, IMPLICIT), *, home: str = "", inside: str = ""
) -> str:
    home_element = f"<ihe:HomeCommunityId>{home}</ihe:HomeCommunityId>" if home else ""
    studies = "".join(
        f'<rad:StudyRequest studyInstanceUID="{study}"><rad:SeriesRequest seriesInstanceUID="{series}">'
        f"<ihe:DocumentRequest>{home_element}<ihe:RepositoryUniqueId>1.3.6.1.4.1000</ihe:RepositoryUniqueId>"
        f"<ihe:DocumentUniqueId>{instance}</ihe:DocumentUniqueId>{inside}</ihe:DocumentRequest>"
        "</rad:SeriesRequest></rad:StudyRequest>"
        for study, series, instance in places
    )
    listed = "".join(f"<rad:TransferSyntaxUID>{uid}</rad:TransferSyntaxUID>" for uid in syntaxes)
    return (
        f"<rad:RetrieveImagingDocumentSetRequest>{studies}<rad:TransferSyntaxUIDList>{listed}"
        "</rad:TransferSyntaxUIDList></rad:RetrieveImagingDocumentSetRequest>"
    )


def metadata_body(place: Place, *filters: str, frame_number: str = "") -> str:
    study, series, instance = place
    frame = f"<wado:FrameNumber>{frame_number}</wado:FrameNumber>" if frame_number else ""
    paths = "".join(f"<wado:XPath>{filter_}</wado:XPath>" for filter_ in filters)
    return (
        "<wado:RetrieveImagingDocumentSetInformationRequest>"
        f'<wado:StudyRequest studyInstanceUID="{study}"><wado:SeriesRequest seriesInstanceUID="{series}">'
        "<wado:DocumentRequest><ihe:RepositoryUniqueId>1.3.6.1.4.1000</ihe:RepositoryUniqueId>"
        f"<ihe:DocumentUniqueId>{instance}</ihe:DocumentUniqueId>{frame}{paths}</wado:DocumentRequest>"
        "</wado:SeriesRequest></wado:StudyRequest></wado:RetrieveImagingDocumentSetInformationRequest>"
    )


def rendered_body(place: Place, *content_types: str, inside: str = "", home: str = "", name: str = "Rendered") -> str:
    study, series, instance = place
    home_element = f"<ihe:HomeCommunityId>{home}</ihe:HomeCommunityId>" if home else ""
    listed = "".join(f"<wado:ContentType>{content_type}</wado:ContentType>" for content_type in content_types)
    return (
        "<wado:RetrieveRenderedImagingDocumentSetRequest>"
        f'<wado:StudyRequest studyInstanceUID="{study}"><wado:SeriesRequest seriesInstanceUID="{series}">'
        f"<wado:{name}DocumentRequest>{home_element}<ihe:RepositoryUniqueId>1.3.6.1.4.1000</ihe:RepositoryUniqueId>"
        f"<ihe:DocumentUniqueId>{instance}</ihe:DocumentUniqueId>{inside}"
        f"<wado:ContentTypeList>{listed}</wado:ContentTypeList></wado:{name}DocumentRequest>"
        "</wado:SeriesRequest></wado:StudyRequest></wado:RetrieveRenderedImagingDocumentSetRequest>"
    )


def mtom(message: bytes) -> tuple[str, bytes]:
    """Return the Content-Type and the bytes of a package."""
    body = (
        b'--B\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        b"Content-Transfer-Encoding: binary\r\nContent-ID: <root@test>\r\n\r\n" + message + b"\r\n--B--\r\n"
    )
    content_type = 'multipart/related; type="application/xop+xml"; start="<root@test>"; boundary=B'
    return content_type, body


@dataclass(frozen=True)
class Reply:
    """A response: its envelope, and its documents by Content-ID, in order."""

    status: int
    content_type: str
    root: etree._Element
    parts: dict[str, tuple[str, bytes]]

    def all(self, path: str) -> list[etree._Element]:
        found = self.root.xpath(path, namespaces=NAMES)
        assert isinstance(found, list)
        return [one for one in found if isinstance(one, etree._Element)]

    def texts(self, path: str) -> list[str]:
        return [element.text or "" for element in self.all(path)]

    @property
    def outcome(self) -> str:
        (response,) = self.all("//*[local-name()='RegistryResponse']")
        return str(response.get("status")).rpartition(":")[2]

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(str(one.get("errorCode")), str(one.get("location"))) for one in self.all("//rs:RegistryError")]

    @property
    def documents(self) -> list[bytes]:
        """Bytes of the documents in the order in which the envelope refers to them."""
        references = [str(include.get("href")) for include in self.all("//xop:Include")]
        return [self.parts[reference.removeprefix("cid:")][1] for reference in references]


def reply_of(response: httpx.Response) -> Reply:
    content_type = response.headers["content-type"]
    if not content_type.startswith("multipart/"):
        return Reply(response.status_code, content_type, etree.fromstring(response.content), {})
    root, *others = parts_of(response)
    assert root.headers["content-transfer-encoding"] == "binary"
    parts = {part.headers["content-id"].strip("<>"): (part.headers["content-type"], part.content) for part in others}
    return Reply(response.status_code, content_type, etree.fromstring(root.content), parts)
