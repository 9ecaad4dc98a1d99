from __future__ import annotations

import orjson

from hilum.dicom.searching.query import Level
from hilum.store.rows.answers import (
    JOINT,
    RETRIEVE_URL,
    cut,
    in_order,
    returned,
    selected,
    series_pieces,
    split_item,
    study_pieces,
    without_bulk,
)


def test_pieces_of_a_study_stand_on_either_side_of_its_retrieve_url() -> None:
    head, tail = study_pieces({"00100020": {"vr": "LO", "Value": ["P"]}}, ["MR", "", "CT", "MR"])

    before, after = orjson.loads(f"{{{head}}}"), orjson.loads(f"{{{tail}}}")
    assert max(before) < "00081190" < min(after)
    assert before["00080061"] == {"vr": "CS", "Value": ["CT", "MR"]}
    assert after["00100020"] == {"vr": "LO", "Value": ["P"]}


def test_pieces_of_a_series_leave_room_for_its_count() -> None:
    head, tail, end = series_pieces({"00400244": {"vr": "DA", "Value": ["20200101"]}})

    assert [sorted(orjson.loads(f"{{{piece}}}")) for piece in (head, tail, end)] == [
        ["00080060"],
        ["0020000E", "00200011"],
        ["00400244"],
    ]


def test_a_piece_is_cut_where_members_meet_and_nowhere_else() -> None:
    text = {"vr": "LT", "Value": ['a",\n"b', "\\,\n", JOINT]}
    members = selected({"00104000": text, "00100020": text}, ["00100020", "00104000"], lambda _tag: "LT")

    assert cut(JOINT.join(members)) == members
    assert cut("") == []


def test_the_first_group_has_its_say_on_a_repeated_attribute() -> None:
    assert in_order(['"00080201":1'], ['"00100010":2', '"00080201":3'], []) == ['"00080201":1', '"00100010":2']


def test_the_base_url_goes_into_the_retrieve_url_of_the_result_itself() -> None:
    nested = '"00081115":{"vr":"SQ","Value":[{' + RETRIEVE_URL + '"]}}]}'

    before, after = split_item([nested, RETRIEVE_URL + '/studies/1"]}', '"00100010":{"vr":"PN"}'])

    found = orjson.loads(before + "http://h" + after)
    assert found["00081190"]["Value"] == ["http://h/studies/1"]
    assert found["00081115"]["Value"][0]["00081190"]["Value"] == [""]


def test_conditional_attributes_appear_only_if_known() -> None:
    names = [one[1:9] for one in returned(Level.STUDY, {}, {})]

    assert "00080201" not in names
    assert "00100010" in names


def test_bulk_data_leave_nothing_in_results() -> None:
    bulk = {"vr": "OW", "BulkDataURI": "/x"}

    assert without_bulk({"7FE00010": bulk, "00082112": {"vr": "SQ", "Value": [{"00091001": bulk}, None]}}) == {
        "00082112": {"vr": "SQ", "Value": [{}, {}]}
    }
