"""Parts of a Store payload are ingested while later ones still arrive; none costs another its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from hilum.archive.ingest import FailureReason, Ingested
from hilum.errors import OutOfResources
from hilum.web.transfer.receive import Consume, PartProblem, ReceivedPart, Stage, Uploads, receive_parts

RETRY_AFTER_S: Final = "60"
"""When a user agent may store again after there was no room: room is made by people."""

_PARTS_AT_ONCE: Final = 4
_REASONS: Final[Mapping[PartProblem, FailureReason]] = {
    PartProblem.CUT_SHORT: FailureReason.CANNOT_UNDERSTAND,
    PartProblem.TOO_LARGE: FailureReason.OUT_OF_RESOURCES,
    PartProblem.OUT_OF_RESOURCES: FailureReason.OUT_OF_RESOURCES,
}


async def ingest_parts(
    request: Request, boundary: str, *, uploads: Uploads, stage: Stage, consume: Consume[list[Ingested]]
) -> list[Ingested]:
    """Ingest parts as they become complete, a few at once; return their results in the order of the payload.

    Args:
        request: nothing of its payload has been read.
        boundary: parameter of its Content-Type.
        uploads: of this worker.
        stage: makes a new staged object; called in a worker thread.
        consume: ingests one part; called in a worker thread.

    Raises:
        TransactionError: as `receive_parts` says; what was complete by then is ingested all the same.
    """
    parts: list[ReceivedPart[list[Ingested]]] = []
    try:
        async for part in receive_parts(request, boundary, uploads=uploads, stage=stage, consume=consume):
            parts.append(part)
            if len(parts) >= _PARTS_AT_ONCE and (earlier := parts[-_PARTS_AT_ONCE].consumed) is not None:
                await asyncio.wait([earlier])
    finally:
        # What is complete is stored even if the user agent goes away before the rest has come.
        results = [result for part in parts for result in await _results(part)]
    return results


async def _results(part: ReceivedPart[list[Ingested]]) -> list[Ingested]:
    problem = part.problem or PartProblem.CUT_SHORT
    if part.consumed is not None:
        try:
            return await part.consumed
        except OutOfResources:
            problem = PartProblem.OUT_OF_RESOURCES
    return [Ingested(failure=_REASONS[problem], text=problem.value)]
