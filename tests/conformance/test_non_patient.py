"""The Non-Patient Instance Service over HTTP (PS3.18 chapter 12)."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pydicom
import pytest
from lxml import etree
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTDefinedProcedureProtocolStorage,
    DeflatedExplicitVRLittleEndian,
    GenericImplantTemplateStorage,
    HangingProtocolStorage,
    ImplicitVRLittleEndian,
    InventoryStorage,
    generate_uid,
)

from command_line import HILUM
from dicomweb import BOUNDARY, JSON, OBJECTS, parts_of, values
from samples import PREFIX, encode, make_dataset
from servers import Server, running

PALETTES = Path(pydicom.__file__).parent / "data" / "palettes"
OBJECT = {"Accept": "application/dicom"}
FAMILIES = {
    "hanging-protocols": HangingProtocolStorage,
    "implant-templates": GenericImplantTemplateStorage,
    "defined-procedure-protocols": CTDefinedProcedureProtocolStorage,
    "inventories": InventoryStorage,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"NON_PATIENT__MAX_BYTES": "1000000", "STORE__METADATA_BYTES": "1000000"}
    with running(tmp_path_factory.mktemp("npi") / "data", settings=settings) as one:
        yield one


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as one:
        yield one


def palette(name: str = "hotiron") -> bytes:
    return (PALETTES / f"{name}.dcm").read_bytes()


def instance(sop_class: str = HangingProtocolStorage, **attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid(PREFIX)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def post(client: httpx.Client, path: str, content: bytes, content_type: str = "application/dicom") -> httpx.Response:
    return client.post(path, content=content, headers={"Content-Type": content_type, **JSON})


def stored(client: httpx.Client, category: str, dataset: Dataset) -> str:
    answer = post(client, f"/{category}", encode(dataset))
    assert answer.status_code == 200, answer.text
    return f"/{category}/{dataset.SOPInstanceUID}"


def stored_palette(client: httpx.Client, name: str = "hotiron") -> str:
    answer = post(client, "/color-palettes", palette(name))
    assert answer.status_code == 200, answer.text
    return f"/color-palettes/{references(answer, '00081199')[0]}"


def references(answer: httpx.Response, tag: str) -> list[str]:
    return [item["00081155"]["Value"][0] for item in answer.json().get(tag, {}).get("Value", [])]


def reasons(answer: httpx.Response, tag: str = "00081198") -> list[int]:
    return [item["00081197"]["Value"][0] for item in answer.json().get(tag, {}).get("Value", [])]


@pytest.mark.requirement("NPI-01", "NPI-10", "NPI-12")
def test_a_palette_comes_back_bit_for_bit(client: httpx.Client) -> None:
    path = stored_palette(client)

    answer = client.get(path, headers=OBJECT)

    assert (answer.status_code, answer.content) == (200, palette())
    assert answer.headers["content-type"].startswith("application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
    assert int(answer.headers["content-length"]) == len(palette())


@pytest.mark.requirement("NPI-05", "NPI-10")
def test_json_is_the_default_and_holds_every_value(client: httpx.Client) -> None:
    path = stored_palette(client)

    answer = client.get(path, headers={"Accept": "*/*"})

    assert answer.headers["content-type"] == "application/dicom+json"
    (found,) = answer.json()
    expected = pydicom.dcmread(PALETTES / "hotiron.dcm").to_json_dict(bulk_data_threshold=1 << 20)
    assert found == {tag: element for tag, element in expected.items() if not tag.startswith("0002")}


@pytest.mark.requirement("NPI-05")
@pytest.mark.parametrize("accept", ['multipart/related; type="application/dicom+xml"', "application/dicom+xml"])
def test_xml_holds_the_instance(client: httpx.Client, accept: str) -> None:
    path = stored_palette(client)

    answer = client.get(path, headers={"Accept": accept})

    document = parts_of(answer)[0].content if accept.startswith("multipart") else answer.content
    keywords = {element.get("keyword") for element in etree.fromstring(document)}
    assert {"SOPInstanceUID", "RedPaletteColorLookupTableData", "ICCProfile"} <= keywords


@pytest.mark.requirement("NPI-05")
def test_an_object_comes_in_multipart_as_well(client: httpx.Client) -> None:
    (part,) = parts_of(client.get(stored_palette(client), headers=OBJECTS))

    assert part.content == palette()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_what_never_travels_is_given_out_in_explicit_form(client: httpx.Client, syntax: str) -> None:
    dataset = instance(HangingProtocolName="Chest")
    answer = post(client, "/hanging-protocols", encode(dataset, syntax))
    assert answer.status_code == 200

    answer = client.get(f"/hanging-protocols/{dataset.SOPInstanceUID}", headers=OBJECT)

    found = pydicom.dcmread(io.BytesIO(answer.content))
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert found.HangingProtocolName == "Chest"


@pytest.mark.requirement("NPI-04")
def test_the_accept_and_charset_parameters_are_taken(client: httpx.Client) -> None:
    path = stored_palette(client)

    as_xml = client.get(f"{path}?accept=application/dicom%2Bxml", headers={"Accept": "*/*"})
    refused = client.get(f"{path}?charset=ISO-8859-5", headers=JSON)

    assert as_xml.headers["content-type"] == "application/dicom+xml"
    assert refused.status_code == 400
    assert client.get(f"{path}?charset=utf-8", headers=JSON).status_code == 200


@pytest.mark.requirement("NPI-11")
def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    path = stored_palette(client)
    uid = path.rpartition("/")[2]

    assert client.get("/color-palettes/1.2.3.404", headers=JSON).status_code == 404
    assert client.get(f"/hanging-protocols/{uid}", headers=JSON).status_code == 404
    assert client.get(f"/no-palettes/{uid}", headers=JSON).status_code == 404
    assert client.get("/color-palettes/no.uid", headers=JSON).status_code == 400
    assert client.get(path, headers={"Accept": "image/gif"}).status_code == 406


@pytest.mark.requirement("NPI-02", "NPI-03", "NPI-06")
@pytest.mark.parametrize("category", FAMILIES)
def test_each_category_takes_its_own_classes_alone(client: httpx.Client, category: str) -> None:
    path = stored(client, category, instance(FAMILIES[category]))

    answer = client.get(f"{path}/metadata", headers=JSON)
    elsewhere = post(client, "/color-palettes", encode(instance(FAMILIES[category])))

    assert answer.json()[0]["00080016"]["Value"] == [FAMILIES[category]]
    assert (elsewhere.status_code, reasons(elsewhere)) == (409, [0x0122])


@pytest.mark.requirement("NPI-22", "NPI-25")
def test_an_instance_of_the_wrong_class_is_refused_and_not_stored(client: httpx.Client) -> None:
    dataset = instance()

    answer = post(client, "/color-palettes", encode(dataset))

    assert (answer.status_code, references(answer, "00081198")) == (409, [dataset.SOPInstanceUID])
    assert client.get(f"/color-palettes/{dataset.SOPInstanceUID}", headers=JSON).status_code == 404
    assert client.get(f"/hanging-protocols/{dataset.SOPInstanceUID}", headers=JSON).status_code == 404


@pytest.mark.requirement("NPI-21")
def test_a_store_to_an_instance_takes_that_one_alone(client: httpx.Client) -> None:
    dataset = instance()

    other = post(client, f"/hanging-protocols/{generate_uid()}", encode(dataset))
    right = post(client, f"/hanging-protocols/{dataset.SOPInstanceUID}", encode(dataset))

    assert (other.status_code, right.status_code) == (400, 200)


@pytest.mark.requirement("NPI-20")
@pytest.mark.parametrize("form", ["json", "json in multipart", "xml", "xml in multipart", "dicom in multipart"])
def test_every_representation_can_be_stored(client: httpx.Client, form: str) -> None:
    source = client.get(stored_palette(client), headers=JSON).json()
    source[0]["00080018"]["Value"] = [uid := str(generate_uid())]
    kind, _, packaging = form.partition(" in ")
    if kind == "json":
        content, content_type = orjson.dumps(source), "application/dicom+json"
    elif kind == "dicom":
        dataset = pydicom.dcmread(PALETTES / "hotiron.dcm")
        dataset.SOPInstanceUID = uid
        content, content_type = encode(dataset), "application/dicom"
    else:
        content_type = "application/dicom+xml"
        xml = client.get(stored_palette(client), headers={"Accept": content_type}).content
        old = client.get(stored_palette(client), headers=JSON).json()[0]["00080018"]["Value"][0]
        content = xml.replace(f">{old}<".encode(), f">{uid}<".encode(), 1)
    if packaging:
        head = f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\r\n".encode()
        content = head + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        content_type = f'multipart/related; type="{content_type}"; boundary={BOUNDARY}'

    answer = post(client, "/color-palettes", content, content_type)

    assert (answer.status_code, references(answer, "00081199")) == (200, [uid])
    (found,) = client.get(f"/color-palettes/{uid}", headers=JSON).json()
    assert found == source[0]


@pytest.mark.requirement("NPI-24")
def test_the_same_again_is_stored_and_another_of_that_uid_is_not(client: httpx.Client) -> None:
    dataset = instance(HangingProtocolName="First")
    path = stored(client, "hanging-protocols", dataset)
    again = post(client, "/hanging-protocols", encode(dataset))
    dataset.HangingProtocolName = "Second"

    other = post(client, "/hanging-protocols", encode(dataset))

    assert (again.status_code, other.status_code, reasons(other)) == (200, 409, [0x0111])
    assert values(client.get(path, headers=JSON).json()[0], "00720002") == ["First"]


@pytest.mark.requirement("NPI-24", "NPI-25")
def test_of_a_mixed_payload_what_is_right_is_stored_and_the_rest_told(client: httpx.Client) -> None:
    right, wrong = instance(), make_dataset()
    parts = [encode(right), encode(wrong), b"no object"]
    body = b"".join(
        b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (BOUNDARY.encode(), part) for part in parts
    )
    content_type = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'

    answer = post(client, "/hanging-protocols", body + f"--{BOUNDARY}--\r\n".encode(), content_type)

    assert answer.status_code == 200
    assert references(answer, "00081199") == [right.SOPInstanceUID]
    assert reasons(answer, "0008119A") == [0xC000, 0xC000]


@pytest.mark.requirement("NPI-24")
@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"no object", "application/dicom", 400),
        (b"[]", "application/dicom+json", 400),
        (b"[{", "application/dicom+json", 400),
        (b'[{"00080018":{"vr":"UI","Value":["1.2"]}}]', "application/dicom+json", 400),
        (b"<a/>", "application/dicom+xml", 400),
        (b"", "application/dicom", 400),
        (b"text", "text/plain", 415),
        (b"text", "no type", 415),
        (b"text", 'multipart/related; type="text/plain"; boundary=a', 415),
        (b"text", 'multipart/related; type="application/dicom"', 400),
    ],
)
def test_what_is_no_instance_is_refused(client: httpx.Client, content: bytes, content_type: str, status: int) -> None:
    assert post(client, "/hanging-protocols", content, content_type).status_code == status


def test_an_object_with_pixels_of_a_study_or_beyond_the_limit_is_refused(client: httpx.Client) -> None:
    of_study = instance(StudyInstanceUID="1.2.3")
    with_pixels = instance(Rows=1, Columns=2, BitsAllocated=8, PixelData=b"\0\1")
    too_large = instance(SelectorUTValue="x" * 1_000_000)

    answers = [post(client, "/hanging-protocols", encode(one)) for one in (of_study, with_pixels, too_large)]

    assert [answer.status_code for answer in answers] == [400, 400, 400]


@pytest.mark.requirement("NPI-30", "NPI-32", "NPI-33")
def test_searches_page_through_a_category_and_end(client: httpx.Client) -> None:
    name = str(generate_uid())[-16:]
    for _ in range(3):
        stored(client, "hanging-protocols", instance(HangingProtocolName=name))

    first = client.get(f"/hanging-protocols?HangingProtocolName={name}&limit=2", headers=JSON)
    second = client.get(f"/hanging-protocols?HangingProtocolName={name}&limit=2&offset=2", headers=JSON)
    none = client.get("/hanging-protocols?HangingProtocolName=nobody", headers=JSON)

    assert (len(first.json()), len(second.json()), none.status_code) == (2, 1, 204)
    assert "1 additional results" in first.headers["warning"]
    assert client.get("/hanging-protocols?limit=x", headers=JSON).status_code == 400
    assert client.get("/hanging-protocols", headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.requirement("NPI-31", "NPI-34")
def test_keys_of_each_category_match_and_are_returned(client: httpx.Client) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-1", "99TEST", "Hip"
    unique = str(generate_uid())[-16:]
    cases: dict[str, tuple[Dataset, str]] = {
        "hanging-protocols": (
            instance(
                HangingProtocolName="Chest",
                HangingProtocolCreator=unique,
                HangingProtocolUserIdentificationCodeSequence=Sequence([code]),
                NumberOfPriorsReferenced=2,
            ),
            (
                f"HangingProtocolCreator={unique}&NumberOfPriorsReferenced=2"
                "&HangingProtocolUserIdentificationCodeSequence.CodeValue=T-1"
            ),
        ),
        "implant-templates": (
            instance(
                GenericImplantTemplateStorage,
                Manufacturer="Maker",
                ImplantName="Stem",
                ImplantPartNumber=unique,
                ImplantSize="9",
            ),
            f"ImplantPartNumber={unique[:-2]}*&Manufacturer=Maker",
        ),
        "defined-procedure-protocols": (
            instance(
                CTDefinedProcedureProtocolStorage,
                Modality="CT",
                ProtocolName=unique,
                ResponsibleGroupCodeSequence=Sequence([code]),
            ),
            f"Modality=CT&ProtocolName={unique}&ResponsibleGroupCodeSequence.CodeValue=T-1",
        ),
        "inventories": (
            instance(InventoryStorage, ContentDate="20240229", InventoryPurpose=unique, InventoryLevel="STUDY"),
            f"ContentDate=20240201-20240301&InventoryPurpose={unique}",
        ),
    }
    for category, (dataset, query) in cases.items():
        stored(client, category, dataset)
        stored(client, category, instance(dataset.SOPClassUID))

        found = client.get(f"/{category}?{query}", headers=JSON).json()

        assert [values(item, "00080018") for item in found] == [[dataset.SOPInstanceUID]], category
        expected = dataset.to_json_dict()
        assert {tag: found[0][tag] for tag in expected} == expected


@pytest.mark.requirement("NPI-34")
def test_a_palette_is_found_by_its_label(client: httpx.Client) -> None:
    path = stored_palette(client, "winter")

    (found,) = client.get("/color-palettes?ContentLabel=WINTER*", headers=JSON).json()

    assert values(found, "00081190") == [f"{client.base_url}".rstrip("/") + path]
    assert {"00080016", "00080018", "00700080", "00700081", "00700084", "00700087"} <= set(found)
    assert "00281201" not in found


@pytest.mark.requirement("NPI-30")
def test_fields_are_included_on_demand(client: httpx.Client) -> None:
    stored_palette(client, "summer")

    (some,) = client.get("/color-palettes?ContentLabel=SUMMER*&includefield=00281101", headers=JSON).json()
    (every,) = client.get("/color-palettes?ContentLabel=SUMMER*&includefield=all", headers=JSON).json()

    assert some["00281101"]["Value"][0] == 256
    assert set(some) < set(every)


@pytest.mark.requirement("NPI-33")
def test_results_come_in_xml_one_part_each(client: httpx.Client) -> None:
    stored_palette(client, "spring")
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}

    (part,) = parts_of(client.get("/color-palettes?ContentLabel=SPRING*", headers=accept))

    assert etree.fromstring(part.content).tag.endswith("NativeDicomModel")


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_a_palette_is_shown_as_a_picture(client: httpx.Client, media_type: str) -> None:
    path = stored_palette(client)

    answer = client.get(f"{path}/rendered", headers={"Accept": media_type})

    assert answer.headers["content-type"] == media_type
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)
    assert pixels.shape == (64, 512, 3)
    # Hot iron goes from black over red to white.
    tolerance = 0 if media_type == "image/png" else 12
    assert np.abs(pixels[32, 0] - [0, 0, 0]).max() <= tolerance
    assert np.abs(pixels[32, 511] - [255, 255, 255]).max() <= tolerance
    assert pixels[32, 256, 0] > 200 > pixels[32, 256, 2]


def test_a_retrieved_instance_is_validated_by_its_etag(client: httpx.Client) -> None:
    path = stored_palette(client)
    for accept in (JSON, OBJECT):
        etag = client.get(path, headers=accept).headers["etag"]

        assert client.get(path, headers={**accept, "If-None-Match": etag}).status_code == 304


def test_what_is_stored_survives_a_restart_and_a_lost_index(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server, server.client() as client:
        path = stored_palette(client)
    for file in data.glob("index.db*"):
        file.unlink()
    with running(data) as server:
        pass

    done = subprocess.run(
        [*HILUM, "verify", "--repair", "--data", str(data)], check=False, capture_output=True, timeout=60
    )
    with running(data) as server, server.client() as client:
        answer = client.get(path, headers=OBJECT)

    assert (answer.status_code, answer.content) == (200, palette()), done.stdout + done.stderr
