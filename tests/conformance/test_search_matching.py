from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import servers
from dicomweb import JSON, store, values
from samples import PREFIX, encode, make_dataset, make_series


@pytest.fixture(scope="module")
def postgresql(postgresql_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One server over PostgreSQL."""
    data = Path(tmp_path_factory.mktemp("postgresql")) / "data"
    with servers.running(data, settings={"INDEX_URL": postgresql_template}) as running:
        yield running


@pytest.fixture(params=["server", "postgresql"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    server: servers.Server = request.getfixturevalue(request.param)
    with server.client(**JSON) as client:
        yield client


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One server that answers two results at most, and refuses what has more."""
    data = Path(tmp_path_factory.mktemp("small")) / "data"
    with servers.running(data, settings={"SEARCH__MAX_RESULTS": "2", "SEARCH__OVER_LIMIT": "refuse"}) as running:
        yield running


def patient_id() -> str:
    """Return a Patient ID that no other test uses."""
    return generate_uid(PREFIX)[-32:]


def store_all(client: httpx.Client, *datasets: Dataset) -> None:
    assert store(client, *(encode(dataset) for dataset in datasets)).status_code == 200


def search(client: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    response = client.get(path, params=parameters or None)
    assert response.status_code in (200, 204), response.text
    assert "warning" not in response.headers
    return response.json() if response.content else []


@pytest.mark.requirement("SRCH-23", "SRCH-24")
@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("Mueller^Joerg", True),
        ("MULLER", True),
        ("Mülller^Jorg", True),
        ("Jörg Müller", True),
        ("Мюллер", True),
        ("M*^Jörg", True),
        ("Müller^Jens", False),
        ("Möller^Jörg", True),
        ("Miller^Georg", False),
        ("Mahler", False),
    ],
)
def test_names_match_by_close_words(client: httpx.Client, name: str, matches: bool) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, PatientName="Müller^Jörg"))

    found = search(client, "/studies", PatientID=patient, PatientName=name, fuzzymatching="true")

    assert bool(found) is matches


@pytest.mark.requirement("SRCH-24")
def test_fuzzy_matching_looks_into_every_component_group(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"))

    for name in ("Yamda", "山田^太郎", "ヤマダ", "たろう^Yamada"):
        assert search(client, "/series", PatientID=patient, PatientName=name, fuzzymatching="true")
    assert search(client, "/series", PatientID=patient, PatientName="山口", fuzzymatching="true") == []


@pytest.mark.requirement("SRCH-24")
def test_fuzzy_matching_leaves_other_attributes_alone(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, make_dataset(PatientID=patient, StudyDescription="Thorax"))

    assert search(client, "/studies", PatientID=patient, StudyDescription="Thorx", fuzzymatching="true") == []


@pytest.mark.requirement("SRCH-30", "SRCH-32")
def test_two_quotes_match_what_has_no_value(client: httpx.Client) -> None:
    patient = patient_id()
    full = make_dataset(PatientID=patient, AccessionNumber="A1", StudyDescription="Chest", SeriesDescription="Axial")
    empty = make_dataset(PatientID=patient, AccessionNumber="")
    store_all(client, full, empty)

    for path, keyword in (
        ("/studies", "AccessionNumber"),
        ("/studies", "StudyDescription"),
        ("/series", "SeriesDescription"),
        ("/instances", "RequestAttributesSequence.ScheduledProcedureStepID"),
    ):
        found = search(client, path, PatientID=patient, emptyvaluematching="true", **{keyword: '""'})
        assert [empty.StudyInstanceUID] in [values(item, "0020000D") for item in found]
        assert len(found) == (2 if "." in keyword else 1)


@pytest.mark.requirement("SRCH-33", "SRCH-35", "SRCH-02")
@pytest.mark.parametrize("separator", [",", "%5C"])
def test_one_of_several_values_is_enough(client: httpx.Client, separator: str) -> None:
    patient = patient_id()
    store_all(client, *(make_dataset(PatientID=patient, Modality=one, StudyID=one) for one in ("CT", "MR", "US")))
    several = f"/studies?PatientID={patient}&multiplevaluematching=true"

    assert len(search(client, f"{several}&ModalitiesInStudy=CT{separator}MR")) == 2
    assert len(search(client, f"{several}&StudyID=CT{separator}U*{separator}XA")) == 2
    refused = client.get(f"/studies?PatientID={patient}&ModalitiesInStudy=CT{separator}MR")
    assert refused.status_code == 400
    assert "multiplevaluematching" in refused.text


@pytest.mark.requirement("SRCH-46", "QP-12")
def test_all_matches_are_counted_on_request(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(client, *(make_dataset(PatientID=patient) for _ in range(3)))
    path = f"/studies?PatientID={patient}&totalcount=true"

    for page in ("", "&limit=2", "&limit=1&offset=2", "&offset=9", "&limit=0"):
        assert client.get(path + page).headers["x-total-count"] == "3"
    assert "x-total-count" not in client.get(f"/studies?PatientID={patient}&limit=1").headers
    of_page = client.get(path, headers={"Origin": "http://localhost:3000"})
    assert "X-Total-Count" in of_page.headers["access-control-expose-headers"]


@pytest.mark.requirement("SRCH-36")
@pytest.mark.parametrize("name", ["fuzzymatching", "emptyvaluematching", "multiplevaluematching", "totalcount"])
@pytest.mark.parametrize("value", ["yes", "TRUE", "", "1"])
def test_switches_are_true_or_false(client: httpx.Client, name: str, value: str) -> None:
    assert client.get("/studies", params={name: value}).status_code == 400


@pytest.mark.requirement("QIDO-17", "QIDO-44")
def test_a_search_with_more_results_than_fit_is_refused_where_so_set(small: servers.Server) -> None:
    with small.client(**JSON) as client:
        store_all(client, *make_series(3))
        refused = client.get("/instances")
        page = client.get("/instances?limit=2")
        cut = client.get("/instances?limit=3")

    assert refused.status_code == cut.status_code == 413
    assert "3 results" in refused.text
    assert page.status_code == 200
    assert page.headers["warning"].endswith("There are 1 additional results that can be requested")


@pytest.mark.requirement("QIDO-28")
def test_the_available_transfer_syntax_is_told(client: httpx.Client) -> None:
    dataset = make_dataset()
    store_all(client, dataset)

    (found,) = search(
        client,
        f"/studies/{dataset.StudyInstanceUID}/instances",
        includefield="AvailableTransferSyntaxUID,InstanceAvailability",
    )

    assert values(found, "00083002") == ["1.2.840.10008.1.2.1"]
    assert values(found, "00080056") == ["ONLINE"]


@pytest.mark.requirement("SRCH-03", "QIDO-13")
def test_private_attributes_match_by_their_creator(client: httpx.Client) -> None:
    dataset = make_dataset()
    dataset.private_block(0x0023, "AcmeCompany", create=True).add_new(0x02, "LO", "secret")
    store_all(client, dataset)
    path = f"/studies/{dataset.StudyInstanceUID}/instances"

    assert len(search(client, f"{path}?00230010=AcmeCompany&00231002=secret")) == 1
    assert search(client, f"{path}?00230010=AcmeCompany&00231002=other") == []
    assert search(client, f"{path}?00230010=Other&00231002=secret") == []
    assert client.get(f"{path}?00231002=secret").status_code == 400


@pytest.mark.requirement("SRCH-10")
def test_dates_are_read_in_the_time_zone_of_the_request(client: httpx.Client) -> None:
    patient = patient_id()
    store_all(
        client,
        make_dataset(PatientID=patient, StudyDate="20240102", StudyTime="0030", TimezoneOffsetFromUTC="+0100"),
    )
    path = f"/studies?PatientID={patient}&StudyDate="

    assert len(search(client, f"{path}20240102&TimezoneOffsetFromUTC=%2B0100")) == 1
    assert len(search(client, f"{path}20240101&TimezoneOffsetFromUTC=%2B0000")) == 1
    assert search(client, f"{path}20240102&TimezoneOffsetFromUTC=%2B0000") == []
    assert client.get(f"{path}20240102&TimezoneOffsetFromUTC=CET").status_code == 400
    alone = client.get(f"/studies?PatientID={patient}&StudyTime=00&TimezoneOffsetFromUTC=%2B0000")
    assert alone.headers["warning"].endswith("TimezoneOffsetFromUTC has not been applied to: StudyTime.")


@pytest.mark.requirement("SRCH-11", "QIDO-01", "QIDO-02", "QIDO-05")
def test_each_level_is_searched_inside_the_one_above(client: httpx.Client) -> None:
    patient = patient_id()
    first = make_series(2, PatientID=patient)
    store_all(client, *first, *make_series(3, PatientID=patient))

    studies = search(client, f"/studies?PatientID={patient}")
    (uid,) = (item for item in (values(study, "0020000D")[0] for study in studies) if item == first[0].StudyInstanceUID)
    (series,) = search(client, f"/studies/{uid}/series")
    path = f"/studies/{uid}/series/{values(series, '0020000E')[0]}/instances"

    assert len(studies) == 2
    assert {values(item, "00080018")[0] for item in search(client, path)} == {one.SOPInstanceUID for one in first}
    assert len(search(client, f"{path}?InstanceNumber=2")) == 1


@pytest.mark.requirement("QP-08")
def test_values_that_do_not_fit_their_attribute_are_refused(client: httpx.Client) -> None:
    for query in ("PatientID=" + "x" * 65, "PatientID=a%00", "StudyInstanceUID=1.2%00", "PatientAge=45"):
        assert client.get(f"/studies?{query}").status_code == 400
