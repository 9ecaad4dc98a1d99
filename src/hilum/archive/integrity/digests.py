"""Are the bytes of a blob those that were stored?"""

from __future__ import annotations

import hashlib
from typing import Final

from hilum.store.blobs.protocol import BlobStore, Part
from hilum.store.rows.records import IndexRow

_CHUNK_BYTES: Final = 1024 * 1024


def fault_of(row: IndexRow, blobs: BlobStore) -> tuple[str, str] | None:
    """Read a blob and compare its digests; return the kind of what is wrong and a sentence, None if all is well."""
    head, data_set = hashlib.sha256(), hashlib.sha256()
    offset = 0
    try:
        while chunk := blobs.read(row.blob_id, Part.OBJECT, offset, _CHUNK_BYTES):
            inside = max(0, min(len(chunk), row.data_set_offset - offset))
            view = memoryview(chunk)
            head.update(view[:inside])
            data_set.update(view[inside:])
            offset += len(chunk)
    except FileNotFoundError:
        return "missing blob", "Its blob is missing."
    except OSError:
        return "broken blob", "Its blob cannot be read from the storage."
    if (head.digest(), data_set.digest()) != (row.head_digest, row.data_set_digest):
        return "broken blob", "The bytes of its blob are not those that were stored."
    return None
