from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicomweb import JSON, store, values
from samples import PREFIX, encode, make_dataset, make_series


def search(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    response = client.get(path, headers=JSON)
    assert response.status_code in (200, 204), response.text
    if response.status_code == 204:
        assert response.content == b""
        return []
    results: list[dict[str, Any]] = response.json()
    assert results
    assert response.headers["content-type"] == "application/dicom+json"
    for result in results:
        assert list(result) == sorted(result)
    return results


def patient_id() -> str:
    """Return a Patient ID that no other test uses."""
    return generate_uid(PREFIX)[-32:]


def store_all(client: httpx.Client, *datasets: Dataset) -> None:
    assert store(client, *(encode(dataset) for dataset in datasets)).status_code == 200


STUDY_ATTRIBUTES = {
    "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010", "00100020",
    "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
}  # fmt: skip
SERIES_ATTRIBUTES = {"00080060", "00081190", "0020000E", "00200011", "00201209"}
INSTANCE_ATTRIBUTES = {
    "00080016", "00080018", "00080056", "00081190", "00200013", "00280010", "00280011", "00280100",
}  # fmt: skip


@pytest.mark.requirement("QIDO-01", "QIDO-21", "QIDO-24", "QIDO-26")
def test_a_study_comes_with_its_attributes_and_counts(client: httpx.Client) -> None:
    patient = patient_id()
    first = make_series(2, PatientID=patient, Modality="CT")
    other = make_dataset(PatientID=patient, StudyInstanceUID=first[0].StudyInstanceUID, Modality="SR")
    store_all(client, *first, other)

    (study,) = search(client, f"/studies?PatientID={patient}")

    uid = first[0].StudyInstanceUID
    assert set(study) == STUDY_ATTRIBUTES
    assert values(study, "0020000D") == [uid]
    assert values(study, "00081190") == [f"{client.base_url}studies/{uid}"]
    assert values(study, "00080061") == ["CT", "SR"]
    assert values(study, "00201206") == [2]
    assert values(study, "00201208") == [3]
    assert values(study, "00100010") == [{"Alphabetic": "Test^Person"}]
    assert study["00080090"] == {"vr": "PN"}
    assert values(study, "00080056") == ["ONLINE"]


@pytest.mark.requirement("QIDO-02", "QIDO-27")
def test_the_series_of_a_study_come_with_theirs(client: httpx.Client) -> None:
    datasets = make_series(3, Modality="MR")
    store_all(client, *datasets)

    (series,) = search(client, f"/studies/{datasets[0].StudyInstanceUID}/series")

    assert set(series) >= SERIES_ATTRIBUTES
    assert values(series, "0020000E") == [datasets[0].SeriesInstanceUID]
    assert values(series, "00201209") == [3]
    assert values(series, "00081190") == [
        f"{client.base_url}studies/{datasets[0].StudyInstanceUID}/series/{datasets[0].SeriesInstanceUID}"
    ]
    assert "00100020" not in series


@pytest.mark.requirement("QIDO-05", "QIDO-28")
def test_the_instances_of_a_series_come_in_order(client: httpx.Client) -> None:
    datasets = make_series(12)
    store_all(client, *reversed(datasets))
    path = f"/studies/{datasets[0].StudyInstanceUID}/series/{datasets[0].SeriesInstanceUID}/instances"

    results = search(client, path)

    assert [values(item, "00080018") for item in results] == [[dataset.SOPInstanceUID] for dataset in datasets]
    assert [values(item, "00200013") for item in results] == [[number] for number in range(1, 13)]
    assert set(results[0]) >= INSTANCE_ATTRIBUTES
    assert "0020000D" not in results[0]


@pytest.mark.requirement("QIDO-03", "QIDO-04", "QIDO-06", "QIDO-29")
def test_relational_searches_carry_the_levels_above(client: httpx.Client) -> None:
    patient = patient_id()
    datasets = make_series(2, PatientID=patient, Modality="US")
    store_all(client, *datasets)

    (series,) = search(client, f"/series?PatientID={patient}")
    instances = search(client, f"/instances?PatientID={patient}&Modality=US")
    of_study = search(client, f"/studies/{datasets[0].StudyInstanceUID}/instances")

    assert set(series) >= STUDY_ATTRIBUTES | SERIES_ATTRIBUTES
    assert set(instances[0]) >= STUDY_ATTRIBUTES | SERIES_ATTRIBUTES | INSTANCE_ATTRIBUTES
    assert len(instances) == len(of_study) == 2
    assert set(of_study[0]) >= SERIES_ATTRIBUTES | INSTANCE_ATTRIBUTES


@pytest.mark.requirement("QIDO-07", "SRCH-42", "QIDO-41")
@pytest.mark.parametrize(
    "path",
    ["/studies?PatientID=nobody%20at%20all", "/studies/1.2.3.4/series", "/studies/1.2.3.4/series/1.2.3/instances"],
)
def test_a_search_without_matches_answers_204(client: httpx.Client, path: str) -> None:
    assert search(client, path) == []


@pytest.mark.requirement("QIDO-14", "SRCH-06", "SRCH-07")
@pytest.mark.parametrize(
    "name",
    ["Müller^Jörg", "muller^jorg", "MÜLLER*", "M?ller^*", "müller^jörg^^^", "*jorg", "*ÜLLER*"],
)
def test_names_match_whatever_case_and_accents(client: httpx.Client, name: str) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, PatientName="Müller^Jörg"))

    response = client.get("/studies", params={"PatientID": patient, "PatientName": name}, headers=JSON)

    assert response.status_code == 200


@pytest.mark.requirement("SRCH-06")
def test_other_texts_match_to_the_letter(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, AccessionNumber="Ab_1%"))
    study = f"/studies?PatientID={patient}&AccessionNumber="

    found = [
        bool(search(client, study + value)) for value in ("Ab_1%25", "Ab*", "?b_1%25", "ab_1%25", "Abx1%25", "A*x")
    ]

    assert found == [True, True, True, False, False, False]


@pytest.mark.requirement("SRCH-08", "SRCH-09")
@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("StudyDate=20240102", True),
        ("StudyDate=20240101-20240102", True),
        ("StudyDate=20240103-", False),
        ("StudyDate=-20240102", True),
        ("StudyDate=20230101-20240101", False),
        ("StudyTime=1011", True),
        ("StudyTime=1000-1011", True),
        ("StudyTime=101113-", False),
        ("StudyDate=20240101-20240103&StudyTime=120000-090000", True),
        ("StudyDate=20240102-20240103&StudyTime=120000-090000", False),
    ],
)
def test_dates_and_times_match_by_range(client: httpx.Client, query: str, matches: bool) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient))

    assert bool(search(client, f"/studies?PatientID={patient}&{query}")) is matches


@pytest.mark.requirement("QIDO-16", "SRCH-02")
@pytest.mark.parametrize("separator", [",", "%5C"])
def test_uids_match_by_list(client: httpx.Client, separator: str) -> None:
    datasets = [make_dataset(), make_dataset(), make_dataset()]
    store_all(client, *datasets)
    uids = separator.join(dataset.StudyInstanceUID for dataset in datasets[:2])

    assert len(search(client, f"/studies?StudyInstanceUID={uids}")) == 2


@pytest.mark.requirement("QIDO-15")
def test_modalities_in_study_match_any_series(client: httpx.Client) -> None:
    patient = patient_id()
    first = make_dataset(PatientID=patient, Modality="CT")
    store_all(client, first, make_dataset(PatientID=patient, StudyInstanceUID=first.StudyInstanceUID, Modality="PT"))

    found = [
        len(search(client, f"/studies?PatientID={patient}&ModalitiesInStudy={item}")) for item in ("CT", "PT", "MR")
    ]

    assert found == [1, 1, 0]


@pytest.mark.requirement("SRCH-20", "SRCH-21", "QIDO-22", "QIDO-30")
def test_included_attributes_are_returned_even_if_unknown(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, StudyDescription="Chest"))

    (study,) = search(
        client,
        f"/studies?PatientID={patient}&includefield=StudyDescription,00081048&includefield=PatientComments"
        "&includefield=Rows",
    )

    assert values(study, "00081030") == ["Chest"]
    assert study["00081048"] == {"vr": "PN"}
    assert study["00104000"] == {"vr": "LT"}
    assert "00280010" not in study


@pytest.mark.requirement("QIDO-32")
def test_includefield_all_returns_what_the_level_has(client: httpx.Client) -> None:
    patient = patient_id()
    dataset = make_dataset(PatientID=patient, StudyDescription="Chest", PatientAge="030Y", SeriesDescription="Axial")
    store_all(client, dataset)

    (study,) = search(client, f"/studies?PatientID={patient}&includefield=all")
    (instance,) = search(client, f"/instances?SOPInstanceUID={dataset.SOPInstanceUID}&includefield=all")

    assert values(study, "00081030") == ["Chest"]
    assert values(study, "00101010") == ["030Y"]
    assert "0008103E" not in study
    assert values(instance, "00280004") == ["MONOCHROME2"]


@pytest.mark.requirement("SRCH-40", "SRCH-41", "SRCH-44", "SRCH-45", "QIDO-40", "SRCH-43", "QIDO-17")
def test_pages_follow_each_other_without_gaps(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, *(make_dataset(PatientID=patient, StudyDate=f"2024010{day}") for day in (1, 3, 2, 4, 5)))
    path = f"/studies?PatientID={patient}"

    first = client.get(f"{path}&limit=2", headers=JSON)
    second = search(client, f"{path}&limit=2&offset=2")
    last = client.get(f"{path}&limit=2&offset=4", headers=JSON)

    dates = [values(item, "00080020")[0] for item in (*first.json(), *second, *last.json())]
    assert dates == ["20240105", "20240104", "20240103", "20240102", "20240101"]
    assert first.headers["warning"] == (
        f"299 {str(client.base_url).rstrip('/')}: There are 3 additional results that can be requested"
    )
    assert "warning" not in last.headers
    assert search(client, f"{path}&offset=5") == []
    assert search(client, f"{path}&limit=0") == []


@pytest.mark.requirement("SRCH-13")
def test_keys_of_a_sequence_match_in_one_item(client: httpx.Client) -> None:
    def request(step: str, procedure: str) -> Dataset:
        item = Dataset()
        item.ScheduledProcedureStepID, item.RequestedProcedureID = step, procedure
        return item

    dataset = make_dataset(RequestAttributesSequence=[request("s1", "p1"), request("s2", "p2")])
    store_all(client, dataset)
    path = f"/studies/{dataset.StudyInstanceUID}/series?RequestAttributesSequence."

    found = [
        len(search(client, f"{path}ScheduledProcedureStepID={step}&00400275.00401001={procedure}"))
        for step, procedure in (("s1", "p1"), ("s2", "p2"), ("s1", "p2"))
    ]

    assert found == [1, 1, 0]


@pytest.mark.requirement("SRCH-09", "QIDO-13")
def test_other_attributes_of_a_level_match_too(client: httpx.Client) -> None:
    patient = patient_id()
    dataset = make_dataset(
        PatientID=patient, StudyDescription="CT Thorax", ProtocolName="P7", ImageType=["ORIGINAL", "PRIMARY"]
    )
    store_all(client, dataset)
    series = f"/studies/{dataset.StudyInstanceUID}/series"

    assert len(search(client, f"/studies?PatientID={patient}&StudyDescription=CT*")) == 1
    assert search(client, f"/studies?PatientID={patient}&StudyDescription=ct*") == []
    assert len(search(client, f"{series}?ProtocolName=P7")) == 1
    assert len(search(client, f"{series}/{dataset.SeriesInstanceUID}/instances?ImageType=PRIMARY")) == 1
    assert search(client, f"{series}/{dataset.SeriesInstanceUID}/instances?ImageType=SECONDARY") == []


@pytest.mark.requirement("QIDO-42", "SRCH-01", "SRCH-05", "SRCH-36", "SRCH-40")
@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "offset=-1",
        "StudyDate=2024-01-02",
        "StudyDate=20241301",
        "StudyDate=yesterday",
        "StudyTime=25",
        "StudyInstanceUID=1.2.x",
        "NoSuchKeyword=1",
        "0008002=20240101",
        "PatientID=1&PatientID=2",
        "PatientID=1&00100020=2",
        "includefield=all&includefield=PatientID",
        "includefield=NoSuchKeyword",
        "fuzzymatching=yes",
        "00091002=x",
        "PatientID=%FF%FE",
        "SeriesInstanceUID=" + "1." * 40,
    ],
)
def test_bad_parameters_answer_400_with_a_reason(client: httpx.Client, query: str) -> None:
    response = client.get(f"/instances?{query}", headers=JSON)

    assert response.status_code == 400
    assert response.text


@pytest.mark.requirement("QIDO-43", "NEG-02", "NEG-07", "NEG-15")
def test_only_json_is_acceptable(client: httpx.Client) -> None:
    store_all(client, make_dataset())

    def status(accept: str, query: str = "limit=1") -> int:
        return client.get(f"/studies?{query}", headers={"Accept": accept}).status_code

    assert status("application/dicom+json") == 200
    assert status("application/json") == 200
    assert status("*/*") == 200
    assert status("application/dicom+json, multipart/related; type=application/octet-stream") == 200
    assert status("text/html") == 406
    assert status("application/dicom+json;q=0") == 406
    assert status("*/*", "limit=1&accept=application/dicom%2Bjson") == 200
    assert status("*/*", "limit=1&accept=application/dicom+json") == 200
    assert status("*/*", "limit=1&accept=*/*") == 400
    assert status("text/html", "limit=1&accept=application/dicom%2Bjson") == 400


@pytest.mark.requirement("NEG-02")
def test_a_request_without_accept_is_refused(client: httpx.Client) -> None:
    request = client.build_request("GET", "/studies")
    del request.headers["Accept"]

    assert client.send(request).status_code == 406


@pytest.mark.requirement("QP-05", "QP-09", "QIDO-12")
def test_unknown_parameters_and_keys_of_lower_levels_are_ignored(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient))

    assert len(search(client, f"/studies?PatientID={patient}&unknown=1&Modality=XX&SOPClassUID=1.2.3")) == 1


@pytest.mark.requirement("QIDO-18", "QIDO-23", "SRCH-03", "SRCH-22")
def test_a_private_attribute_is_returned_with_its_creator(client: httpx.Client) -> None:
    dataset = make_dataset()
    block = dataset.private_block(0x0023, "AcmeCompany", create=True)
    block.add_new(0x02, "LO", "secret")
    store_all(client, dataset)
    path = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances"

    (instance,) = search(client, f"{path}?00230010=AcmeCompany&includefield=00231002")

    assert values(instance, "00231002") == ["secret"]
    assert values(instance, "00230010") == ["AcmeCompany"]
