"""Request Storage Commitment: a promise is given only for bytes that were read back and found whole.

Small requests are worked on while the user agent waits; larger ones later, by the process that looks after the archive.
A request that was under way when its process ended is taken up again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.integrity.digests import fault_of
from hilum.dicom.commitment import CommitmentRequest, FailureReason, Form, Reference, Verdict, response_module
from hilum.errors import TransactionUidInUse
from hilum.store.index.commitments import Pending
from hilum.store.rows.records import IndexRow

_DAY_S: Final = 86_400
_LEASE_S: Final = 600.0
_BYTES_PER_S: Final = 20_000_000
"""What reading back takes at the least: a lease covers it."""
_AT_ONCE: Final = 3


def request_storage_commitment(
    transaction_uid: str, request: CommitmentRequest, *, archive: Archive
) -> dict[str, Any] | None:
    """Take a request in; return the response module, None if it is worked on later.

    Args:
        transaction_uid: of the user agent, a checked UID.
        request: what is to be kept.
        archive: where it is.

    Raises:
        TransactionUidInUse: it was used before.

    Source: PS3.18 13.4.
    """
    settings = archive.settings.commitment
    is_small = len(request.references) <= settings.at_once and _bytes_of(request, archive) <= settings.at_once_bytes
    lease_until = time.time() + _LEASE_S if is_small else 0.0
    row = archive.index.commitments.add(transaction_uid, _text(request), lease_until=lease_until)
    if row is None:
        raise TransactionUidInUse("The Transaction UID is in use.")
    if not is_small:
        return None
    return _carry_out(row, request, archive)


def work_off(*, archive: Archive) -> int:
    """Work on all requests that wait; return how many were finished."""
    finished = 0
    while (pending := archive.index.commitments.next_pending(lease_s=_lease_s(archive))) is not None:
        _carry_out(pending.row, _request_of(pending), archive)
        finished += 1
    return finished


def _lease_s(archive: Archive) -> float:
    # Long enough for the largest of requests: two processes that check the same bytes would only waste time.
    return _LEASE_S + archive.index.totals().size_bytes / _BYTES_PER_S


def _bytes_of(request: CommitmentRequest, archive: Archive) -> int:
    rows = (archive.index.commitments.live_row(one.sop_instance_uid) for one in request.references)
    return sum(row.size_bytes for row in rows if row is not None)


def _carry_out(row: int, request: CommitmentRequest, archive: Archive) -> dict[str, Any]:
    """Check every instance, commit what is whole, keep the result."""
    checked = [_checked(reference, archive) for reference in request.references]
    until = time.time() + archive.settings.commitment.keep_days * _DAY_S
    for _ in range(_AT_ONCE):
        module = response_module(request.form, [verdict for verdict, _ in checked])
        rows = [one for (_, reason), one in checked if reason is None and one is not None]
        lost = archive.index.commitments.finish(row, rows, until=until, result=orjson.dumps(module).decode())
        if lost is None:
            return module
        # Deleted or replaced since it was read: that one is looked at again.
        gone = {one.blob_id for one in lost}
        checked = [
            _checked(verdict[0], archive) if one is not None and one.blob_id in gone else (verdict, one)
            for verdict, one in checked
        ]
    failed = [(verdict[0], FailureReason.PROCESSING_FAILURE) for verdict, _ in checked]
    module = response_module(request.form, failed)
    archive.index.commitments.finish(row, (), until=until, result=orjson.dumps(module).decode())
    return module


def _checked(reference: Reference, archive: Archive) -> tuple[Verdict, IndexRow | None]:
    row = archive.index.commitments.live_row(reference.sop_instance_uid)
    if row is None or not _fits(reference, row):
        return (reference, FailureReason.NO_SUCH_INSTANCE), None
    stored = archive.index.find_instance(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
    if stored.sop_class_uid != reference.sop_class_uid:
        return (reference, FailureReason.CLASS_DIFFERS), None
    if fault_of(row, archive.blobs) is not None:
        return (reference, FailureReason.PROCESSING_FAILURE), None
    return (reference, None), row


def _fits(reference: Reference, row: IndexRow) -> bool:
    """Say whether an instance lies where the request says, if it says so."""
    return reference.study_instance_uid in ("", row.study_instance_uid) and reference.series_instance_uid in (
        "",
        row.series_instance_uid,
    )


def _text(request: CommitmentRequest) -> str:
    rows = [
        (one.sop_class_uid, one.sop_instance_uid, one.study_instance_uid, one.series_instance_uid)
        for one in request.references
    ]
    return orjson.dumps([request.form.value, rows]).decode()


def _request_of(pending: Pending) -> CommitmentRequest:
    form, rows = orjson.loads(pending.request)
    references: Sequence[Reference] = [Reference(*row) for row in rows]
    return replace(CommitmentRequest(Form(form), ()), references=tuple(references))
