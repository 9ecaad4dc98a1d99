"""Retrieve Workitem (PS3.18 11.5)."""

from __future__ import annotations

from hilum.archive.archive import Archive
from hilum.store.worklist.records import Workitem


def retrieve_workitem(uid: str, *, archive: Archive) -> Workitem:
    """Return a workitem. Its attributes are without the Transaction UID (UPS-31).

    Raises:
        TargetNotFound: there never was one.
        TargetGone: it was deleted.
    """
    return archive.index.worklist.find(uid)
