from __future__ import annotations

from dataclasses import replace

import pytest

from hilum.dicom.searching.query import Level, parse_query
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.index.index import Index
from hilum.store.npi.records import NewNonPatient
from hilum.store.rows.records import DuplicatePolicy, Outcome
from indexes import OpenIndex

NEW = NewNonPatient(
    category="hanging-protocols",
    sop_instance_uid="1.2.3",
    sop_class_uid="1.2.840.10008.5.1.4.38.1",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    blob_id="a" * 32,
    size_bytes=10,
    data_set_offset=4,
    head_digest=b"h",
    data_set_digest=b"d",
    wire_form=None,
    attributes={
        "00080018": {"vr": "UI", "Value": ["1.2.3"]},
        "00720002": {"vr": "SH", "Value": ["Chest\0"]},
    },
    metadata=b"m",
    metadata_size=1,
)
OTHER = replace(NEW, blob_id="b" * 32, data_set_digest=b"e")


@pytest.mark.parametrize(
    ("policy", "outcome", "blob"),
    [
        (DuplicatePolicy.REJECT, Outcome.DIFFERENT, NEW.blob_id),
        (DuplicatePolicy.KEEP, Outcome.KEPT_FIRST, NEW.blob_id),
        (DuplicatePolicy.REPLACE, Outcome.REPLACED, OTHER.blob_id),
    ],
)
def test_the_policy_decides_on_another_object_of_a_uid(
    open_index: OpenIndex, policy: DuplicatePolicy, outcome: Outcome, blob: str
) -> None:
    index = open_index(policy)

    first, again, other = map(index.non_patients.record, (NEW, NEW, OTHER))

    assert (first.outcome, again.outcome, other.outcome) == (Outcome.STORED, Outcome.IDENTICAL, outcome)
    assert index.non_patients.find("hanging-protocols", "1.2.3").blob_id == blob
    assert [row.blob_id for row in index.rows()] == [blob]


def test_a_uid_names_one_instance_whatever_its_category(open_index: OpenIndex) -> None:
    index = open_index(DuplicatePolicy.REPLACE)
    index.non_patients.record(NEW)

    recorded = index.non_patients.record(replace(OTHER, category="color-palettes"))

    assert recorded.outcome is Outcome.ELSEWHERE
    with pytest.raises(TargetNotFound):
        index.non_patients.find("color-palettes", "1.2.3")


def search(index: Index, query: str) -> list[str]:
    found = index.non_patients.search("hanging-protocols", parse_query(Level.INSTANCE, query, max_results=10))
    return [item["00080018"]["Value"][0] for item in found.items]


def test_searches_compare_and_forgetting_ends_them(index: Index) -> None:
    index.non_patients.record(NEW)
    instance = index.non_patients.find("hanging-protocols", "1.2.3")

    assert search(index, "HangingProtocolName=Che*") == ["1.2.3"]
    assert search(index, "HangingProtocolName=chest") == []
    assert search(index, 'HangingProtocolCreator=""&emptyvaluematching=true') == ["1.2.3"]
    assert search(index, "limit=0") == []
    index.non_patients.forget(NEW.blob_id)
    assert search(index, "") == []
    assert index.rows_of_blob(NEW.blob_id) == []
    with pytest.raises(TargetGone):
        index.non_patients.metadata(instance)


def test_no_database_is_asked_for_what_is_no_uid(index: Index) -> None:
    with pytest.raises(TargetNotFound):
        index.non_patients.find("hanging-protocols", "1.2\0")
