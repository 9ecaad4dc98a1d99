"""Objects that only pydicom can read, written anew in a form that the scan reads.

Repair is for what is odd, never for what is missing: an object that ends too early stays refused.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset

from hilum.dicom.reading.instance import DecodeError, ExcessError, MisplacedError, TruncatedError
from hilum.dicom.reading.spools import Sidecar, Source
from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

MAX_REPAIRED_BYTES: Final = 32 * 1024 * 1024
"""Largest object that is repaired: pydicom holds it in memory several times."""

_MAX_READS: Final = 400_000
_MAX_ITEMS: Final = 20_000
_MAX_SEQUENCE_BYTES: Final = 4 * 1024 * 1024
"""What pydicom may be given to do: it takes about 20 microseconds and 1 kB for an element, more for an item."""

_ITEM: Final = b"\xfe\xff\x00\xe0"
_SEARCH_BYTES: Final = 8192
"""Bytes that pydicom reads at once in search of a delimiter; these reads may end early."""

_UNDEFINED: Final = 0xFFFFFFFF
_NATIVE: Final = frozenset(("", IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN))
_TOO_MUCH: Final = "The object is broken, and too large to be repaired."
_CUT_SHORT: Final = "The object is cut short."


class _Reader(io.BytesIO):
    """Counts reads, and those that got less than they asked for: at most one of these, at the end, is right."""

    reads = 0
    short_reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MAX_READS:
            raise ExcessError(_TOO_MUCH)
        data = super().read(size)
        if size is not None and size > len(data) and size != _SEARCH_BYTES:
            self.short_reads += 1 if not data and size == 8 else 2
        return data


def repair(source: Source, sidecar: Sidecar, cause: DecodeError) -> str:
    """Write the object as pydicom understands it, in Explicit VR Little Endian, to `sidecar`.

    Encapsulated pixel data and their transfer syntax stay as they are.

    Args:
        source: the whole object.
        sidecar: is empty.
        cause: why the scan could not read the object; raised if pydicom cannot either.

    Returns:
        The transfer syntax of the object as received.

    Raises:
        DecodeError: it cannot be read; TruncatedError if it is cut short, ExcessError if that is too much to do.
    """
    blob = source[:]
    if blob.count(_ITEM) > _MAX_ITEMS:
        raise ExcessError(_TOO_MUCH)
    reader = _Reader(blob)
    with quietly():
        try:
            data_set = pydicom.dcmread(reader, force=True)
            _check_whole(data_set, _MAX_SEQUENCE_BYTES)
        except (TruncatedError, MisplacedError, ExcessError):
            raise
        except Exception as error:
            # pydicom lets through whatever it meets in a broken object.
            raise cause from error
        if reader.short_reads > 1:
            raise TruncatedError(_CUT_SHORT, offset=len(source))
        return _write(data_set, sidecar, cause)


def _check_whole(data_set: Dataset, allowance: int) -> int:
    """Raise TruncatedError if a value is shorter than its length says; pydicom takes what is there.

    Args:
        data_set: as pydicom read it.
        allowance: bytes of sequences that may still be looked into.

    Returns:
        What is left of the allowance.
    """
    for element in list(data_set.elements()):
        if isinstance(element, RawDataElement):
            value = element.value or b""
            if element.length not in (_UNDEFINED, len(value)):
                raise TruncatedError(_CUT_SHORT, offset=element.value_tell, tag=int(element.tag))
            allowance -= len(value) if value.startswith(_ITEM) else 0
            if allowance < 0:
                raise ExcessError(_TOO_MUCH)
            if element.VR not in ("SQ", "UN", None):
                continue
        converted = data_set[element.tag]
        if converted.VR == "SQ":
            for item in converted.value:
                allowance = _check_whole(item, allowance)
    return allowance


def _write(data_set: pydicom.FileDataset, sidecar: Sidecar, cause: DecodeError) -> str:
    """Write `data_set` to `sidecar`; return the transfer syntax that it had."""
    meta = getattr(data_set, "file_meta", None) or FileMetaDataset()
    stored = str(meta.get("TransferSyntaxUID", "")).strip()
    is_implicit, is_little = data_set.original_encoding
    if not is_little or stored == EXPLICIT_VR_BIG_ENDIAN:
        # pydicom leaves the words of OW values in their order.
        raise cause
    target = io.BytesIO()
    try:
        meta.TransferSyntaxUID = EXPLICIT_VR_LITTLE_ENDIAN if stored in _NATIVE else stored
        meta.MediaStorageSOPClassUID = data_set.SOPClassUID
        meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
        data_set.file_meta = meta
        pydicom.dcmwrite(target, data_set, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except Exception as error:
        # As above: the causes are as many as broken objects.
        raise cause from error
    sidecar.write(target.getvalue())
    return stored or (IMPLICIT_VR_LITTLE_ENDIAN if is_implicit else EXPLICIT_VR_LITTLE_ENDIAN)


_repairing: Final = threading.Lock()


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom's warnings, which may hold values of the data set, out of the log of this thread."""
    thread = threading.get_ident()

    def is_of_another_thread(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("pydicom")
    # Filters of warnings belong to the process: two threads must not change and restore them at once. One repair at
    # a time also bounds the memory that repairs take.
    with _repairing:
        logger.addFilter(is_of_another_thread)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.removeFilter(is_of_another_thread)
