"""The states of a workitem and what each request to change them comes to, as one table (PS3.4 Table CC.1.1-2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

UPS_PUSH: Final = "1.2.840.10008.5.1.4.34.6.1"
"""SOP Class UID of every workitem."""

WORKLIST: Final = "1.2.840.10008.5.1.4.34.5"
"""Target of subscriptions to all workitems."""

FILTERED_WORKLIST: Final = "1.2.840.10008.5.1.4.34.5.1"
"""Target of subscriptions to the workitems that match a filter."""


class State(Enum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Return whether nothing may change any more."""
        return self in {State.COMPLETED, State.CANCELED}


class Verdict(Enum):
    """What a request to change the state comes to; the value is the status that PS3.4 CC.2.1.3 gives it."""

    CHANGE = 0x0000
    CHANGE_IF_COMPLETE = 0x0001
    """Carried out where the attributes that the final state requires are there; else C304."""
    ALREADY_CANCELED = 0xB304
    ALREADY_COMPLETED = 0xB306
    MAY_NOT_BE_UPDATED = 0xC300
    WRONG_TRANSACTION_UID = 0xC301
    ALREADY_IN_PROGRESS = 0xC302
    ONLY_BY_CREATION = 0xC303
    NOT_IN_PROGRESS = 0xC310


_RIGHT: Final[Mapping[tuple[State, State], Verdict]] = {
    (State.IN_PROGRESS, State.SCHEDULED): Verdict.CHANGE,
    (State.IN_PROGRESS, State.IN_PROGRESS): Verdict.ALREADY_IN_PROGRESS,
    (State.IN_PROGRESS, State.COMPLETED): Verdict.MAY_NOT_BE_UPDATED,
    (State.IN_PROGRESS, State.CANCELED): Verdict.MAY_NOT_BE_UPDATED,
    (State.COMPLETED, State.SCHEDULED): Verdict.NOT_IN_PROGRESS,
    (State.COMPLETED, State.IN_PROGRESS): Verdict.CHANGE_IF_COMPLETE,
    (State.COMPLETED, State.COMPLETED): Verdict.ALREADY_COMPLETED,
    (State.COMPLETED, State.CANCELED): Verdict.MAY_NOT_BE_UPDATED,
    (State.CANCELED, State.SCHEDULED): Verdict.NOT_IN_PROGRESS,
    (State.CANCELED, State.IN_PROGRESS): Verdict.CHANGE_IF_COMPLETE,
    (State.CANCELED, State.COMPLETED): Verdict.MAY_NOT_BE_UPDATED,
    (State.CANCELED, State.CANCELED): Verdict.ALREADY_CANCELED,
}
"""(requested, present) with the right Transaction UID."""


def verdict_on(requested: State, present: State, *, transaction_uid: str, recorded_uid: str) -> Verdict:
    """Return what a request to change the state comes to.

    Args:
        requested: the state asked for.
        present: the state of the workitem.
        transaction_uid: the request's, a UID or ''.
        recorded_uid: that of the claim, '' while the workitem is scheduled or if it was never claimed.

    Source: PS3.4 Table CC.1.1-2 (UPSS-02 to UPSS-08).

    >>> verdict_on(State.IN_PROGRESS, State.SCHEDULED, transaction_uid="1.2", recorded_uid="")
    <Verdict.CHANGE: 0>
    """
    if requested is State.SCHEDULED:
        return Verdict.ONLY_BY_CREATION
    is_right = bool(transaction_uid) and (present is State.SCHEDULED or transaction_uid == recorded_uid)
    return _RIGHT[requested, present] if is_right else Verdict.WRONG_TRANSACTION_UID
