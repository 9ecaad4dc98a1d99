"""What nobody asks for: workitems that expired are canceled, those that ended are deleted in time."""

from __future__ import annotations

import logging
from typing import Final

from hilum.archive.archive import Archive
from hilum.dicom.worklist.states import State
from hilum.errors import TargetGone
from hilum.services.worklist.attributes import REASON, text
from hilum.services.worklist.request_cancellation import canceled
from hilum.store.worklist.records import Revision, Workitem

_BATCH: Final = 200
_DAY_S: Final = 86_400
_EXPIRED: Final = {REASON: text("LT", "The expiration of the scheduled procedure step has passed.")}

_log = logging.getLogger(__name__)


def keep_worklist(*, archive: Archive, now: float) -> None:
    """Cancel scheduled workitems whose expiration has passed, and delete ended ones after `worklist.keep_days`.

    Args:
        archive: where they are kept.
        now: seconds since the epoch.
    """
    worklist = archive.index.worklist
    while uids := worklist.expired(now, _BATCH):
        for uid in uids:
            _expire(uid, archive)
    before = now - archive.settings.worklist.keep_days * _DAY_S
    deleted = 0
    while count := worklist.remove_ended(before, _BATCH):
        deleted += count
    if deleted:
        _log.info("Deleted %d workitems that had ended.", deleted)


def _expire(uid: str, archive: Archive) -> None:
    try:
        archive.index.worklist.revise(uid, _canceled_if_scheduled)
    except TargetGone:
        # Somebody was faster.
        return


def _canceled_if_scheduled(workitem: Workitem) -> Revision | None:
    return canceled(workitem, _EXPIRED) if workitem.state is State.SCHEDULED else None
