"""The SOAP service (WADO-WS; IHE RAD-69) over HTTP."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from lxml import etree
from pydicom.uid import ImplicitVRLittleEndian

from command_line import part10
from dicomweb import JSON, store
from samples import encode, make_dataset, packaged_anew
from servers import Server, running
from soap_messages import (
    DOCUMENTS,
    EXPLICIT,
    IMPLICIT,
    LOSSLESS_JPEG,
    METADATA,
    PLAIN,
    Place,
    Reply,
    documents_body,
    envelope,
    metadata_body,
    mtom,
    reply_of,
)

STUDY, SERIES = "1.2.7.1", "1.2.7.1.1"
ONE, TWO = (STUDY, SERIES, f"{SERIES}.1"), (STUDY, SERIES, f"{SERIES}.2")
ABSENT = (STUDY, SERIES, f"{SERIES}.404")


@pytest.fixture
def soap(server: Server, client: httpx.Client) -> Iterator[httpx.Client]:
    objects = [part10(uid, study=study, series=series) for study, series, uid in (ONE, TWO)]
    assert store(client, *objects).status_code == 200
    with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as one:
        yield one


def ask(soap: httpx.Client, message: bytes, content_type: str = PLAIN) -> Reply:
    return reply_of(soap.post("/wado-ws", content=message, headers={"Content-Type": content_type}))


def stored(place: Place) -> bytes:
    return part10(place[2], study=place[0], series=place[1])


@pytest.mark.requirement("WS-01", "WS-04", "WS-05", "IHE-XDSI-01", "IHE-XDSI-02")
def test_documents_come_as_parts_in_the_order_of_the_request(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([TWO, ONE]), DOCUMENTS))

    assert reply.status == 200
    assert reply.outcome == "Success"
    assert reply.documents == [stored(TWO), stored(ONE)]
    assert reply.texts("//ihe:DocumentResponse/ihe:DocumentUniqueId") == [TWO[2], ONE[2]]
    assert reply.texts("//ihe:mimeType") == ["application/dicom"] * 2
    assert reply.content_type.startswith('multipart/related; type="application/xop+xml"; start="<root@')


@pytest.mark.requirement("WS-02", "IHE-XDSI-06")
def test_the_response_relates_to_its_request(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([ONE]), f" {DOCUMENTS} \n"))

    assert reply.texts("//s:Header/a:RelatesTo") == ["urn:uuid:1"]
    assert reply.texts("//s:Header/a:Action") == ["urn:ihe:iti:2007:RetrieveDocumentSetResponse"]
    assert reply.texts("//s:Header/a:To") == ["http://www.w3.org/2005/08/addressing/anonymous"]
    (message_id,) = reply.texts("//s:Header/a:MessageID")
    assert message_id.startswith("urn:uuid:")
    assert message_id != "urn:uuid:1"


@pytest.mark.requirement("WS-03")
def test_packages_are_taken_as_plain_messages_are(soap: httpx.Client) -> None:
    content_type, body = mtom(envelope(documents_body([ONE]), DOCUMENTS))

    assert ask(soap, body, content_type).documents == [stored(ONE)]


@pytest.mark.requirement("WS-06")
def test_a_failure_is_plain_where_the_request_was(soap: httpx.Client) -> None:
    message = envelope(documents_body([ABSENT]), DOCUMENTS)

    plain, packed = ask(soap, message), ask(soap, mtom(message)[1], mtom(message)[0])

    assert (plain.status, plain.outcome) == (200, "Failure")
    assert plain.errors == [("XDSMissingDocument", ABSENT[2])]
    assert plain.content_type.startswith("application/soap+xml")
    assert packed.content_type.startswith("multipart/related")
    assert packed.errors == plain.errors


@pytest.mark.requirement("WS-07", "IHE-XDSI-02", "IHE-XDSI-03")
def test_what_is_there_comes_and_what_is_not_is_told(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([ONE, ABSENT]), DOCUMENTS))

    assert reply.outcome == "PartialSuccess"
    assert reply.documents == [stored(ONE)]
    assert reply.errors == [("XDSMissingDocument", ABSENT[2])]
    (error,) = reply.all("//rs:RegistryError")
    assert str(error.get("severity")).endswith(":Error")
    assert error.text is None


@pytest.mark.requirement("WS-08", "IHE-XDSI-04")
def test_a_document_comes_in_a_listed_transfer_syntax_or_not_at_all(client: httpx.Client, soap: httpx.Client) -> None:
    found, content = packaged_anew("JPEG2000.dcm")
    place = (str(found.StudyInstanceUID), str(found.SeriesInstanceUID), str(found.SOPInstanceUID))
    assert store(client, content).status_code == 200

    decoded = ask(soap, envelope(documents_body([place], (LOSSLESS_JPEG, IMPLICIT, EXPLICIT)), DOCUMENTS))
    as_stored = ask(soap, envelope(documents_body([place], (str(found.file_meta.TransferSyntaxUID),)), DOCUMENTS))
    never = ask(soap, envelope(documents_body([place], ("1.2.840.10008.1.2.4.103",)), DOCUMENTS))

    assert as_stored.documents == [content]
    with pydicom.dcmread(_file(decoded.documents[0])) as one:
        assert one.file_meta.TransferSyntaxUID == EXPLICIT
    assert never.errors == [("urn:dicom:wado:0007", place[2])]


@pytest.mark.requirement("WS-08")
def test_implicit_vr_objects_come_as_stored_where_that_is_listed(client: httpx.Client, soap: httpx.Client) -> None:
    data_set = make_dataset()
    place = (str(data_set.StudyInstanceUID), str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID))
    content = encode(data_set, ImplicitVRLittleEndian)
    assert store(client, content).status_code == 200

    reply = ask(soap, envelope(documents_body([place], (IMPLICIT,)), DOCUMENTS))

    assert reply.documents == [content]


@pytest.mark.requirement("WS-08")
@pytest.mark.parametrize("name", ["JPEG2000.dcm", "CT_small.dcm", "MR_small_RLE.dcm", "image_dfl.dcm"])
def test_objects_come_in_implicit_vr_where_that_alone_is_listed(
    client: httpx.Client, soap: httpx.Client, name: str
) -> None:
    original, content = packaged_anew(name)
    place = (str(original.StudyInstanceUID), str(original.SeriesInstanceUID), str(original.SOPInstanceUID))
    assert store(client, content).status_code == 200

    reply = ask(soap, envelope(documents_body([place], (IMPLICIT, LOSSLESS_JPEG)), DOCUMENTS))

    found = pydicom.dcmread(_file(reply.documents[0]))
    assert (found.file_meta.TransferSyntaxUID, found.is_implicit_VR) == (IMPLICIT, True)
    assert found.PatientName == original.PatientName
    assert found.pixel_array.tobytes() == original.pixel_array.tobytes()


def _file(content: bytes) -> pydicom.filebase.DicomBytesIO:
    return pydicom.filebase.DicomBytesIO(content)


@pytest.mark.requirement("WS-09")
def test_a_document_that_is_asked_for_twice_comes_twice(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([ONE, ONE]), DOCUMENTS))

    assert reply.documents == [stored(ONE)] * 2
    assert len(set(reply.parts)) == 2


@pytest.mark.requirement("WS-10")
def test_an_instance_of_another_series_is_inconsistent(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([(STUDY, "1.2.7.9", ONE[2])]), DOCUMENTS))

    assert reply.errors == [("urn:dicom:wado:0010", ONE[2])]


@pytest.mark.requirement("WS-11", "IHE-XDSI-05")
def test_repository_and_community_are_echoed(soap: httpx.Client) -> None:
    reply = ask(soap, envelope(documents_body([ONE], home="urn:oid:1.2.3"), DOCUMENTS))
    without = ask(soap, envelope(documents_body([ONE]), DOCUMENTS))

    assert reply.texts("//ihe:HomeCommunityId") == ["urn:oid:1.2.3"]
    assert reply.texts("//ihe:RepositoryUniqueId") == ["1.3.6.1.4.1000"]
    assert without.texts("//ihe:HomeCommunityId") == []


@pytest.mark.requirement("WS-12")
def test_several_requests_and_stray_text_in_one_body_are_taken(soap: httpx.Client) -> None:
    body = "response" + documents_body([ONE]) + "\n" + documents_body([TWO])

    assert ask(soap, envelope(body, DOCUMENTS)).documents == [stored(ONE), stored(TWO)]


MODALITY = "/NativeDicomModel/DicomAttribute[@tag='00080060']/Value"


@pytest.mark.requirement("WS-01", "WS-17")
def test_metadata_come_as_filters_select_them(soap: httpx.Client) -> None:
    nothing = "/NativeDicomModel/DicomAttribute[@keyword='NoSuchThing']"

    reply = ask(soap, envelope(metadata_body(ONE, MODALITY, nothing, "count(//DicomAttribute) &gt; 3"), METADATA))

    assert reply.outcome == "Success"
    assert reply.texts("//s:Header/a:Action") == [f"{METADATA}Response"]
    assert [len(one) for one in reply.all("//wado:XPathResponse")] == [1, 0, 1]
    modality, count = reply.documents
    assert modality == b'<XPathResult><Value number="1">OT</Value></XPathResult>'
    assert count == b"<XPathResult>true</XPathResult>"


@pytest.mark.requirement("WS-17")
def test_without_a_filter_all_metadata_come(soap: httpx.Client) -> None:
    (document,) = ask(soap, envelope(metadata_body(ONE), METADATA)).documents

    root = etree.fromstring(document)
    assert etree.QName(root).localname == "NativeDicomModel"
    tags = [one.get("tag") for one in root]
    assert "00100020" in tags
    assert "7FE00010" not in [one.get("tag") for one in root if one.find("{*}InlineBinary") is not None]


@pytest.mark.requirement("WS-17")
@pytest.mark.parametrize("wrong", ["//[", "document('/etc/passwd')", "x:function()", ""])
def test_a_filter_that_is_none_is_told(soap: httpx.Client, wrong: str) -> None:
    reply = ask(soap, envelope(metadata_body(ONE, wrong), METADATA))

    assert reply.errors == [("urn:dicom:wado:0012", ONE[2])]


def test_a_wrong_filter_gives_nothing_of_its_document_to_the_next(soap: httpx.Client) -> None:
    """One of another patient would be shown as the next document's."""
    uid = "//DicomAttribute[@keyword='SOPInstanceUID']"
    first, second = metadata_body(ONE, "//[", uid), metadata_body(TWO, uid)
    start, end = "<wado:StudyRequest", "</wado:RetrieveImagingDocumentSetInformationRequest>"
    both = first.removesuffix(end) + second[second.index(start) :]

    reply = ask(soap, envelope(both, METADATA))

    assert [location for _, location in reply.errors] == [ONE[2]]
    (document,) = reply.documents
    assert TWO[2].encode() in document
    assert ONE[2].encode() + b"<" not in document


def test_filters_without_end_leave_the_server_well(tmp_path: Path) -> None:
    endless = "count(//*" + "[count(//*" * 9 + ")&gt;0]" * 9 + ")"
    message = envelope(metadata_body(ONE, endless), METADATA)
    limits = {"SOAP__FILTER_TIMEOUT_S": "1", "SOAP__MESSAGE_TIMEOUT_S": "2"}

    with (
        running(tmp_path / "data", settings=limits) as server,
        server.client() as client,
        httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as soap,
        ThreadPoolExecutor(5) as threads,
    ):
        assert store(client, stored(ONE)).status_code == 200
        asked = [threads.submit(ask, soap, message) for _ in range(5)]
        time.sleep(0.5)
        began = time.monotonic()
        response = client.get("/studies?limit=1", headers=JSON)
        waited = time.monotonic() - began
        codes = [code for one in asked for code, _ in one.result().errors]

    assert response.status_code == 200
    assert waited < 1
    assert codes == ["urn:dicom:wado:0005"] * 5


def test_a_frame_that_there_is_not_is_told(soap: httpx.Client) -> None:
    assert ask(soap, envelope(metadata_body(ONE, frame_number="2"), METADATA)).errors == [
        ("urn:dicom:wado:0018", ONE[2])
    ]
    assert ask(soap, envelope(metadata_body(ONE, frame_number="x"), METADATA)).errors == [
        ("urn:dicom:wado:0012", ONE[2])
    ]


@pytest.mark.requirement("WS-18")
@pytest.mark.parametrize(
    "action",
    [
        "urn:wado:2011:RetrieveImagingDocumentSetInformation",
        "urn:dicom:wado:ws:2011:RetrieveImagingDocumentSetInformation",
        "urn:dicom:ws:wado:2011:RetrieveImagingDocumentSetInformation",
        "urn:wado:2011:RetrieveImagingDocumentSetMetadata",
    ],
)
@pytest.mark.parametrize("namespace", ["urn:dicom:wado:ws:2011", "urn:dicom:ws:wado:2011"])
def test_older_spellings_are_taken(soap: httpx.Client, action: str, namespace: str) -> None:
    message = envelope(metadata_body(ONE, MODALITY), action).replace(
        b'urn:dicom:wado:ws:2011"', namespace.encode() + b'"'
    )

    assert len(ask(soap, message).documents) == 1


@pytest.mark.requirement("WS-17")
def test_what_filters_select_may_stand_in_the_message(tmp_path: Path) -> None:
    settings = {"SOAP__INLINE_XPATH": "true"}
    with running(tmp_path / "data", settings=settings) as server:
        with server.client() as client:
            assert store(client, stored(ONE)).status_code == 200
        with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as one:
            reply = ask(
                one, envelope(metadata_body(ONE, MODALITY, "//nothing", "count(//DicomAttribute[1])"), METADATA)
            )

    selected, nothing, count = reply.all("//wado:XPathResponse")
    assert [value.text for value in selected] == ["OT"]
    assert (len(nothing), nothing.text) == (0, None)
    assert count.text == "1"
    assert reply.content_type.startswith("application/soap+xml")


FAULTS = {
    "no XML": (b"<a", PLAIN, 400, "Sender"),
    "no envelope": (b"<a/>", PLAIN, 400, "Sender"),
    "no body": (envelope("", DOCUMENTS).replace(b"<s:Body></s:Body>", b""), PLAIN, 400, "Sender"),
    "an empty body": (envelope("", DOCUMENTS), PLAIN, 400, "Sender"),
    "another body": (envelope("<ihe:DocumentRequest/>", DOCUMENTS), PLAIN, 400, "Sender"),
    "no action": (envelope(documents_body([ONE]), " "), PLAIN, 400, "MessageAddressingHeaderRequired"),
    "an unknown action": (envelope(documents_body([ONE]), "urn:x"), PLAIN, 400, "ActionNotSupported"),
    "the action of another method": (envelope(documents_body([ONE]), METADATA), PLAIN, 400, "ActionNotSupported"),
    "no UID": (envelope(documents_body([("../x", SERIES, "1.2")]), DOCUMENTS), PLAIN, 400, "Sender"),
    "no transfer syntax": (envelope(documents_body([ONE], ()), DOCUMENTS), PLAIN, 400, "Sender"),
    "no documents": (envelope(documents_body([]), DOCUMENTS), PLAIN, 400, "Sender"),
    "SOAP 1.1": (
        envelope(documents_body([ONE]), DOCUMENTS).replace(
            b"http://www.w3.org/2003/05/soap-envelope", b"http://schemas.xmlsoap.org/soap/envelope/"
        ),
        PLAIN,
        500,
        "VersionMismatch",
    ),
    "text/xml": (envelope(documents_body([ONE]), DOCUMENTS), "text/xml", 500, "VersionMismatch"),
    "a header that must be understood": (
        envelope(documents_body([ONE]), DOCUMENTS, header='<ihe:x s:mustUnderstand="true"/>'),
        PLAIN,
        500,
        "MustUnderstand",
    ),
    "an answer elsewhere": (
        envelope(documents_body([ONE]), DOCUMENTS, header="<a:ReplyTo><a:Address>http://evil/</a:Address></a:ReplyTo>"),
        PLAIN,
        400,
        "OnlyAnonymousAddressSupported",
    ),
    "a document type": (
        b'<!DOCTYPE s:Envelope [<!ENTITY a "aaaa">]>' + envelope(documents_body([ONE]), DOCUMENTS),
        PLAIN,
        400,
        "Sender",
    ),
    "laughs": (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>' + envelope("&c;", DOCUMENTS),
        PLAIN,
        400,
        "Sender",
    ),
    "a file of the server": (
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + envelope("&a;", DOCUMENTS),
        PLAIN,
        400,
        "Sender",
    ),
    "nesting": (envelope("<ihe:x>" * 5000 + "</ihe:x>" * 5000, DOCUMENTS), PLAIN, 400, "Sender"),
    "a package without parts": (b"--B--\r\n", mtom(b"")[0], 400, "Sender"),
    "a long filter": (envelope(metadata_body(ONE, "/" * 5000), METADATA), PLAIN, 400, "Sender"),
}


@pytest.mark.requirement("WS-19", "WS-20")
@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_processed_is_a_fault(soap: httpx.Client, name: str) -> None:
    message, content_type, status, code = FAULTS[name]

    reply = ask(soap, message, content_type)

    assert reply.status == status
    values = [text.rpartition(":")[2] for text in reply.texts("//s:Fault/s:Code//s:Value")]
    assert values[-1] == code
    assert reply.texts("//s:Fault/s:Reason/s:Text")[0].endswith(".")
    assert "Traceback" not in etree.tostring(reply.root).decode()


@pytest.mark.requirement("WS-19")
@pytest.mark.parametrize(("content_type", "status"), [("application/json", 415), ("text/plain", 415), ("", 415)])
def test_other_media_types_are_no_matter_of_soap(soap: httpx.Client, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    assert soap.post("/wado-ws", content=b"{}", headers=headers).status_code == status


@pytest.mark.requirement("WS-19")
def test_a_message_that_is_too_large_is_refused(soap: httpx.Client) -> None:
    answer = soap.post("/wado-ws", content=b" " * (17 * 1024 * 1024), headers={"Content-Type": PLAIN})

    assert answer.status_code == 413


def test_a_security_header_is_passed_over(soap: httpx.Client) -> None:
    header = (
        '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" '
        's:mustUnderstand="1"><w:UsernameToken/></w:Security>'
    )

    assert ask(soap, envelope(documents_body([ONE]), DOCUMENTS, header=header)).documents == [stored(ONE)]


@pytest.mark.requirement("WS-21")
def test_messages_fit_the_schemas_that_are_served(soap: httpx.Client, server: Server, tmp_path: Path) -> None:
    texts = {name: soap.get("/wado-ws", params={"xsd": name}).content for name in ("rs.xsd", "xds-b.xsd", "xdsi-b.xsd")}

    # libxml2 takes no schema from a server by itself: the same files, beside each other.
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.replace(f"{server.origin}/wado-ws?xsd=".encode(), b""))
    schema = etree.XMLSchema(etree.parse(tmp_path / "xdsi-b.xsd"))
    request = etree.fromstring(envelope(documents_body([ONE]), DOCUMENTS)).find(".//{*}Body/*")
    assert request is not None
    schema.assertValid(request)
    response_schema = etree.XMLSchema(etree.parse(tmp_path / "xds-b.xsd"))
    reply = ask(soap, envelope(documents_body([ONE, ABSENT]), DOCUMENTS))
    (body,) = reply.all("//ihe:RetrieveDocumentSetResponse")
    for include in reply.all("//xop:Include"):
        parent = include.getparent()
        assert parent is not None
        parent.remove(include)
    response_schema.assertValid(body)


@pytest.fixture
def toolkit(soap: httpx.Client, server: Server) -> Iterator[Any]:
    """A client that a SOAP toolkit makes of the description alone."""
    assert soap.get("/wado-ws?wsdl").status_code == 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zeep = pytest.importorskip("zeep")
        yield zeep.Client(f"{server.origin}/wado-ws?wsdl")


def _studies(name: str, **request: Any) -> list[dict[str, Any]]:
    document = {"RepositoryUniqueId": "1.2", "DocumentUniqueId": ONE[2], **request}
    series = {"seriesInstanceUID": SERIES, name: [document]}
    return [{"studyInstanceUID": STUDY, "SeriesRequest": [series]}]


@pytest.mark.requirement("WS-21", "WS-01")
def test_a_soap_toolkit_gets_documents(toolkit: Any) -> None:
    reply = toolkit.service.ImagingDocumentSource_RetrieveImagingDocumentSet(
        StudyRequest=_studies("DocumentRequest"), TransferSyntaxUIDList={"TransferSyntaxUID": [EXPLICIT]}
    )

    assert len(toolkit.service._binding._operations) == 3
    assert reply.RegistryResponse.status.endswith("Success")
    assert reply.DocumentResponse[0].Document == stored(ONE)


@pytest.mark.requirement("WS-21", "WS-01")
def test_a_soap_toolkit_gets_rendered_documents(toolkit: Any) -> None:
    studies = _studies("RenderedDocumentRequest", Rows="8", ContentTypeList={"ContentType": ["image/png"]})

    reply = toolkit.service.ImagingDocumentSource_RetrieveRenderedImagingDocumentSet(StudyRequest=studies)

    (response,) = reply.RenderedDocumentResponse
    assert (response.SourceDocumentUniqueId, response.Rows, response.mimeType) == (ONE[2], "8", "image/png")
    assert response.Document.startswith(b"\x89PNG")


@pytest.mark.requirement("WS-21", "WS-01")
def test_a_soap_toolkit_gets_metadata(toolkit: Any) -> None:
    studies = _studies("DocumentRequest", XPath=[MODALITY])

    reply = toolkit.service.ImagingDocumentSource_RetrieveImagingDocumentSetInformation(StudyRequest=studies)

    (response,) = reply.DocumentInformationResponse
    assert response.DocumentUniqueId == ONE[2]
    assert len(response.XPathResponseList.XPathResponse) == 1


@pytest.mark.requirement("WS-25")
def test_the_service_can_be_switched_off(tmp_path: Path) -> None:
    with running(tmp_path / "data", settings={"SOAP__ENABLED": "false"}) as server:
        message = envelope(documents_body([ONE]), DOCUMENTS)
        asked = httpx.post(
            f"{server.origin}/wado-ws", content=message, headers={"Content-Type": PLAIN}, trust_env=False
        )
        described = httpx.get(f"{server.origin}/wado-ws?wsdl", trust_env=False)

    assert (asked.status_code, described.status_code) == (404, 404)


@pytest.mark.parametrize("query", ["", "?xsd=../service.wsdl", "?xsd=", "?other"])
def test_nothing_else_is_to_be_had_by_get(soap: httpx.Client, query: str) -> None:
    assert soap.get(f"/wado-ws{query}").status_code == 404
