"""The worklist of an index: one object a process, safe for many threads.

On SQLite one transaction writes at a time. On PostgreSQL the row of a workitem is locked while it changes, and what
concerns the whole worklist waits until nothing else changes any workitem.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from hilum.dicom.searching.query import Query
from hilum.dicom.worklist.reports import state_report
from hilum.errors import TargetNotFound
from hilum.store.database.database import Database, Kind, Session
from hilum.store.rows.events import EventWaiter, events_after
from hilum.store.worklist import reports, rows, subscriptions
from hilum.store.worklist.records import (
    Decide,
    DeletionLock,
    Filter,
    Members,
    Report,
    Revision,
    Workitem,
    WorkitemPage,
)
from hilum.store.worklist.reports import Cursor
from hilum.store.worklist.search import WorkitemSearches

T = TypeVar("T")

_ADVISORY_LOCK: Final = 0x48494C57
_NO_SUBSCRIPTION: Final = "There is no such subscription."


class Change(Protocol):
    """Runs work in a transaction of the index and returns its result after the commit."""

    def __call__(self, work: Callable[[Session], T], /) -> T:
        """Return what `work` returns."""


class Worklist:
    """Workitems, subscriptions to them, and the reports of their changes."""

    def __init__(self, database: Database, change: Change) -> None:
        """Read from `database`, write by `change`."""
        self._database: Final = database
        self._change: Final = change
        self._searches: Final = WorkitemSearches(database)
        self._waiter: Final = EventWaiter(database)

    def close(self) -> None:
        """End every wait."""
        self._waiter.close()

    def find(self, uid: str) -> Workitem:
        """Return a workitem.

        Raises:
            TargetNotFound: there never was one.
            TargetGone: it was deleted.
        """
        return self._database.read(lambda session: rows.find(session, uid))

    def search(self, query: Query, select_members: Callable[[Members], Members]) -> WorkitemPage:
        """Return the page of workitems that `query` asks for; `select_members` picks what is returned of each."""
        return self._searches.search(query, select_members)

    def create(self, uid: str, revision: Revision) -> None:
        """Make a workitem; whoever is subscribed to the worklist gets its reports.

        Raises:
            StateConflict: there is or was one of that UID.
        """

        def work(session: Session) -> None:
            self._share(session)
            row = rows.add(session, uid, revision, time.time())
            receivers = subscriptions.subscribe_new(session, row, revision.members)
            reports.write_reports(session, uid, receivers, revision.reports)

        self._change(work)

    def revise(self, uid: str, decide: Decide) -> None:
        """Let `decide` say what becomes of a workitem that nobody else can change meanwhile.

        Raises:
            TargetNotFound: there never was one.
            TargetGone: it was deleted.
            TransactionError: what `decide` raises; the workitem stays as it is.
        """

        def work(session: Session) -> None:
            self._share(session)
            row, before = rows.lock(session, uid)
            revision = decide(before)
            if revision is None:
                return
            if revision.members != before.members or revision.state is not before.state:
                rows.change(session, row, before, revision, time.time())
            if revision.reports:
                reports.write_reports(session, uid, subscriptions.receivers_of(session, row), revision.reports)

        self._change(work)

    def subscribe(self, uid: str, ae_title: str, lock: DeletionLock) -> None:
        """Subscribe to one workitem; its state is reported to the AE at once (UPSE-21).

        Raises:
            TargetNotFound: there never was one.
            TargetGone: it was deleted.
        """

        def work(session: Session) -> None:
            self._share(session)
            row, workitem = rows.lock(session, uid)
            subscriptions.subscribe(session, row, ae_title, lock)
            reports.write_reports(session, uid, [ae_title], [state_report(workitem.members)])

        self._change(work)

    def subscribe_to_worklist(self, target: str, ae_title: str, lock: DeletionLock, chosen: Filter | None) -> None:
        """Subscribe to all workitems, or those that match, that exist and that will."""

        def work(session: Session) -> None:
            self._exclude(session)
            subscriptions.set_worklist_subscription(session, ae_title, target, lock, chosen)
            for uid, members in subscriptions.subscribe_existing(session, self._database.kind, ae_title, lock, chosen):
                reports.write_reports(session, uid, [ae_title], [state_report(members)])

        self._change(work)

    def unsubscribe(self, uid: str, ae_title: str) -> None:
        """End the subscription to one workitem.

        Raises:
            TargetNotFound: there is no such workitem or subscription.
            TargetGone: the workitem was deleted.
        """

        def work(session: Session) -> None:
            self._share(session)
            row, _ = rows.lock(session, uid)
            if not subscriptions.unsubscribe(session, row, ae_title):
                raise TargetNotFound(_NO_SUBSCRIPTION)

        self._change(work)

    def unsubscribe_from_worklist(self, target: str, ae_title: str) -> None:
        """End the subscription to a worklist and to every single workitem.

        Raises:
            TargetNotFound: there is none at all.
        """
        self._end(lambda session: subscriptions.unsubscribe_from_worklist(session, ae_title, target))

    def suspend(self, target: str, ae_title: str) -> None:
        """End the subscription to workitems to come.

        Raises:
            TargetNotFound: there is none.
        """
        self._end(lambda session: subscriptions.suspend(session, ae_title, target))

    def _end(self, end: Callable[[Session], bool]) -> None:
        def work(session: Session) -> None:
            self._exclude(session)
            if not end(session):
                raise TargetNotFound(_NO_SUBSCRIPTION)

        self._change(work)

    def report_status(self, report: Members, others: Sequence[str]) -> int:
        """Report a change of the server itself to all who have a subscription, and to `others`; return how many.

        Source: PS3.4 CC.2.4.3 (UPSE-26).
        """

        def work(session: Session) -> int:
            receivers = sorted({*subscriptions.subscribers(session), *others})
            if receivers:
                reports.write_reports(session, "", receivers, [report])
            return len(receivers)

        return self._change(work)

    def expired(self, now: float, limit: int) -> Sequence[str]:
        """Return the UIDs of scheduled workitems whose expiration has passed at `now`, at most `limit`."""
        return self._database.read(lambda session: rows.expired(session, now, limit))

    def remove_ended(self, before: float, limit: int) -> int:
        """Delete workitems that ended before that time and that nobody locks; return how many, at most `limit`."""

        def work(session: Session) -> int:
            found = rows.removable(session, before, limit)
            for row in found:
                subscriptions.remove_all(session, row)
                rows.remove(session, row, time.time())
            return len(found)

        return self._change(work)

    def start_of_replay(self, ae_title: str, since: float) -> Cursor:
        """Return where reports to a receiver begin: behind what it has got, but with none from before `since`."""
        kind = self._database.kind

        def work(session: Session) -> Cursor:
            known = reports.position_of(session, ae_title) or (0, 0)
            return max(known, reports.cursor_before(session, kind, since))

        return self._database.read(work)

    def latest(self) -> Cursor:
        """Return the position behind all events that readers see."""
        return self._database.read(lambda session: reports.latest(session, self._database.kind))

    def reports_after(self, cursor: Cursor, limit: int) -> tuple[Cursor, list[Report]]:
        """Return the position behind the next `limit` events, and the reports among them in commit order."""
        kind = self._database.kind
        events = self._database.read(lambda session: events_after(session, kind, cursor, limit))
        found = [reports.report_of(event) for event in events if event.kind == reports.KIND]
        return (events[-1].cursor if events else cursor), found

    def wait(self, cursor: Cursor, timeout_s: float) -> bool:
        """Return True as soon as there are events behind `cursor`, False after `timeout_s` without any."""
        return self._waiter.wait(cursor, timeout_s)

    def keep_positions(self, positions: Mapping[str, Cursor]) -> None:
        """Keep how far receivers have got."""
        self._change(lambda session: reports.keep_positions(session, positions))

    def _share(self, session: Session) -> None:
        """Hold off what concerns the whole worklist until this transaction ends."""
        if self._database.kind is Kind.POSTGRESQL:
            session.control(f"SELECT pg_advisory_xact_lock_shared({_ADVISORY_LOCK})")

    def _exclude(self, session: Session) -> None:
        """Wait until nobody changes a workitem, and hold all off until this transaction ends."""
        if self._database.kind is Kind.POSTGRESQL:
            session.control(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
