from __future__ import annotations

from dataclasses import replace

import pytest

from hilum.dicom.reading.instance import EncapsulatedFrames, Frames, NativeFrames, WireForm
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.index.index import Index
from offers import Offer


def fill(index: Index, *offers: Offer) -> None:
    for answer in [index.record(offer.instance()) for offer in offers]:
        answer.result(10)


def test_an_instance_is_found_under_exactly_its_path(index: Index) -> None:
    form = WireForm(1, 2, 3, 1, 4)
    offered = replace(Offer().instance(), wire_form=form)
    index.record(offered).result(10)

    found = index.find_instance("1.1", "1.1.1", "1.1.1.1")

    assert (found.blob_id, found.size_bytes, found.wire_form) == (offered.blob_id, 1000, form)
    assert found.path == "/studies/1.1/series/1.1.1/instances/1.1.1.1"
    for path in (("1.2", "1.1.1", "1.1.1.1"), ("1.1", "1.1.2", "1.1.1.1"), ("1.1", "1.1.1", "1.1.1.2")):
        with pytest.raises(TargetNotFound):
            index.find_instance(*path)


@pytest.mark.parametrize("uid", ["", "1.1\0", "\ud800", "1.1' OR 1=1", "../1.1", "1" * 65])
def test_what_is_no_uid_is_not_found(index: Index, uid: str) -> None:
    fill(index, Offer())

    with pytest.raises(TargetNotFound):
        index.list_instances(uid)
    with pytest.raises(TargetNotFound):
        index.find_instance("1.1", "1.1.1", uid)
    with pytest.raises(TargetNotFound):
        index.series_versions("1.1", uid)
    assert index.live_blob_id("1.1.1.1") is not None


def test_instances_come_by_the_numbers_and_uids_of_series_and_instance(index: Index) -> None:
    fill(
        index,
        Offer(series=1, number=1, of_series={"00200011": ""}),
        Offer(series=2, number=10),
        Offer(series=2, number=9),
        Offer(series=2, number=1, of_instance={"00200013": ""}),
        Offer(series=3, number=1, of_series={"00200011": 1}),
    )

    listed = [instance.sop_instance_uid for instance in index.list_instances("1.1")]

    assert listed == ["1.1.3.1", "1.1.2.9", "1.1.2.10", "1.1.2.1", "1.1.1.1"]
    assert [one.instance_count for one in index.series_versions("1.1")] == [1, 3, 1]
    in_order = list(dict.fromkeys(instance.series_id for instance in index.list_instances("1.1")))
    assert [one.series_id for one in index.series_versions("1.1")] == in_order


def test_metadata_of_a_series_come_in_its_order(index: Index) -> None:
    fill(index, *(Offer(number=number) for number in range(150, 0, -1)))
    (version,) = index.series_versions("1.1", "1.1.1")

    listed = list(index.metadata_of_series(version.series_id))

    assert [instance.sop_instance_uid for instance, _ in listed] == [f"1.1.1.{number}" for number in range(1, 151)]
    instance, metadata = listed[41]
    assert metadata == index.metadata(instance.instance_id)


@pytest.mark.parametrize(
    "frames",
    [None, NativeFrames(2**33, 7, 2**32), EncapsulatedFrames(b"x" * 32, 2), EncapsulatedFrames(b"", 2000)],
)
def test_frames_come_back_as_they_were(index: Index, frames: Frames | None) -> None:
    index.record(replace(Offer().instance(), frames=frames)).result(10)
    (instance,) = index.list_instances("1.1")

    assert index.frames(instance.instance_id) == frames


def test_the_rest_of_an_instance_comes_back_as_it_was(index: Index) -> None:
    bulk = b'[["54000100/1/54001010","OW",10,20]]'
    offered = replace(Offer().instance(), bulk=bulk, character_set="ISO_IR 100", metadata=None, uri_offsets=b"12345678")
    index.record(offered).result(10)
    (instance,) = index.list_instances("1.1")

    assert index.bulk(instance.instance_id) == (bulk, "ISO_IR 100")
    assert index.attributes(instance.instance_id) == offered.instance_attributes
    metadata = index.metadata(instance.instance_id)
    assert (metadata.body, metadata.size, metadata.uri_offsets) == (None, offered.metadata_size, b"12345678")


def test_a_row_that_is_not_there_any_more_is_gone(index: Index) -> None:
    with pytest.raises(TargetGone):
        index.metadata(4711)


def test_a_series_record_serves_its_version_alone(index: Index) -> None:
    fill(index, Offer(number=1))
    (before,) = index.series_versions("1.1", "1.1.1")
    index.put_series_record(before.series_id, before.version, b"record")

    assert index.series_record(before.series_id, before.version) == b"record"

    fill(index, Offer(number=2))
    (after,) = index.series_versions("1.1", "1.1.1")
    index.put_series_record(before.series_id, before.version, b"late")
    assert after.version != before.version
    assert index.series_record(after.series_id, after.version) is None
    index.put_series_record(after.series_id, after.version, b"new")
    assert index.series_record(after.series_id, after.version) == b"new"


def test_the_version_of_a_series_follows_its_live_instances(index: Index) -> None:
    fill(index, Offer(number=1), Offer(number=2), Offer(series=2))
    versions = {index.series_versions("1.1", "1.1.1")[0].version}
    other = index.series_versions("1.1", "1.1.2")

    index.trash("1.1", "1.1.1", "1.1.1.1")
    versions.add(index.series_versions("1.1", "1.1.1")[0].version)
    index.restore("1.1", "1.1.1", "1.1.1.1")
    versions.add(index.series_versions("1.1", "1.1.1")[0].version)

    assert len(versions) == 3
    assert index.series_versions("1.1", "1.1.2") == other
