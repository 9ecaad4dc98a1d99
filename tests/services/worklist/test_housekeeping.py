from __future__ import annotations

import time

import pytest

from hilum.archive.archive import Archive
from hilum.dicom.worklist.payload import Payload
from hilum.dicom.worklist.states import State
from hilum.errors import TargetGone
from hilum.services.worklist.create import create_workitem
from hilum.services.worklist.event_reports import missed_reports
from hilum.services.worklist.housekeeping import keep_worklist
from hilum.store.worklist.records import DeletionLock
from workitems import element, workitem

DAY_S = 86_400


@pytest.mark.requirement("UPSS-23", "UPSS-24", "UPSA-33", "IHE-AIW-09")
def test_expired_workitems_are_canceled_and_ended_ones_deleted_in_time(archive: Archive) -> None:
    payload = Payload(workitem(t00404008=element("DT", "20200101000000+0000")))
    uid = create_workitem(payload, uid="", archive=archive).sop_instance_uid
    archive.index.worklist.subscribe(uid, "AE", DeletionLock.NONE)

    keep_worklist(archive=archive, now=time.time())
    canceled = archive.index.worklist.find(uid)
    keep_worklist(archive=archive, now=time.time() + 89 * DAY_S)
    kept = archive.index.worklist.find(uid)
    keep_worklist(archive=archive, now=time.time() + 91 * DAY_S)

    assert canceled.state is kept.state is State.CANCELED
    (progress,) = canceled.members["00741002"]["Value"]
    assert "expiration" in progress["00741238"]["Value"][0]
    with pytest.raises(TargetGone):
        archive.index.worklist.find(uid)
    states = [
        report.content["00741000"]["Value"][0] for report in missed_reports("AE", (0, 0), 50, archive=archive).reports
    ]
    assert states == ["SCHEDULED", "IN PROGRESS", "CANCELED"]
