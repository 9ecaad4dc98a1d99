"""Payloads of the media types of DICOM, for schemathesis: what is generated is sent as it is."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/dicom", "application/dicom+xml", "application/soap+xml", "multipart/related")
def as_bytes(_context: Any, value: Any) -> bytes:
    """Return the generated value as the bytes of a payload."""
    if isinstance(value, bytes):
        return value
    return bytes(value.data) if hasattr(value, "data") else str(value).encode("utf-8", "surrogatepass")
