"""Receiving a Store request of metadata and bulk data: its parts are files until all have come (PS3.18 10.5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial

from starlette.requests import Request

from hilum.archive.ingest import Ingested
from hilum.errors import InvalidRequest, OutOfResources, PayloadTooLarge
from hilum.services.studies.making import KeptPart, StoreRequest, store_metadata
from hilum.store.blobs.protocol import Staged
from hilum.web.origin import Origin
from hilum.web.transfer.receive import PartProblem, ReceivedPart, receive_parts


class _Kept:
    """A staged part whose file is closed; it goes with `discard`."""

    def __init__(self, headers: Mapping[str, str], staged: Staged) -> None:
        self.part = KeptPart(headers, staged.path, staged.size)
        self._staged = staged
        staged.close()

    def discard(self) -> None:
        """Remove the file."""
        self._staged.discard()


async def receive_metadata(
    request: Request, boundary: str, form: str, *, origin: Origin, study_instance_uid: str | None
) -> list[Ingested]:
    """Receive all parts, then store the instances that they make; return their results.

    Args:
        request: nothing of its payload has been read.
        boundary: parameter of its Content-Type.
        form: media type of the metadata.
        origin: of this process.
        study_instance_uid: the only study whose instances are welcome; None: any.

    Raises:
        InvalidRequest: a part is cut short, or there are no metadata.
        PayloadTooLarge: a part is too large.
        OutOfResources: the storage is full.
    """
    parts: list[ReceivedPart[_Kept]] = []
    stage = origin.archive.blobs.stage
    try:
        async for part in receive_parts(request, boundary, uploads=origin.uploads, stage=stage, consume=_Kept):
            parts.append(part)  # noqa: PERF401 - what has come is discarded even if the next part fails
        kept = [(await _received(part)).part for part in parts]
        stored = StoreRequest(form, kept, str(request.url), study_instance_uid)
        return await origin.uploads.pool.run(store_metadata, stored, archive=origin.archive)
    finally:
        for part in parts:
            if part.consumed is not None:
                part.consumed.add_done_callback(partial(_discard, origin))


async def _received(part: ReceivedPart[_Kept]) -> _Kept:
    if part.consumed is not None:
        return await part.consumed
    problem = part.problem or PartProblem.CUT_SHORT
    if problem is PartProblem.TOO_LARGE:
        raise PayloadTooLarge(problem.value)
    if problem is PartProblem.OUT_OF_RESOURCES:
        raise OutOfResources(problem.value)
    raise InvalidRequest(problem.value)


def _discard(origin: Origin, consumed: asyncio.Future[_Kept]) -> None:
    if consumed.cancelled() or consumed.exception() is not None:
        return
    with contextlib.suppress(RuntimeError):
        origin.uploads.pool.release(consumed.result().discard)
