"""Search for workitems (PS3.18 11.9, PS3.4 CC.2.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hilum.archive.archive import Archive
from hilum.dicom.dictionary import vr_of
from hilum.dicom.levels import RETURNED_ATTRIBUTES
from hilum.dicom.searching.query import Query
from hilum.dicom.worklist.checks import TRANSACTION_UID
from hilum.dicom.worklist.requirements import RETURNED
from hilum.store.worklist.records import WorkitemPage

_RETURNED: Final = RETURNED | {attribute.tag for rows in RETURNED_ATTRIBUTES.values() for attribute in rows}
"""What is returned of each workitem if it is there, beyond what the request names.

A query leaves out of its `include` what studies, series and instances return unasked, so that is returned too.
"""


def search_workitems(query: Query, *, archive: Archive) -> WorkitemPage:
    """Return the page of workitems that `query` asks for, without keys all of them (UPS-71 to UPS-77)."""
    include = [tag for tag in query.include if tag != TRANSACTION_UID and not tag.startswith("0000")]

    def select_members(members: Mapping[str, Any]) -> Mapping[str, Any]:
        if query.include_all:
            return members
        found = {tag: members[tag] for tag in members if tag in _RETURNED}
        for tag in include:
            # SRCH-21: an attribute that the workitem lacks is returned without a value.
            found[tag] = members.get(tag) or {"vr": vr_of(int(tag, 16), "").partition(" ")[0]}
        return dict(sorted(found.items()))

    return archive.index.worklist.search(query, select_members)
