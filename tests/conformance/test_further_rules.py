"""Rules that belong to no single transaction, and those that are easily forgotten."""

from __future__ import annotations

import httpx
import pytest

from dicomweb import JSON, OBJECTS_AS_STORED, path_of, store, values
from samples import encode, make_dataset


@pytest.mark.requirement("STOW-02")
def test_query_parameters_of_a_store_are_passed_over(client: httpx.Client) -> None:
    dataset = make_dataset()

    response = client.post(
        "/studies?unknown=1&limit=x",
        content=encode(dataset),
        headers={"Content-Type": "application/dicom", **JSON},
    )

    assert response.status_code == 200


@pytest.mark.requirement("SEC-03")
def test_a_preamble_that_is_a_page_is_never_served_as_one(client: httpx.Client) -> None:
    dataset = make_dataset()
    page = b"<html><script>alert(1)</script>"
    content = page.ljust(128, b"\0") + encode(dataset)[128:]
    assert store(client, content).status_code == 200

    alone = client.get(path_of(dataset), headers={"Accept": "application/dicom"})
    several = client.get(path_of(dataset), headers=OBJECTS_AS_STORED)

    assert alone.headers["content-type"].startswith("application/dicom")
    assert alone.headers["x-content-type-options"] == "nosniff"
    assert several.headers["content-type"].startswith("multipart/related")
    assert client.get(path_of(dataset), headers={"Accept": "text/html"}).status_code == 406


@pytest.mark.requirement("SEC-02")
def test_what_was_never_here_and_what_lies_elsewhere_look_alike(client: httpx.Client) -> None:
    dataset, other = make_dataset(), make_dataset()
    store(client, encode(dataset), encode(other))
    misplaced = path_of(dataset).replace(str(dataset.StudyInstanceUID), str(other.StudyInstanceUID))

    unknown = client.get("/studies/1.2.3.4/series/1.2.3/instances/1.2", headers=OBJECTS_AS_STORED)
    elsewhere = client.get(misplaced, headers=OBJECTS_AS_STORED)

    assert (unknown.status_code, elsewhere.status_code) == (404, 404)
    assert unknown.text == elsewhere.text


@pytest.mark.requirement("QIDO-10", "QIDO-25")
def test_a_search_result_tells_its_text_in_utf_8_whatever_set_the_object_has(client: httpx.Client) -> None:
    dataset = make_dataset(SpecificCharacterSet="ISO_IR 100", PatientName="M\u00fcller^J\u00f6rg")
    store(client, encode(dataset))

    (found,) = client.get(f"/studies?StudyInstanceUID={dataset.StudyInstanceUID}", headers=JSON).json()

    assert values(found, "00100010") == [{"Alphabetic": "M\u00fcller^J\u00f6rg"}]


@pytest.mark.requirement("XML-15")
def test_xml_names_bulk_data_where_json_does(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    as_json = client.get(f"{path_of(dataset)}/metadata", headers=JSON).json()[0]
    as_xml = client.get(f"{path_of(dataset)}/metadata", headers={"Accept": "application/dicom+xml"}).text

    for tag, element in as_json.items():
        if uri := element.get("BulkDataURI"):
            assert f'<BulkData uri="{uri}"/>' in as_xml.split(f'tag="{tag}"')[1].split("</DicomAttribute>")[0]
    assert "BulkDataURI" in str(as_json)


@pytest.mark.requirement("JSON-11")
def test_the_vr_of_an_attribute_comes_before_its_value(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    metadata = client.get(f"{path_of(dataset)}/metadata", headers=JSON).json()[0]

    assert {next(iter(element)) for element in metadata.values()} == {"vr"}


@pytest.mark.requirement("STOW-47")
def test_a_payload_with_too_many_parts_is_too_large(client: httpx.Client) -> None:
    body = b"--B\r\n\r\nx\r\n" * 20_001 + b"--B--\r\n"

    response = client.post(
        "/studies",
        content=body,
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=B', **JSON},
    )

    assert response.status_code == 413
