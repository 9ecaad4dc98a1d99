"""RetrieveRenderedImagingDocumentSet (WADO-WS) over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from lxml import etree
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage, generate_uid

import servers
from dicomweb import store
from samples import PREFIX, encode, make_dataset, make_object, packaged_objects
from soap_messages import PLAIN, RENDERED, Place, Reply, envelope, rendered_body, reply_of

STUDY, SERIES = "1.2.7.2", "1.2.7.2.1"
SLICE, LOOP, REPORT = ((STUDY, SERIES, f"{SERIES}.{number}") for number in (1, 2, 3))
STATE = (STUDY, "1.2.7.2.2", "1.2.7.2.2.1")
ABSENT = (STUDY, SERIES, f"{SERIES}.404")
PRESENTATION = (
    "<wado:PresentationUID>{}</wado:PresentationUID><wado:PresentationSeriesUID>{}</wado:PresentationSeriesUID>"
)


def _placed(place: Place) -> dict[str, str]:
    return dict(zip(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), place, strict=True))


def _slice() -> bytes:
    pixels = np.arange(64 * 32, dtype=np.uint16).reshape(64, 32)
    return make_object(
        **_placed(SLICE),
        Rows=64,
        Columns=32,
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        WindowCenter="1000",
        WindowWidth="2000",
        PixelData=pixels.tobytes(),
    )


def _loop() -> bytes:
    return make_object(
        **_placed(LOOP), NumberOfFrames=3, Rows=16, Columns=16, PixelData=bytes(range(256)) + bytes(256) + b"\xff" * 256
    )


def _document() -> bytes:
    data_set = make_dataset(**_placed(REPORT), Modality="OT")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        delattr(data_set, keyword)
    return encode(data_set)


def _state() -> bytes:
    data_set = make_dataset(**_placed(STATE), SOPClassUID=GrayscaleSoftcopyPresentationStateStorage, Modality="PR")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        delattr(data_set, keyword)
    image, series = Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", SLICE[2]
    series.SeriesInstanceUID, series.ReferencedImageSequence = SERIES, [image]
    data_set.ReferencedSeriesSequence = [series]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [16, 8]
    area.PresentationSizeMode = "SCALE TO FIT"
    data_set.DisplayedAreaSelectionSequence = [area]
    data_set.PresentationLUTShape = "IDENTITY"
    return encode(data_set)


@pytest.fixture
def soap(server: servers.Server, client: httpx.Client) -> Iterator[httpx.Client]:
    assert store(client, _slice(), _loop(), _document(), _state()).status_code == 200
    with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as one:
        yield one


def ask(soap: httpx.Client, body: str, action: str = RENDERED) -> Reply:
    return reply_of(soap.post("/wado-ws", content=envelope(body, action), headers={"Content-Type": PLAIN}))


def rendered(soap: httpx.Client, place: Place, *content_types: str, inside: str = "") -> Reply:
    return ask(soap, rendered_body(place, *content_types, inside=inside))


def used(reply: Reply) -> dict[str, str]:
    (response,) = reply.all("//wado:RenderedDocumentResponse")
    return {etree.QName(one).localname: one.text or "" for one in response if not len(one)}


@pytest.mark.requirement("WS-01", "WS-13")
def test_an_image_comes_in_the_type_named_first_with_the_values_used(soap: httpx.Client) -> None:
    reply = rendered(soap, SLICE, "image/png", "image/jpeg")

    assert reply.outcome == "Success"
    assert reply.texts("//s:Header/a:Action") == [f"{RENDERED}Response"]
    (document,) = reply.documents
    assert Image.open(io.BytesIO(document)).format == "PNG"
    assert used(reply) == {
        "RepositoryUniqueId": "1.3.6.1.4.1000",
        "SourceDocumentUniqueId": SLICE[2],
        "Rows": "64",
        "Columns": "32",
        "WindowWidth": "2000",
        "WindowCenter": "1000",
        "mimeType": "image/png",
    }
    assert [kind for kind, _ in reply.parts.values()] == ["image/png"]


@pytest.mark.requirement("WS-13")
def test_parameters_are_those_of_the_uri_service(soap: httpx.Client) -> None:
    inside = (
        "<wado:Annotation>technique, patient</wado:Annotation><wado:Rows>40</wado:Rows><wado:Columns>40</wado:Columns>"
        "<wado:Region>0.0,0.0,1.0,0.25</wado:Region><wado:WindowWidth>300.5</wado:WindowWidth>"
        "<wado:WindowCenter>-20</wado:WindowCenter><wado:ImageQuality>80</wado:ImageQuality>"
        "<wado:FrameNumber>1</wado:FrameNumber>"
    )

    reply = rendered(soap, SLICE, "image/jpeg", inside=inside)

    picture = Image.open(io.BytesIO(reply.documents[0]))
    assert (picture.format, picture.size) == ("JPEG", (40, 20))
    found = used(reply)
    assert (found["Rows"], found["Columns"]) == ("20", "40")
    assert (found["WindowWidth"], found["WindowCenter"]) == ("300.5", "-20")
    assert found["Annotation"] == "patient,technique"
    assert found["Region"] == "0.0,0.0,1.0,0.25"
    assert found["ImageQuality"] == "80"
    assert found["FrameNumber"] == "1"


@pytest.mark.requirement("WS-13")
def test_a_region_may_come_as_elements_and_requests_under_their_other_names(soap: httpx.Client) -> None:
    numbers = zip(("Xmin", "Ymin", "Xmax", "Ymax"), ("0", "0.5", "1", "1"), strict=True)
    inside = "".join(f"<wado:{name}>{number}</wado:{name}>" for name, number in numbers)
    inside = f"<wado:Region>{inside}</wado:Region>"

    reply = ask(soap, rendered_body(SLICE, "image/png", inside=inside, name=""))

    assert Image.open(io.BytesIO(reply.documents[0])).size == (32, 32)


@pytest.mark.requirement("WS-13")
def test_a_presentation_state_is_applied(soap: httpx.Client) -> None:
    inside = PRESENTATION.format(STATE[2], STATE[1])

    reply = rendered(soap, SLICE, "image/png", inside=inside)

    assert Image.open(io.BytesIO(reply.documents[0])).size == (16, 8)
    found = used(reply)
    assert (found["Rows"], found["Columns"]) == ("8", "16")
    assert (found["PresentationUID"], found["PresentationSeriesUID"]) == (STATE[2], STATE[1])


@pytest.mark.requirement("WS-13")
@pytest.mark.parametrize(
    ("content_type", "charsets", "media_type"),
    [
        ("text/html", (), "text/html"),
        ("application/html", (), "text/html"),
        ("application/text", ("x-none", "iso-8859-1"), "text/plain"),
        ("application/pdf", (), "application/pdf"),
    ],
)
def test_a_report_comes_as_a_document(
    soap: httpx.Client, client: httpx.Client, content_type: str, charsets: tuple[str, ...], media_type: str
) -> None:
    content = packaged_objects()["test-SR.dcm"].read_bytes()
    found = pydicom.dcmread(io.BytesIO(content))
    place = (str(found.StudyInstanceUID), str(found.SeriesInstanceUID), str(found.SOPInstanceUID))
    assert store(client, content).status_code == 200
    listed = "".join(f"<wado:Charset>{charset}</wado:Charset>" for charset in charsets)

    reply = rendered(soap, place, "image/jpeg", content_type, inside=f"<wado:CharsetList>{listed}</wado:CharsetList>")

    ((kind, document),) = reply.parts.values()
    assert kind.startswith(media_type)
    assert "Rows" not in used(reply)
    assert document.startswith(b"%PDF") if media_type == "application/pdf" else b"<script" not in document


@pytest.mark.requirement("WS-14")
def test_several_frames_come_as_animation_or_video(soap: httpx.Client) -> None:
    gif = rendered(soap, LOOP, "image/jpeg", "image/gif")
    video = rendered(soap, LOOP, "video/mp4")

    assert getattr(Image.open(io.BytesIO(gif.documents[0])), "n_frames", 0) == 3
    assert used(gif)["mimeType"] == "image/gif"
    assert video.documents[0][4:8] == b"ftyp"
    assert (used(video)["Rows"], used(video)["Columns"], used(video)["ImageQuality"]) == ("16", "16", "75")


REFUSED: dict[str, tuple[Place, tuple[str, ...], str, str]] = {
    "a type that nobody renders": (SLICE, ("application/x-none", "no type"), "", "0006"),
    "a document as an image": (REPORT, ("image/jpeg",), "", "0007"),
    "one frame as video": (SLICE, ("video/mp4",), "", "0007"),
    "several frames as a picture": (LOOP, ("image/jpeg", "image/png"), "", "0008"),
    "no such frame": (LOOP, ("image/jpeg",), "<wado:FrameNumber>4</wado:FrameNumber>", "0018"),
    "a frame of a document": (REPORT, ("image/jpeg",), "<wado:FrameNumber>1</wado:FrameNumber>", "0018"),
    "a frame that is none": (LOOP, ("image/jpeg",), "<wado:FrameNumber>0</wado:FrameNumber>", "0012"),
    "a centre alone": (SLICE, ("image/jpeg",), "<wado:WindowCenter>1</wado:WindowCenter>", "0012"),
    "a width alone": (SLICE, ("image/jpeg",), "<wado:WindowWidth>1</wado:WindowWidth>", "0012"),
    "a width of nothing": (
        SLICE,
        ("image/jpeg",),
        "<wado:WindowWidth>0</wado:WindowWidth><wado:WindowCenter>0</wado:WindowCenter>",
        "0012",
    ),
    "a width that is no number": (
        SLICE,
        ("image/jpeg",),
        "<wado:WindowWidth>nan</wado:WindowWidth><wado:WindowCenter>0</wado:WindowCenter>",
        "0012",
    ),
    "no rows": (SLICE, ("image/jpeg",), "<wado:Rows>0</wado:Rows>", "0012"),
    "endless columns": (SLICE, ("image/jpeg",), "<wado:Columns>99999999</wado:Columns>", "0012"),
    "a quality above all": (SLICE, ("image/jpeg",), "<wado:ImageQuality>101</wado:ImageQuality>", "0012"),
    "a region outside": (SLICE, ("image/jpeg",), "<wado:Region>0,0,1.5,1</wado:Region>", "0012"),
    "an empty region": (SLICE, ("image/jpeg",), "<wado:Region>0.5,0,0.5,1</wado:Region>", "0012"),
    "half a region": (SLICE, ("image/jpeg",), "<wado:Region>0,0,1</wado:Region>", "0012"),
    "annotations that are none": (SLICE, ("image/jpeg",), "<wado:Annotation>!</wado:Annotation>", "0012"),
    "a charset that is none": (
        SLICE,
        ("image/jpeg",),
        "<wado:CharsetList><wado:Charset>a b</wado:Charset></wado:CharsetList>",
        "0012",
    ),
    "a state without its series": (SLICE, ("image/jpeg",), "<wado:PresentationUID>1.2</wado:PresentationUID>", "0012"),
    "a state that is no UID": (SLICE, ("image/jpeg",), PRESENTATION.format("../x", "1.2"), "0012"),
    "a state and a frame": (
        SLICE,
        ("image/jpeg",),
        PRESENTATION.format(STATE[2], STATE[1]) + "<wado:FrameNumber>1</wado:FrameNumber>",
        "0012",
    ),
    "no such state": (SLICE, ("image/jpeg",), PRESENTATION.format("1.2.9.9", STATE[1]), "0019"),
    "no such series of states": (SLICE, ("image/jpeg",), PRESENTATION.format(STATE[2], "1.2.9.9"), "0020"),
    "a state that is an image": (SLICE, ("image/jpeg",), PRESENTATION.format(LOOP[2], SERIES), "0012"),
    "no such document": (ABSENT, ("image/jpeg",), "", "0017"),
    "another series": ((STUDY, "1.2.9", SLICE[2]), ("image/jpeg",), "", "0010"),
}


@pytest.mark.requirement("WS-13", "WS-14", "WS-15", "WS-10")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_rendered_so_has_its_code(soap: httpx.Client, name: str) -> None:
    place, content_types, inside, code = REFUSED[name]

    reply = rendered(soap, place, *content_types, inside=inside)

    assert (reply.status, reply.outcome) == (200, "Failure")
    assert reply.errors == [(f"urn:dicom:wado:{code}", place[2])]
    assert reply.documents == []


@pytest.mark.requirement("WS-07", "WS-09", "WS-11")
def test_each_request_has_its_answer_in_order(soap: httpx.Client) -> None:
    body = "".join(
        rendered_body(place, "image/png", home=home)
        for place, home in ((SLICE, "urn:oid:1.2"), (LOOP, ""), (SLICE, ""))
    )

    reply = ask(soap, body)

    assert reply.outcome == "PartialSuccess"
    assert reply.texts("//wado:SourceDocumentUniqueId") == [SLICE[2], SLICE[2]]
    assert reply.texts("//ihe:HomeCommunityId") == ["urn:oid:1.2"]
    assert reply.documents[0] == reply.documents[1]
    assert reply.errors == [("urn:dicom:wado:0008", LOOP[2])]


@pytest.mark.requirement("WS-13")
def test_annotations_that_are_passed_over_are_a_warning(soap: httpx.Client) -> None:
    reply = rendered(soap, SLICE, "image/png", inside="<wado:Annotation>patient,laterality</wado:Annotation>")

    assert reply.outcome == "Success"
    assert reply.errors == [("urn:dicom:wado:0013", SLICE[2])]
    assert [one.get("severity", "").rpartition(":")[2] for one in reply.all("//rs:RegistryError")] == ["Warning"]
    assert used(reply)["Annotation"] == "patient"


@pytest.mark.requirement("WS-18")
def test_the_older_action_is_answered_in_its_own_spelling(soap: httpx.Client) -> None:
    old = "urn:dicom:ws:wado:2011:RetrieveRenderedImagingDocumentSet"

    reply = ask(soap, rendered_body(SLICE, "image/png"), old)

    assert reply.texts("//s:Header/a:Action") == [f"{old}Response"]
    assert len(reply.documents) == 1


def test_a_request_without_content_types_is_a_fault(soap: httpx.Client) -> None:
    assert rendered(soap, SLICE).status == 400


@pytest.mark.requirement("WS-21")
def test_messages_fit_the_schema_that_is_served(soap: httpx.Client, server: servers.Server, tmp_path: Path) -> None:
    for name in ("rs.xsd", "xds-b.xsd", "wado.xsd"):
        text = soap.get("/wado-ws", params={"xsd": name}).content
        (tmp_path / name).write_bytes(text.replace(f"{server.origin}/wado-ws?xsd=".encode(), b""))
    schema = etree.XMLSchema(etree.parse(tmp_path / "wado.xsd"))
    body = rendered_body(SLICE, "image/jpeg", inside="<wado:Rows>10</wado:Rows>")

    reply = ask(soap, body)

    request = etree.fromstring(envelope(body, RENDERED)).find(".//{*}Body/*")
    assert request is not None
    schema.assertValid(request)
    for include in reply.all("//xop:Include"):
        parent = include.getparent()
        assert parent is not None
        parent.remove(include)
    (answered,) = reply.all("//wado:RetrieveRenderedImagingDocumentSetResponse")
    schema.assertValid(answered)


def test_limits_and_the_other_namespace_are_settings(tmp_path: Path) -> None:
    settings = {"SOAP__MAX_RENDERED": "1", "SOAP__REGISTRY_RESPONSE_NAMESPACE": "rs"}
    with servers.running(tmp_path / "data", settings=settings) as server:
        with server.client() as client:
            assert store(client, _slice()).status_code == 200
        with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as soap:
            reply = ask(soap, rendered_body(SLICE, "image/png") * 2)

    assert reply.errors == [("urn:dicom:wado:0005", SLICE[2])]
    assert len(reply.all("//rs:RegistryResponse")) == 1
    assert len(reply.documents) == 1


def test_an_image_that_cannot_be_decoded_is_told_and_spoils_no_other(soap: httpx.Client, client: httpx.Client) -> None:
    broken = make_dataset(StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=generate_uid(PREFIX))
    broken.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    assert store(client, encode(broken, "1.2.840.10008.1.2.4.50")).status_code == 200
    place = (STUDY, SERIES, str(broken.SOPInstanceUID))

    reply = ask(soap, rendered_body(place, "image/png") + rendered_body(SLICE, "image/png"))

    assert reply.errors == [("urn:dicom:wado:0007", place[2])]
    assert len(reply.documents) == 1
