"""Members of search results as ready-made JSON text (PS3.18 10.6.3.3).

Members are joined by a comma and a newline: legal JSON, and a place to cut, since JSON has no newline elsewhere.
Counts and Retrieve URLs are put in when a search is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from hilum.dicom.levels import RETURNED_ATTRIBUTES, Presence, ReturnedAttribute
from hilum.dicom.searching.query import Level
from hilum.store.rows.merging import Element, Members

JOINT: Final = ",\n"
RETRIEVE_URL: Final = '"00081190":{"vr":"UR","Value":["'
ONLINE: Final = '"00080056":{"vr":"CS","Value":["ONLINE"]}'

_URL_TAG: Final = "00081190"
_MODALITIES_TAG: Final = "00080061"
_AVAILABILITY_TAG: Final = "00080056"
_COUNT_TAGS: Final = frozenset({"00201206", "00201208", "00201209"})
_COMPUTED: Final = _COUNT_TAGS | {_URL_TAG}


def member(tag: str, element: Element) -> str:
    """Return one attribute as a member of a JSON object."""
    return f'"{tag}":{orjson.dumps(element).decode()}'


def count(tag: str, number: int) -> str:
    """Return the member of a count."""
    return f'"{tag}":{{"vr":"IS","Value":[{number}]}}'


def returned(level: Level, members: Members, computed: Members) -> list[str]:
    """Return the members that results of `level` carry by default, but for counts and Retrieve URL.

    Args:
        level: whose `RETURNED_ATTRIBUTES`.
        members: what is known at that level.
        computed: attributes that are worked out from lower levels; they go before `members`.
    """
    found = []
    for attribute in RETURNED_ATTRIBUTES[level]:
        tag = attribute.tag
        if tag in _COMPUTED:
            continue
        element = computed.get(tag) or members.get(tag)
        if tag == _AVAILABILITY_TAG:
            found.append(ONLINE)
        elif element is not None:
            found.append(member(tag, _with_members(element, attribute)))
        elif attribute.presence is not Presence.CONDITIONAL:
            found.append(member(tag, {"vr": attribute.vr}))
    return found


def _with_members(element: Element, attribute: ReturnedAttribute) -> Element:
    """Return a sequence with just those attributes of its items that results carry."""
    if not attribute.members or not element.get("Value"):
        return element
    if element.get("vr") != "SQ":
        # Written under a wrong VR: there are no items in it.
        return {"vr": "SQ"}
    items = [
        {nested.tag: (item or {}).get(nested.tag, {"vr": nested.vr}) for nested in attribute.members}
        for item in element["Value"]
    ]
    return {"vr": "SQ", "Value": items}


def study_pieces(members: Members, modalities: Iterable[str]) -> tuple[str, str]:
    """Return the members before and after Retrieve URL of a study's result; the counts follow the second."""
    known = sorted({modality for modality in modalities if modality})
    element: dict[str, Any] = {"vr": "CS"} if not known else {"vr": "CS", "Value": known}
    head, tail = _split(returned(Level.STUDY, members, {_MODALITIES_TAG: element}), _URL_TAG)
    return JOINT.join(head), JOINT.join(tail)


def series_pieces(members: Members) -> tuple[str, str, str]:
    """Return the members before Retrieve URL, those between it and the count of instances, and those after it."""
    head, following = _split(returned(Level.SERIES, members, {}), _URL_TAG)
    tail, end = _split(following, "00201209")
    return JOINT.join(head), JOINT.join(tail), JOINT.join(end)


def _split(members: list[str], tag: str) -> tuple[list[str], list[str]]:
    before = [one for one in members if one[1:9] < tag]
    return before, members[len(before) :]


def in_order(*groups: Iterable[str]) -> list[str]:
    """Return the members of all groups in ascending order; of a repeated attribute the first group's stays."""
    found: dict[str, str] = {}
    for group in groups:
        for one in group:
            found.setdefault(one[:10], one)
    return [found[name] for name in sorted(found)]


def cut(piece: str) -> list[str]:
    """Return the members of a piece."""
    return piece.split(JOINT) if piece else []


def split_item(members: list[str]) -> tuple[str, str]:
    """Return a result as JSON text around the place where the base URL goes, inside Retrieve URL.

    Args:
        members: ascending, one of them Retrieve URL at the level of the result itself.
    """
    place = next(place for place, one in enumerate(members) if one.startswith(RETRIEVE_URL))
    before = JOINT.join([*members[:place], RETRIEVE_URL])
    return "{" + before, JOINT.join([members[place][len(RETRIEVE_URL) :], *members[place + 1 :]]) + "}"


def selected(members: Members, tags: Iterable[str], vr_of: Callable[[str], str]) -> list[str]:
    """Return the members named by `tags`, zero-length with the VR of `vr_of` where nothing is known (SRCH-21)."""
    return [member(tag, members.get(tag) or {"vr": vr_of(tag)}) for tag in tags]


def without_bulk(members: Members) -> dict[str, Element]:
    """Return the attributes without bulk data: results of searches refer to none."""
    return {tag: _stripped(element) for tag, element in members.items() if "BulkDataURI" not in element}


def _stripped(element: Element) -> Element:
    if element.get("vr") != "SQ" or "Value" not in element:
        return element
    return {"vr": "SQ", "Value": [without_bulk(item or {}) for item in element["Value"]]}
