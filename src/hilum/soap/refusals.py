"""Why a document is not returned, as an exception within the work on it; the response has a row for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hilum.errors import (
    ContentUnavailable,
    InvalidRequest,
    NotAcceptable,
    OutOfResources,
    PayloadTooLarge,
    TargetGone,
    TargetNotFound,
    TransactionError,
)
from hilum.soap.names import ErrorCode


class DocumentRefused(Exception):
    """One document cannot be returned; the text is one sentence to the user agent."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        """Keep why."""
        super().__init__(text)
        self.code = code


_ROWS: Final[Mapping[type[TransactionError], tuple[ErrorCode, str]]] = {
    # It went away after it was found.
    TargetNotFound: (ErrorCode.DOCUMENT_UNKNOWN, "There is no such instance any more."),
    TargetGone: (ErrorCode.GONE, "The instance was deleted."),
    InvalidRequest: (ErrorCode.INVALID_VALUE, ""),
    NotAcceptable: (ErrorCode.FORMAT_UNAVAILABLE, ""),
    PayloadTooLarge: (ErrorCode.TOO_MUCH, ""),
    ContentUnavailable: (ErrorCode.PROCESSING_FAILURE, "The bytes of the instance cannot be read now."),
    OutOfResources: (ErrorCode.OUT_OF_RESOURCES, "The storage of this origin server is full."),
}
REFUSING: Final = tuple(_ROWS)
"""Failures of transactions that concern one document."""


def refused(error: TransactionError) -> DocumentRefused:
    """Return why a document is missing, from what a transaction failed by."""
    code, text = next(row for kind, row in _ROWS.items() if isinstance(error, kind))
    return DocumentRefused(code, text or str(error))
