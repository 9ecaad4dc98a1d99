"""Create, Retrieve, Update, Change State and Request Cancellation over HTTP (PS3.18 11.4 to 11.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

import servers
from dicomweb import parts_of
from hilum.dicom.xml import json_to_xml
from hilum.dicom.xml_reading import xml_to_json
from workitems import (
    HEADERS,
    PERFORMED,
    UPS_PUSH,
    Members,
    change_state,
    claim,
    code,
    complete,
    create,
    element,
    new_uid,
    retrieve,
    state_of,
    update,
    warning,
    workitem,
)

MODIFIED = "The Workitem was created with modifications."
INCONSISTENT = "The submitted request is inconsistent with the state of the UPS Instance."
NOT_CLAIMED = "The target URI did not reference a claimed Workitem."
NOT_UPDATABLE = "The submitted request is inconsistent with the current state of the Workitem."


@pytest.fixture
def client(server: servers.Server) -> Iterator[httpx.Client]:
    with server.client(**HEADERS) as client:
        yield client


def post(client: httpx.Client, members: Members, query: str = "") -> httpx.Response:
    return client.post(f"/workitems{query}", content=json.dumps([members]))


@pytest.mark.requirement("STAT-02")
@pytest.mark.requirement("UPS-01", "UPS-12", "UPS-20", "UPS-21", "UPS-24", "UPS-30", "UPSS-01", "UPSA-12", "UPSA-13")
@pytest.mark.parametrize("form", ["?workitem={}", "?{}"])
def test_a_workitem_is_created_under_the_uid_of_the_query(client: httpx.Client, form: str) -> None:
    uid = new_uid()

    response = post(client, workitem(), form.format(uid))

    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["location"] == f"{client.base_url}workitems/{uid}"
    assert "warning" not in response.headers
    members = retrieve(client, uid)
    assert members["00080016"] == element("UI", UPS_PUSH)
    assert members["00080018"] == element("UI", uid)
    assert members["00741000"] == element("CS", "SCHEDULED")
    assert members["00404010"]["vr"] == "DT"
    assert list(members) == sorted(members)


@pytest.mark.requirement("UPS-13", "UPSX-02")
def test_the_uid_may_stand_in_the_payload_or_be_left_to_the_server(client: httpx.Client) -> None:
    uid = new_uid()

    named = client.post("/workitems", content=json.dumps(workitem(t00080018=element("UI", uid))))
    assigned = post(client, workitem())

    assert named.headers["location"].endswith(f"/workitems/{uid}")
    assert client.get(assigned.headers["location"]).status_code == 200


@pytest.mark.requirement("UPS-14", "UPS-15")
def test_two_different_uids_are_refused_and_command_elements_passed_over(client: httpx.Client) -> None:
    uid = new_uid()

    refused = post(client, workitem(t00080018=element("UI", new_uid())), f"?workitem={uid}")
    taken = post(client, workitem(t00001000=element("UI", new_uid())), f"?workitem={uid}")

    assert (refused.status_code, taken.status_code) == (400, 201)
    assert "00001000" not in retrieve(client, uid)


@pytest.mark.requirement("UPS-23", "UPSS-01")
def test_a_uid_is_taken_once(client: httpx.Client) -> None:
    uid = create(client)

    again = post(client, workitem(t00741202=element("LO", "other")), f"?workitem={uid}")

    assert again.status_code == 409
    assert retrieve(client, uid)["00741202"] == element("LO", "AI")


REQUIRED = ["00741000", "00741200", "00741204", "00404005", "00404041"]


@pytest.mark.requirement("UPS-16", "UPS-17", "UPSA-20", "UPSA-22", "UPSA-31", "UPSA-36", "UPSA-60")
@pytest.mark.parametrize("tag", REQUIRED)
def test_an_attribute_of_type_1_must_be_there_with_a_value(client: httpx.Client, tag: str) -> None:
    vr = workitem()[tag]["vr"]
    uid = new_uid()

    missing = post(client, workitem(**{f"t{tag}": None}), f"?workitem={uid}")
    empty = post(client, workitem(**{f"t{tag}": element(vr)}), f"?workitem={uid}")

    assert (missing.status_code, empty.status_code) == (400, 400)
    assert client.get(f"/workitems/{uid}").status_code == 404


def without(members: Members, tag: str) -> Members:
    return {other: members[other] for other in members if other != tag}


WRONG_AT_CREATION: dict[str, Members] = {
    "a state that only performers bring about": {"00741000": element("CS", "IN PROGRESS")},
    "a Transaction UID": {"00081195": element("UI", "1.2.3")},
    "progress": {"00741002": element("SQ", {"00741004": element("DS", 5)})},
    "a performed procedure": PERFORMED,
    "a priority that there is not": {"00741200": element("CS", "URGENT")},
    "a readiness that there is not": {"00404041": element("CS", "MAYBE")},
    "a code without a meaning": {"00404018": element("SQ", without(code("A"), "00080104"))},
    "a code without a scheme": {"00404018": element("SQ", without(code("A"), "00080102"))},
    "a code without a value": {"00404018": element("SQ", {"00080104": element("LO", "B")})},
    "a performer without a code": {
        "00404034": element("SQ", {"00404037": element("PN", {"Alphabetic": "A"}), "00404036": element("LO", "B")})
    },
    "a request without its study": {"0040A370": element("SQ", {"00080050": element("SH", "A")})},
    "other patient IDs without the ID": {"00101002": element("SQ", {"00100021": element("LO", "A")})},
    "a date and time that is none": {"00404005": element("DT", "20241301")},
    "a UID that is none": {"00080018": element("UI", "1..2")},
    "bulk data": {"00741202": {"vr": "LO", "BulkDataURI": "http://127.0.0.1/"}},
    "file meta": {"00020010": element("UI", "1.2")},
    "a value of another kind": {"00741202": element("LO", 5)},
    "a vr of another kind": {"00741202": element("FD", 5)},
    "an empty replaced step": {"00741224": element("SQ")},
    "no attribute": {"0074120": element("LO", "A")},
    "an unknown member": {"00741202": {"vr": "LO", "value": ["A"]}},
}


@pytest.mark.requirement(
    "UPS-16",
    "UPS-17",
    "UPS-18",
    "UPSX-01",
    "UPSA-10",
    "UPSA-29",
    "UPSA-30",
    "UPSA-44",
    "UPSA-49",
    "UPSA-57",
    "UPSA-61",
    "UPSA-70",
    "UPSA-93",
)
@pytest.mark.parametrize("wrong", WRONG_AT_CREATION.values(), ids=WRONG_AT_CREATION)
def test_what_a_new_workitem_may_not_say_is_refused(client: httpx.Client, wrong: Members) -> None:
    uid = new_uid()

    response = post(client, {**workitem(), **wrong}, f"?workitem={uid}")

    assert response.status_code == 400
    assert client.get(f"/workitems/{uid}").status_code == 404


TYPE_2 = [
    "00741202", "00741210", "00404025", "00404026", "00404027", "00404018", "00400400", "00404021", "00100010",
    "00100020", "00100021", "00100024", "00101002", "00100030", "00100040", "00380010", "00380014", "00081080",
    "00081084", "0040A370",
]  # fmt: skip


@pytest.mark.requirement(
    "UPS-19",
    "UPS-22",
    "UPSA-24",
    "UPSA-25",
    "UPSA-26",
    "UPSA-27",
    "UPSA-34",
    "UPSA-35",
    "UPSA-37",
    "UPSA-40",
    "UPSA-41",
    "UPSA-42",
    "UPSA-43",
    "UPSA-45",
    "UPSA-46",
    "UPSA-47",
    "UPSA-48",
)
@pytest.mark.parametrize("tag", TYPE_2)
def test_an_attribute_of_type_2_is_added_with_a_warning(client: httpx.Client, tag: str) -> None:
    uid = new_uid()

    response = post(client, workitem(**{f"t{tag}": None}), f"?workitem={uid}")

    assert (response.status_code, warning(response)) == (201, MODIFIED)
    assert tag in retrieve(client, uid)


@pytest.mark.requirement("UPS-19", "UPSA-50", "UPSA-51", "UPSA-52", "UPSA-53", "UPSA-54", "UPSA-55")
def test_what_a_request_lacks_is_added_inside_its_sequence(client: httpx.Client) -> None:
    uid = create(client, t0040A370=element("SQ", {"0020000D": element("UI", "1.2.3")}))

    (item,) = retrieve(client, uid)["0040A370"]["Value"]

    assert set(item) >= {"0020000D", "00080050", "00080051", "00400026", "00400027", "00401001", "00321060", "00321064"}


@pytest.mark.requirement("UPS-20", "UPS-22", "UPSA-23", "UPSA-82", "UPSS-21", "IHE-AIW-06")
def test_a_missing_worklist_label_is_filled(client: httpx.Client) -> None:
    uid = new_uid()

    response = post(client, workitem(t00741202=element("LO")), f"?workitem={uid}")

    assert warning(response) == MODIFIED
    assert retrieve(client, uid)["00741202"] == element("LO", "Worklist")


@pytest.mark.requirement("IHE-AIW-07", "UPSA-38", "UPSA-39", "UPSA-58", "UPSA-82")
def test_inputs_destinations_and_private_attributes_are_kept_as_they_are(client: httpx.Client) -> None:
    inputs = element(
        "SQ",
        {
            "00081199": element("SQ", {"00081150": element("UI", "1.2"), "00081155": element("UI", "1.3")}),
            "0020000D": element("UI", "1.4"),
            "0020000E": element("UI", "1.5"),
            "0040E020": element("CS", "DICOM"),
            "0040E021": element("SQ", {"00080054": element("AE", "STORE")}),
            "0040E025": element("SQ", {"00081190": element("UR", "http://127.0.0.1/studies/1.4")}),
        },
    )
    destinations = element("SQ", {"00404072": element("SQ", {"00404073": element("UR", "http://127.0.0.1/studies")})})
    private = {"t00310010": element("LO", "HILUM TEST"), "t00311001": {"vr": "UN", "InlineBinary": "AAEC"}}

    uid = create(client, t00404021=inputs, t00404070=destinations, t001021C0=element("US", 4), **private)

    members = retrieve(client, uid)
    assert (members["00404021"], members["00404070"]) == (inputs, destinations)
    assert members["00311001"] == private["t00311001"]
    assert members["001021C0"] == element("US", 4)


@pytest.mark.requirement("UPSX-05", "UPSX-04")
def test_other_media_types_are_refused(client: httpx.Client) -> None:
    body = json.dumps([workitem()])

    for content_type in ("text/plain", "application/dicom", "", "multipart/form-data"):
        response = client.post("/workitems", content=body, headers={"Content-Type": content_type})
        assert response.status_code == 415
    uid = create(client)
    assert client.get(f"/workitems/{uid}", headers={"Accept": "image/png"}).status_code == 406
    assert client.get(f"/workitems/{uid}?accept=application/dicom%2Bjson").status_code == 200


HOSTILE = {
    "no JSON": b"<workitem/>",
    "no object": b'["a"]',
    "two workitems": json.dumps([workitem(), workitem()]).encode(),
    "none": b"[]",
    "a number": b"5",
    "deep arrays": b"[" * 100_000,
    "deep sequences": b'[{"00404021":{"vr":"SQ","Value":' * 200 + b"[]" + b"}}]" * 200,
    "the same attribute twice": b'[{"0074000a":{"vr":"LO"},"0074000A":{"vr":"LO"}}]',
    "a lone surrogate": rb'[{"00741202":{"vr":"LO","Value":["\ud800"]}}]',
    "a NUL": rb'[{"00741202":{"vr":"LO","Value":["a\u0000b"]}}]',
    "not a number": b'[{"00741004":{"vr":"DS","Value":[NaN]}}]',
    "no base64": b'[{"00311001":{"vr":"UN","InlineBinary":"***"}}]',
    "empty": b"",
}  # fmt: skip


@pytest.mark.requirement("UPS-16", "UPSX-02")
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_payloads_are_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/workitems", content=body).status_code == 400


def test_a_huge_payload_is_refused(client: httpx.Client) -> None:
    huge = json.dumps([workitem(t00400400=element("LT", "x" * 5_000_000))])

    assert client.post("/workitems", content=huge).status_code == 413
    uid = create(client)
    for tag in ("00400400", "00741204"):
        update(client, uid, {tag: element(workitem()[tag]["vr"], "x")})
    grown = [
        update(client, uid, {f"0031{n:04X}": element("UT", "x" * 900_000)}).status_code for n in range(0x1001, 0x1007)
    ]
    assert grown[:3] == [200, 200, 200]
    assert grown[-1] == 413


@pytest.mark.requirement("UPS-02", "UPS-32", "UPS-34", "UPS-70", "UPSS-02", "UPSS-10")
def test_what_does_not_exist_is_not_found_and_what_is_no_uid_is_refused(client: httpx.Client) -> None:
    uid = new_uid()

    assert client.get(f"/workitems/{uid}").status_code == 404
    assert update(client, uid, {"00741202": element("LO", "A")}).status_code == 404
    assert change_state(client, uid, "IN PROGRESS", "1.2.3").status_code == 404
    assert change_state(client, uid, "IN PROGRESS", None).status_code == 404
    assert client.post(f"/workitems/{uid}/cancelrequest", headers={"Content-Type": ""}).status_code in (404, 415)
    assert client.post(f"/workitems/{uid}/cancelrequest").status_code == 404
    assert client.get("/workitems/1..2").status_code == 400
    assert post(client, workitem(), "?workitem=abc").status_code == 400


@pytest.mark.requirement("UPS-34")
def test_a_workitem_is_validated_by_its_tag(client: httpx.Client) -> None:
    uid = create(client)
    first = client.get(f"/workitems/{uid}")

    same = client.get(f"/workitems/{uid}", headers={"If-None-Match": first.headers["etag"]})
    update(client, uid, {"00741202": element("LO", "B")})
    other = client.get(f"/workitems/{uid}", headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, other.status_code) == (304, 200)


@pytest.mark.requirement("UPS-03", "UPS-40", "UPS-47", "UPS-48", "UPSS-10", "UPSA-21")
def test_an_update_replaces_what_it_names_and_nothing_else(client: httpx.Client) -> None:
    uid = create(client, t00404018=element("SQ", code("A"), code("B")))
    before = retrieve(client, uid)

    response = update(client, uid, {"00404018": element("SQ", code("C")), "00404041": element("CS", "UNAVAILABLE")})

    assert (response.status_code, response.content) == (200, b"")
    after = retrieve(client, uid)
    assert after["00404018"] == element("SQ", code("C"))
    assert after["00404010"] != before["00404010"]
    changed = {"00404018", "00404041", "00404010"}
    assert {tag: after[tag] for tag in after if tag not in changed} == {
        tag: before[tag] for tag in before if tag not in changed
    }


@pytest.mark.requirement("UPS-41")
def test_a_repeated_update_changes_nothing(client: httpx.Client) -> None:
    uid = create(client)
    update(client, uid, {"00741202": element("LO", "B")})
    before = retrieve(client, uid)

    assert update(client, uid, {"00741202": element("LO", "B")}).status_code == 200

    assert retrieve(client, uid) == before


NOT_UPDATED = {
    "00741000": element("CS", "COMPLETED"), "00080016": element("UI", UPS_PUSH), "00080018": element("UI", "1.2.3"),
    "00100010": element("PN", {"Alphabetic": "A"}), "00100020": element("LO", "A"), "00100021": element("LO", "A"),
    "00100024": element("SQ"), "00100030": element("DA", "20000101"), "00100040": element("CS", "F"),
    "00380010": element("LO", "A"), "00380014": element("SQ"), "00081080": element("LO", "A"),
    "00081084": element("SQ"), "0040A370": element("SQ"), "00741224": element("SQ", {"00081150": element("UI", "1.2")}),
    "00741200": element("CS"), "00404005": element("DT"), "00741202": element("LO"), "00404041": element("CS", "ODD"),
}  # fmt: skip


@pytest.mark.requirement("UPS-41", "UPS-46", "UPS-51", "UPSA-12", "UPSA-13", "UPSA-40", "UPSA-45", "UPSA-48", "UPSA-57")
@pytest.mark.parametrize("tag", NOT_UPDATED)
def test_what_may_not_be_updated_is_refused_and_nothing_changes(client: httpx.Client, tag: str) -> None:
    uid = create(client)
    before = retrieve(client, uid)

    response = update(client, uid, {"00741204": element("LO", "changed"), tag: NOT_UPDATED[tag]})

    assert (response.status_code, warning(response)) == (400, NOT_UPDATABLE)
    assert retrieve(client, uid) == before


@pytest.mark.requirement("UPS-42", "UPS-43", "UPS-51", "UPSS-11", "UPSS-10")
def test_a_claimed_workitem_is_updated_by_its_performer_alone(client: httpx.Client) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)
    before = retrieve(client, uid)
    label = {"00741202": element("LO", "B")}

    for wrong in (None, new_uid()):
        refused = update(client, uid, label, wrong)
        assert (refused.status_code, warning(refused)) == (400, NOT_CLAIMED)
    twice = update(client, uid, {**label, "00081195": element("UI", new_uid())}, transaction_uid)
    assert (twice.status_code, warning(twice)) == (400, NOT_CLAIMED)
    assert retrieve(client, uid) == before

    for query in ("?transaction-uid={}", "?TransactionUID={}", "?{}"):
        url = f"/workitems/{uid}{query.format(transaction_uid)}"
        assert client.post(url, content=json.dumps([label])).status_code == 200
    in_payload = {"00741202": element("LO", "C"), "00081195": element("UI", transaction_uid)}
    assert update(client, uid, in_payload).status_code == 200
    assert retrieve(client, uid)["00741202"] == element("LO", "C")


@pytest.mark.requirement("UPS-44", "UPS-51")
def test_a_scheduled_workitem_is_updated_without_transaction_uid(client: httpx.Client) -> None:
    uid = create(client)

    response = update(client, uid, {"00741202": element("LO", "B")}, new_uid())

    assert (response.status_code, warning(response)) == (400, NOT_CLAIMED)
    assert retrieve(client, uid)["00741202"] == element("LO", "AI")


@pytest.mark.requirement("UPS-45", "UPS-51", "UPSS-10", "UPSS-11")
@pytest.mark.parametrize("state", ["COMPLETED", "CANCELED"])
def test_an_ended_workitem_is_not_updated(client: httpx.Client, state: str) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)
    end(client, uid, transaction_uid, state)

    response = update(client, uid, {"00741202": element("LO", "B")}, transaction_uid)

    assert (response.status_code, warning(response)) == (400, NOT_UPDATABLE)


@pytest.mark.requirement("UPS-49", "UPS-50", "UPSX-06")
def test_an_update_that_the_server_changes_says_so(client: httpx.Client) -> None:
    uid = create(client)

    own = update(client, uid, {"00404010": element("DT", "19990101"), "00741202": element("LO", "B")})
    dropped = update(client, uid, {"00000002": element("UI", "1.2"), "00741202": element("LO", "C")})

    assert (own.status_code, warning(own)) == (200, "The Workitem was updated with modifications.")
    assert not retrieve(client, uid)["00404010"]["Value"][0].startswith("1999")
    assert (dropped.status_code, warning(dropped)) == (200, "Requested optional Attributes are not supported.")


def end(client: httpx.Client, uid: str, transaction_uid: str, state: str) -> None:
    if state == "COMPLETED":
        complete(client, uid, transaction_uid)
    elif state == "CANCELED":
        assert change_state(client, uid, "CANCELED", transaction_uid).status_code == 200


def bring_to(client: httpx.Client, state: str) -> tuple[str, str]:
    """Return a workitem in that state, and its Transaction UID, or one that nobody uses."""
    uid = create(client)
    if state == "SCHEDULED":
        return uid, new_uid()
    transaction_uid = claim(client, uid)
    end(client, uid, transaction_uid, state)
    return uid, transaction_uid


# (asked for, present): status and Warning with the right Transaction UID (PS3.4 Table CC.1.1-2).
TRANSITIONS = {
    ("IN PROGRESS", "SCHEDULED"): (200, ""),
    ("IN PROGRESS", "IN PROGRESS"): (409, INCONSISTENT),
    ("IN PROGRESS", "COMPLETED"): (409, INCONSISTENT),
    ("IN PROGRESS", "CANCELED"): (409, INCONSISTENT),
    ("SCHEDULED", "SCHEDULED"): (409, INCONSISTENT),
    ("SCHEDULED", "IN PROGRESS"): (409, INCONSISTENT),
    ("SCHEDULED", "COMPLETED"): (409, INCONSISTENT),
    ("SCHEDULED", "CANCELED"): (409, INCONSISTENT),
    ("COMPLETED", "SCHEDULED"): (409, INCONSISTENT),
    ("COMPLETED", "IN PROGRESS"): (409, INCONSISTENT),
    ("COMPLETED", "COMPLETED"): (200, "The UPS is already in the requested state of COMPLETED."),
    ("COMPLETED", "CANCELED"): (409, INCONSISTENT),
    ("CANCELED", "SCHEDULED"): (409, INCONSISTENT),
    ("CANCELED", "IN PROGRESS"): (200, ""),
    ("CANCELED", "COMPLETED"): (409, INCONSISTENT),
    ("CANCELED", "CANCELED"): (200, "The UPS is already in the requested state of CANCELED."),
}


@pytest.mark.requirement(
    "UPS-04",
    "UPS-52",
    "UPS-53",
    "UPS-54",
    "UPS-56",
    "UPS-57",
    "UPS-58",
    "UPS-59",
    "UPSS-02",
    "UPSS-04",
    "UPSS-05",
    "UPSS-07",
    "UPSS-20",
    "UPSS-22",
    "IHE-AIW-02",
)
@pytest.mark.parametrize(("asked", "present"), TRANSITIONS, ids=" from ".join)
def test_a_change_of_state_follows_the_table(client: httpx.Client, asked: str, present: str) -> None:
    uid, transaction_uid = bring_to(client, present)

    response = change_state(client, uid, asked, transaction_uid)

    status, text = TRANSITIONS[asked, present]
    assert (response.status_code, warning(response)) == (status, text)
    assert status != 200 or response.content == b""
    assert state_of(client, uid) == (asked if status == 200 else present)


@pytest.mark.requirement("UPS-56", "UPS-58", "UPSS-03", "UPSS-06", "UPSS-08")
@pytest.mark.parametrize("asked", ["IN PROGRESS", "COMPLETED", "CANCELED"])
@pytest.mark.parametrize("present", ["IN PROGRESS", "COMPLETED", "CANCELED"])
def test_without_the_right_transaction_uid_no_state_changes(client: httpx.Client, asked: str, present: str) -> None:
    uid, _ = bring_to(client, present)

    missing = change_state(client, uid, asked, None)
    wrong = change_state(client, uid, asked, new_uid())

    assert (missing.status_code, warning(missing)) == (400, "The Transaction UID is missing.")
    assert (wrong.status_code, warning(wrong)) == (400, "The Transaction UID is incorrect.")
    assert state_of(client, uid) == present


@pytest.mark.requirement("UPS-54", "UPS-58", "UPSS-03", "UPSS-21")
@pytest.mark.parametrize("state", ["CANCELLED", "DISCONTINUED", "in progress", ""])
def test_a_state_that_there_is_not_is_refused(client: httpx.Client, state: str) -> None:
    uid = create(client)

    response = change_state(client, uid, state, new_uid())

    assert response.status_code == 400
    assert warning(response) == INCONSISTENT
    assert state_of(client, uid) == "SCHEDULED"


@pytest.mark.requirement(
    "UPS-55",
    "UPSA-01",
    "UPSA-71",
    "UPSA-74",
    "UPSA-76",
    "UPSA-78",
    "UPSA-80",
    "UPSA-81",
    "UPSA-90",
    "UPSA-92",
    "IHE-AIW-03",
)
@pytest.mark.parametrize("missing", [None, "00404028", "00404050", "00404019", "00404051", "00404033"])
def test_completion_needs_what_was_performed(client: httpx.Client, missing: str | None) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)
    if missing is not None:
        (item,) = PERFORMED["00741216"]["Value"]
        rest = {tag: item[tag] for tag in item if tag != missing}
        assert update(client, uid, {"00741216": element("SQ", rest)}, transaction_uid).status_code == 200

    response = change_state(client, uid, "COMPLETED", transaction_uid)

    assert (response.status_code, warning(response)) == (409, INCONSISTENT)
    assert state_of(client, uid) == "IN PROGRESS"


@pytest.mark.requirement("UPS-60", "UPS-61", "UPSA-64", "UPSA-66", "UPSA-91")
def test_cancellation_fills_in_when_and_why(client: httpx.Client) -> None:
    uid = create(client)

    assert change_state(client, uid, "CANCELED", claim(client, uid)).status_code == 200

    (progress,) = retrieve(client, uid)["00741002"]["Value"]
    assert progress["00404052"]["vr"] == "DT"
    assert progress["0074100E"]["Value"][0]["00080100"] == element("SH", "110513")


@pytest.mark.requirement(
    "UPS-61", "UPSA-62", "UPSA-63", "UPSA-65", "UPSA-66", "UPSA-72", "UPSA-73", "UPSA-75", "UPSA-77", "UPSA-79"
)
def test_a_reason_that_the_performer_gave_stands(client: httpx.Client) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)
    progress = element(
        "SQ", {"00741004": element("DS", 40), "0074100E": element("SQ", code("WHY")), "00741238": element("LT", "ill")}
    )
    assert update(client, uid, {"00741002": progress}, transaction_uid).status_code == 200

    assert change_state(client, uid, "CANCELED", transaction_uid).status_code == 200

    (kept,) = retrieve(client, uid)["00741002"]["Value"]
    assert kept["0074100E"] == element("SQ", code("WHY"))
    assert kept["00741238"] == element("LT", "ill")


@pytest.mark.requirement("UPS-05", "UPS-63", "UPS-64", "UPS-65", "UPS-66", "UPS-67", "UPS-68", "UPSS-09", "IHE-AIW-08")
@pytest.mark.parametrize(
    ("present", "status", "text", "state"),
    [
        ("SCHEDULED", 202, "", "CANCELED"),
        ("IN PROGRESS", 202, "", "IN PROGRESS"),
        ("COMPLETED", 409, "The UPS is already COMPLETED.", "COMPLETED"),
        ("CANCELED", 202, "The UPS is already in the requested state of CANCELED.", "CANCELED"),
    ],
)
def test_a_request_for_cancellation_is_acknowledged(
    client: httpx.Client, present: str, status: int, text: str, state: str
) -> None:
    uid, _ = bring_to(client, present)
    del client.headers["content-type"]

    response = client.post(f"/workitems/{uid}/cancelrequest")

    assert (response.status_code, warning(response)) == (status, text)
    assert state_of(client, uid) == state


@pytest.mark.requirement("UPS-63", "UPS-66", "UPSX-08")
def test_what_the_request_for_cancellation_says_is_kept(client: httpx.Client) -> None:
    uid = create(client)
    reason = {
        "00741238": element("LT", "patient left"),
        "0074100E": element("SQ", code("LEFT")),
        "0074100A": element("UR", "tel:1"),
        "0074100C": element("LO", "desk"),
    }

    response = client.post(f"/workitems/{uid}/cancelrequest/DESK", content=json.dumps([reason]))

    assert response.status_code == 202
    (progress,) = retrieve(client, uid)["00741002"]["Value"]
    assert progress["00741238"] == reason["00741238"]
    assert progress["0074100E"] == reason["0074100E"]
    assert progress["00741008"]["Value"] == [{"0074100A": reason["0074100A"], "0074100C": reason["0074100C"]}]


@pytest.mark.requirement("UPS-70", "UPSX-05", "UPSX-08")
def test_a_wrong_request_for_cancellation_is_refused(client: httpx.Client) -> None:
    uid = create(client)
    url = f"/workitems/{uid}/cancelrequest"

    assert client.post(url, content=b"{").status_code == 400
    assert client.post(url, content=json.dumps([{"0074100E": element("SQ", {})}])).status_code == 400
    assert client.post(url, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(f"{url}?requester={'A' * 17}").status_code == 400
    assert state_of(client, uid) == "SCHEDULED"


@pytest.mark.requirement("UPS-31", "UPS-73", "UPSE-06")
def test_the_transaction_uid_never_leaves_the_server(client: httpx.Client) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)

    texts = [
        client.get(f"/workitems/{uid}").text,
        client.get(f"/workitems?SOPInstanceUID={uid}&includefield=all").text,
        client.get(f"/workitems?SOPInstanceUID={uid}&includefield=TransactionUID").text,
        client.get(f"/workitems?SOPInstanceUID={uid}&TransactionUID={transaction_uid}").text,
    ]

    assert all(uid in text and transaction_uid not in text for text in texts)


@pytest.mark.requirement("UPSX-08", "IHE-AIW-01")
def test_the_performer_may_be_named_in_the_path(client: httpx.Client) -> None:
    uid = create(client)
    members = {"00741000": element("CS", "IN PROGRESS"), "00081195": element("UI", new_uid())}

    refused = client.put(f"/workitems/{uid}/state/{'A' * 17}", content=json.dumps([members]))
    taken = client.put(f"/workitems/{uid}/state/PERFORMER", content=json.dumps([members]))

    assert (refused.status_code, taken.status_code) == (400, 200)


@pytest.mark.requirement("UPSX-07")
def test_a_refusal_says_in_a_sentence_why(client: httpx.Client) -> None:
    response = client.get(f"/workitems/{new_uid()}", headers={"Accept": "application/json"})

    assert response.json() == {"error": "There is no such workitem on this origin server."}


XML = "application/dicom+xml"
MULTIPART_XML = f'multipart/related; type="{XML}"'


def xml_of(members: Members) -> bytes:
    return json_to_xml(members)


@pytest.mark.requirement("UPSX-01", "UPSX-03", "IHE-AIW-01")
@pytest.mark.parametrize("is_multipart", [True, False])
def test_workitems_travel_in_xml_too(client: httpx.Client, is_multipart: bool) -> None:
    uid = new_uid()
    body, content_type = xml_of(workitem(t00404018=element("SQ", code("A")), t00741204=element("LO", "Ü<&"))), XML
    if is_multipart:
        body = b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + body + b"\r\n--b--\r\n"
        content_type = f"{MULTIPART_XML}; boundary=b"

    created = client.post(f"/workitems?workitem={uid}", content=body, headers={"Content-Type": content_type})
    single = client.get(f"/workitems/{uid}", headers={"Accept": XML})
    several = client.get(f"/workitems?SOPInstanceUID={uid}", headers={"Accept": MULTIPART_XML})

    assert created.status_code == 201
    assert retrieve(client, uid)["00404018"] == element("SQ", code("A"))
    assert xml_to_json(single.content) == retrieve(client, uid)
    assert single.headers["content-type"] == XML
    (part,) = parts_of(several)
    assert part.headers["content-location"] == f"{client.base_url}workitems/{uid}"
    assert xml_to_json(part.content)["00741204"] == element("LO", "Ü<&")
    assert client.get(f"/workitems?SOPInstanceUID={uid}", headers={"Accept": XML}).status_code == 406


@pytest.mark.requirement("UPSX-03")
def test_a_claim_in_xml_is_a_claim(client: httpx.Client) -> None:
    uid = create(client)
    members = {"00081195": element("UI", new_uid()), "00741000": element("CS", "IN PROGRESS")}

    response = client.put(f"/workitems/{uid}/state", content=xml_of(members), headers={"Content-Type": XML})

    assert (response.status_code, state_of(client, uid)) == (200, "IN PROGRESS")


_BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]>'
HOSTILE_XML = {
    "entities": _BOMB + b"<NativeDicomModel>&y;</NativeDicomModel>",
    "a file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><NativeDicomModel>&x;</NativeDicomModel>',
    "another document": b"<html/>",
    "no document": b"{}",
    "depth": b"<NativeDicomModel>" + b'<DicomAttribute tag="00404021" vr="SQ"><Item number="1">' * 200,
}  # fmt: skip


@pytest.mark.requirement("UPSX-03", "UPS-16")
@pytest.mark.parametrize("document", HOSTILE_XML.values(), ids=HOSTILE_XML)
def test_hostile_xml_is_refused(client: httpx.Client, document: bytes) -> None:
    assert client.post("/workitems", content=document, headers={"Content-Type": XML}).status_code == 400


@pytest.mark.requirement("UPSX-03")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n<NativeDicomModel/>",
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n\r\n<NativeDicomModel/>\r\n--b\r\n\r\n<NativeDicomModel/>\r\n--b--\r\n",
    ],
)
def test_multipart_payloads_without_one_workitem_are_refused(client: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": f"{MULTIPART_XML}; boundary=b"}

    assert client.post("/workitems", content=body, headers=headers).status_code == 400
