"""Subscriptions to workitems and worklists (PS3.18 11.10 to 11.12, PS3.4 CC.2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, unquote

from hilum.archive.archive import Archive
from hilum.dicom.searching.query import Level, QueryError, parse_query
from hilum.dicom.worklist.states import FILTERED_WORKLIST, WORKLIST
from hilum.errors import InvalidRequest
from hilum.store.worklist.records import DeletionLock, Filter
from hilum.store.worklist.search import ignored_names

LOCK_REFUSED: Final = "Deletion Lock not granted."

_TARGETS: Final = frozenset({WORKLIST, FILTERED_WORKLIST})
_BETWEEN: Final = re.compile(r",(?=[A-Za-z0-9.]+=)")


def subscribe(
    target: str, ae_title: str, *, lock: DeletionLock, chosen: Filter | None, archive: Archive
) -> tuple[str, ...]:
    """Subscribe an AE to a workitem, to all, or to those that match; return warnings.

    Args:
        target: SOP Instance UID of a workitem, or the UID of a worklist.
        ae_title: who is to get the reports.
        lock: whether workitems are kept until the subscription ends.
        chosen: which ones, for the filtered worklist.
        archive: where they are kept.

    Raises:
        InvalidRequest: the filtered worklist needs a filter.
        TargetNotFound: there is no such workitem.
        TargetGone: it was deleted.

    Source: PS3.18 11.10; PS3.4 Table CC.2.3-2 (UPS-80 to UPS-88, UPS-95).
    """
    warnings: tuple[str, ...] = ()
    if lock is DeletionLock.HELD and archive.settings.worklist.deletion_locks == "refuse":
        lock, warnings = DeletionLock.NONE, (LOCK_REFUSED,)
    worklist = archive.index.worklist
    if target not in _TARGETS:
        worklist.subscribe(target, ae_title, lock)
        return warnings
    if target == FILTERED_WORKLIST and chosen is None:
        raise InvalidRequest("A subscription to the filtered worklist needs a filter.")
    worklist.subscribe_to_worklist(target, ae_title, lock, chosen if target == FILTERED_WORKLIST else None)
    return warnings


def unsubscribe(target: str, ae_title: str, *, archive: Archive) -> None:
    """End a subscription; that to a worklist ends all subscriptions of the AE to workitems too (UPS-91).

    Raises:
        TargetNotFound: there is no such subscription.
        TargetGone: the workitem was deleted.
    """
    if target in _TARGETS:
        archive.index.worklist.unsubscribe_from_worklist(target, ae_title)
    else:
        archive.index.worklist.unsubscribe(target, ae_title)


def suspend(target: str, ae_title: str, *, archive: Archive) -> None:
    """End the subscription to workitems to come; those that exist stay subscribed to (UPS-92).

    Raises:
        InvalidRequest: the target is a single workitem.
        TargetNotFound: there is no such subscription.
    """
    if target not in _TARGETS:
        raise InvalidRequest("Only a subscription to a worklist can be suspended.")
    archive.index.worklist.suspend(target, ae_title)


def filter_of(query_string: str) -> Filter | None:
    """Return the filter of a subscription request: its `filter` parameters and plain attributes (UPS-81).

    Args:
        query_string: the query component as it came, percent-encoded.

    Raises:
        InvalidRequest: it is no list of `attribute=value`, or an attribute is no matching key.

    >>> filter_of("filter=WorklistLabel%3DAI,00741000%3DSCHEDULED&deletionlock=true").query_string
    'WorklistLabel=AI&00741000=SCHEDULED'
    """
    pairs = list(_pairs(query_string.split("&")))
    if not pairs:
        return None
    text = "&".join(f"{quote(name, safe='.')}={quote(value, safe='')}" for name, value in pairs)
    try:
        query = parse_query(Level.INSTANCE, text, max_results=1)
    except QueryError as error:
        raise InvalidRequest(str(error)) from error
    ignored = ignored_names(query.matches)
    if ignored or query.warnings:
        # Passing over a key would subscribe to more than was asked for.
        raise InvalidRequest("The filter has attributes that are no matching keys of workitems.")
    return Filter(text, query.matches)


def _pairs(parameters: Iterable[str]) -> Iterator[tuple[str, str]]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = unquote(name)
        if name == "filter":
            # QP-07: commas are told apart before decoding; many encode those between attributes as well.
            items = (part for item in value.split(",") for part in _BETWEEN.split(_decoded(item)))
            for item in items:
                if item:
                    attribute, _, text = item.partition("=")
                    yield attribute.strip(), text
        elif name[:1].isupper() or name[:1].isdigit():
            yield name, _decoded(value)


def _decoded(text: str) -> str:
    # QP-13: user agents that encode as browser forms do send a space as `+`.
    try:
        return unquote(text.replace("+", " "), errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The filter is not UTF-8 in percent-encoding.") from error
