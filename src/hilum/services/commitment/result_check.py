"""Request Storage Commitment Result Check: what became of a request (PS3.18 13.5)."""

from __future__ import annotations

from typing import Any

import orjson

from hilum.archive.archive import Archive
from hilum.errors import TargetGone, TargetNotFound


def check_result(transaction_uid: str, *, archive: Archive) -> dict[str, Any] | None:
    """Return the response module of a request, None while it is worked on.

    Raises:
        TargetNotFound: there never was such a request.
        TargetGone: its result is no longer kept.

    Source: PS3.18 13.5.3.
    """
    kept = archive.index.commitments.find(transaction_uid)
    if kept is None:
        raise TargetNotFound("There is no request of this Transaction UID.")
    if kept.result is None:
        return None
    if not kept.result:
        raise TargetGone("The result is no longer kept.")
    module: dict[str, Any] = orjson.loads(kept.result)
    return module
