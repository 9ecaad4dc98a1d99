"""The part of an object before its pixel data, read by pydicom, changed, and written anew."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from hilum.archive.archive import Archive
from hilum.archive.objects import bulk_values, wire_bytes, wire_length
from hilum.dicom.building.part10 import make_head
from hilum.dicom.reading.fallback import quietly
from hilum.dicom.reading.instance import BulkValue, DecodeError
from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.store.rows.records import StoredInstance

_PIXEL_DATA: Final = ("7FE00010", "7FE00008", "7FE00009")
_OFFSET_TABLES: Final = (0x7FE00001, 0x7FE00002, 0x7FE00003)
PIXEL_HEADER_BYTES: Final = 12
_MOST_BYTES: Final = 32 * 1024 * 1024
_UNWRITABLE: Final = "The header of the instance cannot be written anew."


@dataclass(frozen=True, slots=True)
class Header:
    """All attributes before the pixel data, and where these lie in the wire form; without any they are None."""

    data_set: Dataset
    pixel_data: BulkValue | None


def read_header(instance: StoredInstance, *, archive: Archive) -> Header:
    """Return the header of a stored instance.

    Raises:
        PayloadTooLarge: it is too large to be held in memory.
        NotAcceptable: it cannot be read.
    """
    values, _ = bulk_values(instance, archive=archive)
    pixel_data = next((value for value in values if value.path in _PIXEL_DATA), None)
    stop = pixel_data.offset - PIXEL_HEADER_BYTES if pixel_data else wire_length(instance)
    if stop > _MOST_BYTES:
        raise PayloadTooLarge("The header of the instance is larger than this origin server writes anew.")
    prefix = b"".join(wire_bytes(instance, archive=archive, length=stop))
    with quietly():
        try:
            data_set = pydicom.dcmread(io.BytesIO(prefix), stop_before_pixels=True)
        except Exception as error:
            # pydicom raises whatever a malformed data set makes it trip over.
            raise NotAcceptable(_UNWRITABLE) from error
    return Header(data_set, pixel_data)


def drop_offset_tables(data_set: Dataset) -> None:
    """Take out what describes fragments that are written no more."""
    for tag in _OFFSET_TABLES:
        if tag in data_set:
            del data_set[tag]


def written_header(data_set: Dataset, transfer_syntax_uid: str) -> bytes:
    """Return head and data set in Explicit VR Little Endian, for pixel data in `transfer_syntax_uid` to follow.

    Nothing of the stored preamble and File Meta Information is in it.

    Raises:
        NotAcceptable: an attribute has a value that cannot be written.

    Source: PS3.10 7.1.
    """
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with quietly():
        try:
            write_dataset(buffer, data_set)
        except Exception as error:
            # As above: the causes are as many as broken objects.
            raise NotAcceptable(_UNWRITABLE) from error
    try:
        head = make_head(str(data_set.SOPClassUID), str(data_set.SOPInstanceUID), transfer_syntax_uid)
    except (DecodeError, AttributeError) as error:
        raise NotAcceptable(_UNWRITABLE) from error
    return head + buffer.getvalue()
