from __future__ import annotations

import pytest

from hilum.archive.archive import Archive
from hilum.config import WorklistSettings
from hilum.dicom.worklist.payload import Payload
from hilum.errors import InvalidRequest, StateConflict
from hilum.services.worklist.change_state import change_state
from hilum.services.worklist.create import create_workitem
from workitems import element, workitem


def strict(archive: Archive, **settings: str) -> Archive:
    """Return the archive with other settings of the worklist."""
    changed = archive.settings.model_copy(update={"worklist": WorklistSettings.model_validate(settings)})
    return Archive(
        changed, archive.index, archive.blobs, archive.scan_limits, archive.codecs, archive.undecodable,
        archive.instance_keys,
    )  # fmt: skip


@pytest.mark.requirement("UPS-13")
def test_a_workitem_without_a_uid_may_be_refused(archive: Archive) -> None:
    with pytest.raises(InvalidRequest):
        create_workitem(Payload(workitem()), uid="", archive=strict(archive, missing_uid="refuse"))


@pytest.mark.requirement("UPS-19")
def test_missing_attributes_of_type_2_may_be_refused(archive: Archive) -> None:
    lacking = Payload(workitem(t00741202=None))

    with pytest.raises(InvalidRequest, match="WorklistLabel"):
        create_workitem(lacking, uid="1.2.3", archive=strict(archive, missing_type_2="refuse"))


@pytest.mark.requirement("UPS-61")
def test_a_missing_reason_for_cancellation_may_be_refused(archive: Archive) -> None:
    create_workitem(Payload(workitem()), uid="1.2.3", archive=archive)
    for state, status in (("IN PROGRESS", None), ("CANCELED", StateConflict)):
        payload = Payload({"00741000": element("CS", state), "00081195": element("UI", "1.2")})
        if status is None:
            change_state("1.2.3", payload, archive=archive)
        else:
            with pytest.raises(status, match="DiscontinuationReason"):
                change_state("1.2.3", payload, archive=strict(archive, missing_reason="refuse"))
