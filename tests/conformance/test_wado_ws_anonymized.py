"""Anonymize=yes of all three SOAP methods: what cannot be cleaned is not given out."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pydicom
import pytest
from lxml import etree
from PIL import Image
from pydicom.dataset import Dataset

from dicomweb import store
from samples import encode, make_dataset
from servers import Server
from soap_messages import (
    DOCUMENTS,
    EXPLICIT,
    IMPLICIT,
    METADATA,
    PLAIN,
    RENDERED,
    Place,
    Reply,
    documents_body,
    envelope,
    metadata_body,
    rendered_body,
    reply_of,
)

STUDY, SERIES = "1.2.7.9", "1.2.7.9.1"
CLEAN, BURNED_IN = (STUDY, SERIES, f"{SERIES}.1"), (STUDY, SERIES, f"{SERIES}.2")
YES = "<wado:Anonymize>yes</wado:Anonymize>"
SECRET = "Visible^Name"


def _object(place: Place, burned_in: str) -> bytes:
    inside = Dataset()
    inside.PatientID = "SECRET7"
    return encode(
        make_dataset(
            StudyInstanceUID=place[0],
            SeriesInstanceUID=place[1],
            SOPInstanceUID=place[2],
            SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
            Modality="CT",
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            BurnedInAnnotation=burned_in,
            PatientName=SECRET,
            PatientID="SECRET7",
            OtherPatientIDsSequence=[inside],
        )
    )


@pytest.fixture
def soap(server: Server, client: httpx.Client) -> Iterator[httpx.Client]:
    assert store(client, _object(CLEAN, "NO"), _object(BURNED_IN, "YES")).status_code == 200
    with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as one:
        yield one


def ask(soap: httpx.Client, body: str, action: str) -> Reply:
    return reply_of(soap.post("/wado-ws", content=envelope(body, action), headers={"Content-Type": PLAIN}))


@pytest.mark.requirement("WS-16")
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, "1.2.840.10008.1.2.4.90"])
def test_documents_tell_nobody_whose_they_are(soap: httpx.Client, syntax: str) -> None:
    reply = ask(soap, documents_body([CLEAN], (syntax,), inside=YES), DOCUMENTS)

    (document,) = reply.documents
    found = pydicom.dcmread(io.BytesIO(document))
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.PatientIdentityRemoved == "YES"
    assert found.SOPInstanceUID != CLEAN[2]
    assert SECRET.encode() not in document
    assert b"SECRET7" not in document
    assert reply.texts("//ihe:DocumentUniqueId") == [CLEAN[2]]
    assert found.pixel_array.shape == (4, 4)


@pytest.mark.requirement("WS-16")
def test_images_are_rendered_without_what_names_the_patient(soap: httpx.Client) -> None:
    reply = ask(soap, rendered_body(CLEAN, "image/png", inside=YES), RENDERED)
    named = ask(
        soap, rendered_body(CLEAN, "image/png", inside=YES + "<wado:Annotation>patient</wado:Annotation>"), RENDERED
    )

    assert Image.open(io.BytesIO(reply.documents[0])).size == (4, 4)
    assert reply.texts("//wado:Anonymize") == ["yes"]
    assert named.errors == [("urn:dicom:wado:0012", CLEAN[2])]


@pytest.mark.requirement("WS-16")
def test_metadata_come_without_identity_and_without_ways_to_it(soap: httpx.Client) -> None:
    body = metadata_body(CLEAN).replace("</ihe:DocumentUniqueId>", f"</ihe:DocumentUniqueId>{YES}")
    count = metadata_body(CLEAN, f"count(//Value[.='{CLEAN[2]}'])").replace(
        "</ihe:DocumentUniqueId>", f"</ihe:DocumentUniqueId>{YES}"
    )

    (document,) = ask(soap, body, METADATA).documents
    (counted,) = ask(soap, count, METADATA).documents

    root = etree.fromstring(document)
    assert "00120062" in [one.get("tag") for one in root]
    for secret in (SECRET, "Visible", "SECRET7", STUDY, "BulkData", "http://127"):
        assert secret.encode() not in document
    assert counted == b"<XPathResult>0</XPathResult>"


@pytest.mark.requirement("WS-16")
def test_what_cannot_be_cleaned_is_told_and_costs_no_other(soap: httpx.Client) -> None:
    error = ("urn:dicom:wado:0001", BURNED_IN[2])
    metadata = metadata_body(BURNED_IN).replace("</ihe:DocumentUniqueId>", f"</ihe:DocumentUniqueId>{YES}")

    documents = ask(soap, documents_body([BURNED_IN, CLEAN], inside=YES), DOCUMENTS)
    rendered = ask(
        soap,
        rendered_body(BURNED_IN, "image/jpeg", inside=YES) + rendered_body(CLEAN, "image/jpeg", inside=YES),
        RENDERED,
    )

    assert (documents.errors, len(documents.documents)) == ([error], 1)
    assert (rendered.errors, len(rendered.documents)) == ([error], 1)
    assert ask(soap, metadata, METADATA).errors == [error]


@pytest.mark.requirement("WS-16")
def test_a_syntax_that_cannot_be_had_is_another_matter_than_identity(soap: httpx.Client) -> None:
    reply = ask(soap, documents_body([CLEAN], ("1.2.840.10008.1.2.4.103",), inside=YES), DOCUMENTS)

    assert reply.errors == [("urn:dicom:wado:0007", CLEAN[2])]
