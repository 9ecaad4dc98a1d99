from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hilum.errors import InstanceCommitted
from hilum.store.index.index import Index
from offers import Offer


def test_a_transaction_uid_is_taken_once(index: Index) -> None:
    assert index.commitments.add("1.2", "text", lease_until=0.0) is not None
    assert index.commitments.add("1.2", "text", lease_until=0.0) is None


def test_a_request_is_one_workers_for_the_time_of_its_lease(index: Index) -> None:
    index.commitments.add("1.2", "text", lease_until=time.time() + 60)
    assert index.commitments.next_pending(lease_s=60) is None
    index.commitments.add("1.3", "other", lease_until=0.0)

    first, second = index.commitments.next_pending(lease_s=60), index.commitments.next_pending(lease_s=60)

    assert first is not None
    assert (first.transaction_uid, first.request) == ("1.3", "other")
    assert second is None


def test_results_are_kept_until_they_are_forgotten(index: Index) -> None:
    row = index.commitments.add("1.2", "text", lease_until=0.0)
    assert row is not None
    pending = index.commitments.find("1.2")
    index.commitments.finish(row, (), until=0.0, result="{}")
    found = index.commitments.find("1.2")
    index.commitments.forget_results(time.time() + 1)
    forgotten = index.commitments.find("1.2")

    assert (pending and pending.result, found and found.result, forgotten and forgotten.result) == (None, "{}", "")
    assert index.commitments.find("1.9") is None


@pytest.mark.requirement("SC-14")
def test_a_committed_instance_stays_and_one_that_has_changed_is_not_committed(index: Index) -> None:
    offered = Offer().instance()
    index.record(offered).result(10)
    row = index.commitments.add("1.2", "text", lease_until=0.0)
    live = index.commitments.live_row(offered.sop_instance_uid)
    assert row is not None
    assert live is not None
    changed = replace(live, blob_id="another")

    lost = index.commitments.finish(row, [live, changed], until=time.time() + 60, result="{}")
    assert lost == [changed]
    assert index.commitments.finish(row, [live], until=time.time() + 60, result="{}") is None

    with pytest.raises(InstanceCommitted):
        index.trash(live.study_instance_uid)
