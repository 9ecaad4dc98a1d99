"""Search for workitems over HTTP (PS3.18 11.9)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

import servers
from workitems import HEADERS, claim, code, create, element, new_uid, search, uids, update, workitem


@pytest.fixture
def client(server: servers.Server) -> Iterator[httpx.Client]:
    with server.client(**HEADERS) as client:
        yield client


@pytest.fixture
def label() -> str:
    """Return a Worklist Label that no other test uses."""
    return new_uid()[-32:]


def create_all(client: httpx.Client, label: str) -> dict[str, str]:
    """Create workitems that differ in what searches match; return their UIDs by name."""
    differences = {
        "early": {"t00404005": element("DT", "20240101080000")},
        "late": {"t00404005": element("DT", "20240301080000"), "t00741200": element("CS", "HIGH")},
        "unready": {"t00404041": element("CS", "INCOMPLETE")},
        "liver": {"t00404018": element("SQ", code("LIVER", "99A"), code("HEAD", "99B"))},
        "station": {"t00404025": element("SQ", code("STATION7"))},
        "patient": {"t00100020": element("LO", "P-77"), "t00100010": element("PN", {"Alphabetic": "Müller^Jo"})},
        "request": {
            "t0040A370": element("SQ", {"0020000D": element("UI", "1.2.3"), "00080050": element("SH", "ACC7")})
        },
        "input": {
            "t00404021": element("SQ", {"0020000D": element("UI", "1.2.77"), "0020000E": element("UI", "1.2.78")})
        },
        "performer": {
            "t00404034": element(
                "SQ",
                {
                    "00404009": element("SQ", code("DRX")),
                    "00404037": element("PN", {"Alphabetic": "X"}),
                    "00404036": element("LO", "Org"),
                },
            )
        },
    }
    return {name: create(client, t00741202=element("LO", label), **one) for name, one in differences.items()}


@pytest.mark.requirement(
    "UPS-06",
    "UPS-71",
    "UPS-77",
    "UPSA-94",
    "IHE-AIW-05",
    "UPSA-13",
    "UPSA-20",
    "UPSA-25",
    "UPSA-31",
    "UPSA-34",
    "UPSA-36",
    "UPSA-40",
    "UPSA-48",
    "UPSA-50",
)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ScheduledProcedureStepPriority=HIGH", ["late"]),
        ("InputReadinessState=INCOMPLETE", ["unready"]),
        ("ScheduledProcedureStepStartDateTime=20240101-20240201", ["early"]),
        ("ScheduledProcedureStepStartDateTime=20240301-", ["late"]),
        ("00404005=-20240101", ["early"]),
        ("ScheduledWorkitemCodeSequence.CodeValue=LIVER", ["liver"]),
        ("00404018.00080100=LIVER&00404018.00080102=99A", ["liver"]),
        ("ScheduledWorkitemCodeSequence.CodeValue=LIVER&ScheduledWorkitemCodeSequence.CodingSchemeDesignator=99B", []),
        ("ScheduledStationNameCodeSequence.CodeValue=STATION*", ["station"]),
        ("PatientID=P-77", ["patient"]),
        ("PatientName=muller*", ["patient"]),
        ("ReferencedRequestSequence.AccessionNumber=ACC7", ["request"]),
        ("InputInformationSequence.StudyInstanceUID=1.2.77", ["input"]),
        ("ScheduledHumanPerformersSequence.HumanPerformerCodeSequence.CodeValue=DRX", ["performer"]),
        ("ScheduledHumanPerformersSequence.HumanPerformerOrganization=Or?", ["performer"]),
        ("ProcedureStepState=COMPLETED", []),
        ("PatientID=P-77&InputReadinessState=READY", ["patient"]),
        ("PatientID=P-77&InputReadinessState=INCOMPLETE", []),
    ],
)
def test_workitems_are_found_by_their_attributes(
    client: httpx.Client, label: str, query: str, expected: list[str]
) -> None:
    created = create_all(client, label)

    found = uids(search(client, f"WorklistLabel={label}&{query}"))

    assert sorted(found) == sorted(created[name] for name in expected)


@pytest.mark.requirement("UPS-71", "UPS-04")
def test_a_changed_workitem_is_found_by_what_it_has_become(client: httpx.Client, label: str) -> None:
    uid = create(client, t00741202=element("LO", label))
    transaction_uid = claim(client, uid)
    update(client, uid, {"00404018": element("SQ", code("NEW"))}, transaction_uid)

    assert uids(search(client, f"WorklistLabel={label}&ProcedureStepState=IN+PROGRESS")) == [uid]
    assert search(client, f"WorklistLabel={label}&ProcedureStepState=SCHEDULED") == []
    assert uids(search(client, f"WorklistLabel={label}&ScheduledWorkitemCodeSequence.CodeValue=NEW")) == [uid]
    by_list = f"SOPInstanceUID={new_uid()},{uid}"
    assert uids(search(client, by_list)) == [uid]


RETURNED = {
    "00080016", "00080018", "00741200", "00404010", "00741204", "00741202", "00741210", "00404025", "00404026",
    "00404027", "00404005", "00404018", "00404041", "00404021", "00100010", "00100020", "00100021", "00100024",
    "00101002", "00100030", "00100040", "00380010", "00380014", "00081080", "00081084", "0040A370", "00741000",
    "00741002",
}  # fmt: skip


@pytest.mark.requirement("UPS-72", "UPSA-11", "UPSA-23", "UPSA-33", "UPSA-35", "UPSA-39", "UPSA-43", "UPSA-58")
def test_each_match_has_what_worklists_show(client: httpx.Client, label: str) -> None:
    create(client, t00741202=element("LO", label), t00080005=element("CS", "ISO_IR 192"), t001021C0=element("US", 4))

    (found,) = search(client, f"WorklistLabel={label}")

    assert set(found) >= RETURNED | {"00080005", "001021C0"}
    assert not {"00081195", "00741216"} & set(found)
    assert list(found) == sorted(found)


@pytest.mark.requirement("UPS-72", "UPSA-37")
def test_further_attributes_come_when_they_are_asked_for(client: httpx.Client, label: str) -> None:
    create(client, t00741202=element("LO", label))

    (some,) = search(
        client, f"WorklistLabel={label}&includefield=UnifiedProcedureStepPerformedProcedureSequence,StudyID"
    )
    (everything,) = search(client, f"WorklistLabel={label}&includefield=all")

    assert some["00741216"] == element("SQ")
    assert some.get("00200010", element("SH")) == element("SH")
    assert set(workitem()) - {"00081195"} <= set(everything)


@pytest.mark.requirement("UPS-74", "UPS-76", "UPS-75")
def test_pages_follow_each_other_in_a_total_order(client: httpx.Client, label: str) -> None:
    created = [create(client, t00741202=element("LO", label)) for _ in range(5)]

    first = client.get(f"/workitems?WorklistLabel={label}&limit=2")
    second = search(client, f"WorklistLabel={label}&limit=2&offset=2")
    third = search(client, f"WorklistLabel={label}&limit=2&offset=4")

    assert first.headers["warning"].endswith(": There are 3 additional results that can be requested")
    assert uids(first.json()) + uids(second) + uids(third) == sorted(created)
    assert client.get(f"/workitems?WorklistLabel={label}&offset=5").status_code == 204
    assert client.get("/workitems?limit=1", headers={"Cache-Control": "no-cache"}).status_code == 200


@pytest.mark.requirement("UPS-73")
def test_what_is_no_matching_key_is_passed_over_with_a_warning(client: httpx.Client, label: str) -> None:
    uid = create(client, t00741202=element("LO", label))
    query = f"WorklistLabel={label}&TransactionUID=1.2.3&00741002.00741006=x"

    response = client.get(f"/workitems?{query}")

    assert uids(response.json()) == [uid]
    assert "TransactionUID" in response.headers["warning"]


INJECTIONS = ["' OR 1=1 --", "%", "_", "[a-z]*", '"; DROP TABLE workitem; --', "\\", "AI' UNION SELECT 1", "😀*"]


@pytest.mark.requirement("UPS-71")
@pytest.mark.parametrize("text", INJECTIONS)
def test_text_that_means_something_to_a_database_is_only_text(client: httpx.Client, label: str, text: str) -> None:
    create(client, t00741202=element("LO", label))

    query = f"WorklistLabel={label}&ProcedureStepLabel={quote(text, safe='')}&PatientID={quote(text, safe='')}"
    response = client.get(f"/workitems?{query}")

    assert response.status_code in (204, 400)
    assert len(search(client, f"WorklistLabel={label}")) == 1


@pytest.mark.requirement("UPS-74", "UPS-71")
@pytest.mark.parametrize(
    "query",
    [
        "Nonsense=1",
        "limit=-1",
        "ScheduledWorkitemCodeSequence=1",
        "00404005=yesterday",
        "PatientID=a&PatientID=b",
        "a%FF=1&0074=2",
    ],
)
def test_a_wrong_query_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/workitems?{query}").status_code == 400
