"""Records of the worklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hilum.dicom.searching.query import Match
from hilum.dicom.worklist.states import State

Members = Mapping[str, Any]
"""A data set in the DICOM JSON Model."""


class DeletionLock(Enum):
    """Whether a subscription keeps workitems from being deleted."""

    NONE = 0
    HELD = 1


@dataclass(frozen=True, slots=True)
class Workitem:
    """A workitem as it is stored."""

    sop_instance_uid: str
    state: State
    transaction_uid: str
    """Of the claim; '' before it. It never leaves the server."""
    version: int
    """Counts changes, from 1."""
    members: Members
    """All attributes but the Transaction UID."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a workitem becomes, and the reports that subscribers get of it, in order."""

    members: Members
    state: State
    transaction_uid: str = ""
    reports: Sequence[Members] = ()


Decide = Callable[[Workitem], Revision | None]
"""Says what becomes of a workitem that nobody else can change meanwhile; None: it stays as it is.

A TransactionError that it raises leaves the workitem as it is.
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which workitems a filtered subscription is about."""

    query_string: str
    """As the request gave it, percent-encoded."""
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class WorkitemPage:
    """One page of workitems."""

    items: Sequence[Members]
    remaining: int
    """Matches after this page."""
    ignored: Sequence[str] = ()
    """Names of attributes that are no matching keys here."""


@dataclass(frozen=True, slots=True)
class Report:
    """One event of the log for those who are to hear of it."""

    cursor: tuple[int, int]
    """Position in commit order."""
    time: float
    """When it was written, in seconds since the epoch."""
    sop_instance_uid: str
    """'' for an event of the worklist itself."""
    receivers: frozenset[str]
    """AE titles."""
    content: Members
