from __future__ import annotations

import httpx
import pytest

from dicomweb import BOUNDARY, JSON, OBJECTS_AS_STORED, multipart_body, parts_of, path_of, store, values
from samples import encode, make_dataset, make_object, make_series

MULTIPART = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', **JSON}


def stored_bytes(client: httpx.Client, path: str) -> bytes:
    response = client.get(path, headers=OBJECTS_AS_STORED)
    assert response.status_code == 200, response.text
    (part,) = parts_of(response)
    return part.content


@pytest.mark.requirement("STOW-01", "STOW-10", "STOW-42", "STOW-50")
def test_stored_instances_are_named_and_come_back_as_they_were(client: httpx.Client) -> None:
    datasets = make_series(2)
    objects = [encode(dataset) for dataset in datasets]

    response = store(client, *objects)

    module = response.json()
    study_url = f"{client.base_url}studies/{datasets[0].StudyInstanceUID}"
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/dicom+json"
    assert values(module, "00081190") == [study_url]
    references = values(module, "00081199")
    assert [values(item, "00081155") for item in references] == [[dataset.SOPInstanceUID] for dataset in datasets]
    assert "00081198" not in module
    for dataset, original in zip(datasets, objects, strict=True):
        assert stored_bytes(client, path_of(dataset)) == original


@pytest.mark.requirement("STOW-30")
def test_a_stored_instance_is_found_at_once(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    found = client.get(f"/instances?SOPInstanceUID={dataset.SOPInstanceUID}", headers=JSON)

    assert [values(item, "00080018") for item in found.json()] == [[dataset.SOPInstanceUID]]


@pytest.mark.requirement("STOW-06")
def test_a_single_object_may_be_the_whole_body(client: httpx.Client) -> None:
    dataset = make_dataset()

    response = client.post("/studies", content=encode(dataset), headers={"Content-Type": "application/dicom", **JSON})

    assert response.status_code == 200
    assert values(values(response.json(), "00081199")[0], "00081155") == [dataset.SOPInstanceUID]


@pytest.mark.requirement("STOW-03")
def test_a_chunked_body_is_stored_whole(client: httpx.Client) -> None:
    dataset = make_dataset()
    body = multipart_body([encode(dataset)])

    response = client.post("/studies", content=(body[at : at + 7] for at in range(0, len(body), 7)), headers=MULTIPART)

    assert response.status_code == 200
    assert stored_bytes(client, path_of(dataset)) == encode(dataset)


@pytest.mark.requirement("STOW-28")
def test_the_same_instance_again_succeeds_and_the_first_stays(client: httpx.Client) -> None:
    dataset = make_dataset()
    first = encode(dataset)
    dataset_again = first[:128] + first[128:].replace(
        b"1.2.826.0.1.3680043.10.1561.1", b"1.2.826.0.1.3680043.10.1561.2", 1
    )
    store(client, first)

    response = store(client, dataset_again)

    assert response.status_code == 200
    assert stored_bytes(client, path_of(dataset)) == first


@pytest.mark.requirement("STOW-28")
def test_another_object_under_a_stored_uid_fails_and_the_first_stays(client: httpx.Client) -> None:
    dataset = make_dataset()
    first = encode(dataset)
    store(client, first)
    dataset.PatientName = "Other^Person"

    response = store(client, encode(dataset))

    (failure,) = values(response.json(), "00081198")
    assert response.status_code == 409
    assert values(failure, "00081197") == [0x0111]
    assert values(failure, "00081155") == [dataset.SOPInstanceUID]
    assert stored_bytes(client, path_of(dataset)) == first


@pytest.mark.requirement("STOW-28")
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_stored_uid_in_another_place_is_refused(client: httpx.Client, keyword: str) -> None:
    dataset = make_dataset()
    first, path = encode(dataset), path_of(dataset)
    store(client, first)
    setattr(dataset, keyword, f"{dataset.StudyInstanceUID[:40]}.77")

    response = store(client, encode(dataset))

    (failure,) = values(response.json(), "00081198")
    assert response.status_code == 409
    assert values(failure, "00081197") == [0x0111]
    assert stored_bytes(client, path) == first
    assert client.get(path_of(dataset), headers=OBJECTS_AS_STORED).status_code == 404


@pytest.mark.requirement("STOW-27")
def test_an_instance_of_another_study_than_the_target_fails(client: httpx.Client) -> None:
    right, wrong = make_dataset(), make_dataset()

    mixed = store(client, encode(right), encode(wrong), study=right.StudyInstanceUID)
    alone = store(client, encode(wrong), study=right.StudyInstanceUID)

    (failure,) = values(mixed.json(), "00081198")
    assert (mixed.status_code, alone.status_code) == (202, 409)
    assert values(failure, "00081197") == [0xA900]
    assert values(failure, "00081155") == [wrong.SOPInstanceUID]
    assert stored_bytes(client, path_of(right)) == encode(right)
    assert client.get(path_of(wrong), headers=OBJECTS_AS_STORED).status_code == 404


@pytest.mark.requirement("STOW-29", "STOW-43", "STAT-03", "STOW-53")
def test_one_bad_part_costs_no_good_one(client: httpx.Client) -> None:
    first, second = make_dataset(), make_dataset()

    response = store(client, encode(first), b"no DICOM at all", encode(second)[:-3], encode(second))

    module = response.json()
    assert response.status_code == 202
    assert len(values(module, "00081199")) == 2
    assert [values(item, "00081197") for item in values(module, "0008119A")] == [[0xC000], [0xC000]]
    assert stored_bytes(client, path_of(first)) == encode(first)
    assert stored_bytes(client, path_of(second)) == encode(second)


@pytest.mark.requirement("STOW-45")
def test_nothing_stored_is_never_a_success(client: httpx.Client) -> None:
    response = store(client, b"no DICOM at all")

    assert response.status_code == 409
    assert "00081199" not in response.json()


@pytest.mark.requirement("PAY-04")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a preamble\r\n", b""),
        (b"\r\n", b""),
        (b"", b"an epilogue"),
    ],
)
def test_what_surrounds_the_parts_does_not_matter(client: httpx.Client, before: bytes, after: bytes) -> None:
    dataset = make_dataset()

    response = client.post("/studies", content=before + multipart_body([encode(dataset)]) + after, headers=MULTIPART)

    assert response.status_code == 200
    assert stored_bytes(client, path_of(dataset)) == encode(dataset)


@pytest.mark.requirement("PAY-04")
def test_a_last_delimiter_without_dashes_closes(client: httpx.Client) -> None:
    dataset = make_dataset()
    body = multipart_body([encode(dataset)]).removesuffix(b"--\r\n") + b"\r\n"

    response = client.post("/studies", content=body, headers=MULTIPART)

    assert response.status_code == 200
    assert stored_bytes(client, path_of(dataset)) == encode(dataset)


def test_a_part_without_a_delimiter_after_it_may_be_cut_off_and_fails(client: httpx.Client) -> None:
    whole, cut = make_dataset(), make_dataset()
    body = multipart_body([encode(whole), encode(cut)]).removesuffix(f"\r\n--{BOUNDARY}--\r\n".encode())

    response = client.post("/studies", content=body, headers=MULTIPART)

    assert response.status_code == 202
    assert len(values(response.json(), "00081199")) == 1
    assert len(values(response.json(), "0008119A")) == 1
    assert client.get(path_of(cut), headers=OBJECTS_AS_STORED).status_code == 404


@pytest.mark.requirement("PAY-03")
def test_a_quoted_boundary_may_hold_spaces(client: httpx.Client) -> None:
    dataset = make_dataset()
    boundary = "a boundary: with (odd) letters"
    headers = {**JSON, "Content-Type": f'multipart/related; boundary="{boundary}"; type="application/dicom"'}

    response = client.post("/studies", content=multipart_body([encode(dataset)], boundary), headers=headers)

    assert response.status_code == 200


@pytest.mark.requirement("STOW-03", "STOW-04")
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ('multipart/related; type="text/plain"; boundary=b', 415),
        ('multipart/related; type="application/dicom"', 400),
        ('multipart/related; type="application/dicom"; boundary=""', 400),
        (f'multipart/related; type="application/dicom"; boundary={"x" * 201}', 400),
        ("multipart/form-data; boundary=b", 415),
        ("nonsense", 415),
    ],
)
def test_a_payload_of_another_kind_is_refused(client: httpx.Client, content_type: str | None, status: int) -> None:
    dataset = make_dataset()
    headers = {**JSON} | ({"Content-Type": content_type} if content_type else {})

    response = client.post("/studies", content=multipart_body([encode(dataset)], "b"), headers=headers)

    assert response.status_code == status
    assert client.get(path_of(dataset), headers=OBJECTS_AS_STORED).status_code == 404


@pytest.mark.requirement("STOW-04", "STOW-44")
@pytest.mark.parametrize("body", [b"", b"\r\n", b"no multipart", f"--{BOUNDARY}--\r\n".encode()])
def test_a_body_without_parts_is_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/studies", content=body, headers=MULTIPART).status_code == 400


@pytest.mark.requirement("STOW-44")
def test_an_empty_single_object_is_refused(client: httpx.Client) -> None:
    response = client.post("/studies", content=b"", headers={"Content-Type": "application/dicom", **JSON})

    assert response.status_code == 400


def test_a_study_in_the_path_that_is_no_uid_is_refused(client: httpx.Client) -> None:
    assert store(client, make_object(), study="1.2.x").status_code == 400


@pytest.mark.requirement("STOW-05")
def test_a_store_without_accept_is_answered_in_json(client: httpx.Client) -> None:
    del client.headers["Accept"]
    request = client.build_request("POST", "/studies", content=multipart_body([make_object()]), headers=MULTIPART)
    del request.headers["Accept"]

    response = client.send(request)

    assert (response.status_code, response.headers["content-type"]) == (200, "application/dicom+json")


@pytest.mark.requirement("STOW-48")
def test_a_new_study_is_the_location(client: httpx.Client) -> None:
    dataset = make_dataset()

    response = store(client, encode(dataset))

    assert response.headers["location"] == f"{client.base_url}studies/{dataset.StudyInstanceUID}"
