"""Objects that pydicom repairs."""

from __future__ import annotations

import io
import logging
import struct

import pydicom
import pytest

from hilum.dicom.reading.fallback import repair
from hilum.dicom.reading.instance import DecodeError, TruncatedError
from hilum.dicom.reading.spools import Sidecar
from scanning import (
    big_endian_object,
    defined_item,
    element,
    explicit_data_set,
    explicit_object,
    head,
    implicit_element,
    implicit_object,
    open_spool,
    read,
    sequence,
)

_IMPLICIT_INSIDE = element(0x00081140, "SQ", defined_item(implicit_element(0x00100020, b"ID")))
"""Some writers change to Implicit VR inside of sequences."""


def repaired(blob: bytes) -> tuple[str, bytes]:
    sidecar = Sidecar(open_spool)
    uid = repair(blob, sidecar, DecodeError("cause"))
    finished = sidecar.finish()
    assert isinstance(finished, bytes)
    return uid, finished


def test_what_pydicom_understands_is_written_anew() -> None:
    blob = explicit_object(_IMPLICIT_INSIDE, element(0x00280010, "US", b"\2\0"))

    uid, form = repaired(blob)

    data_set = pydicom.dcmread(io.BytesIO(form))
    assert uid == "1.2.840.10008.1.2.1"
    assert data_set.ReferencedImageSequence[0].PatientID == "ID"
    assert data_set.Rows == 2


def test_a_repaired_object_is_scanned_in_its_new_form() -> None:
    scanned = read(explicit_object(_IMPLICIT_INSIDE, element(0x7FE00010, "OW", b"abcd")))

    assert scanned.instance.fallback == "repaired"
    assert scanned.json["00081140"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["ID"]}}]
    assert scanned.bulk("7FE00010") == b"abcd"


@pytest.mark.parametrize(
    "blob",
    [
        explicit_object()[132:],
        implicit_object()[132:],
        head("1.2.840.10008.1.2.1")[:132] + explicit_data_set(),
        implicit_object()[144 + 26 :],
        big_endian_object()[144 + 28 :],
        explicit_data_set(),
        head("1.2.840.10008.1.2") + explicit_data_set(),
        head("1.2.840.10008.1.2.1") + implicit_object()[len(head("1.2.840.10008.1.2")) :],
    ],
    ids=[
        "no preamble",
        "no preamble, implicit",
        "no file meta",
        "bare implicit data set",
        "bare big-endian data set",
        "bare explicit data set",
        "explicit called implicit",
        "implicit called explicit",
    ],
)
def test_a_missing_or_wrong_head_is_made_good(blob: bytes) -> None:
    scanned = read(blob)

    assert scanned.instance.fallback == "repaired"
    assert scanned.instance.sop_instance_uid == "1.2.3.1"
    assert pydicom.dcmread(io.BytesIO(scanned.wire)).SOPInstanceUID == "1.2.3.1"


def test_an_encapsulated_object_without_preamble_keeps_its_frames() -> None:
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    pixels += b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\4\0\0\0abcd" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    blob = explicit_object(pixels, syntax="1.2.840.10008.1.2.4.50")[132:]

    scanned = read(blob)

    assert scanned.instance.transfer_syntax_uid == "1.2.840.10008.1.2.4.50"
    assert scanned.bulk("7FE00010").endswith(b"abcd")
    assert scanned.instance.wire_form is not None
    assert scanned.instance.wire_form.middle_length == len(blob) - scanned.instance.data_set_offset


def test_repair_never_completes_what_is_cut_short() -> None:
    blob = explicit_object(_IMPLICIT_INSIDE, sequence(0x00081115, [b""]), element(0x7FE00010, "OW", bytes(40)))
    start = blob.index(_IMPLICIT_INSIDE) + len(_IMPLICIT_INSIDE)
    elements = [start, blob.index(b"\x20\0\x0d\0"), blob.index(b"\x20\0\x0e\0"), blob.index(b"\xe0\x7f\x10\0")]

    for stop in set(range(start, len(blob))) - set(elements):
        with pytest.raises(DecodeError):
            read(blob[:stop])


def test_words_that_pydicom_would_leave_reversed_are_refused() -> None:
    with pytest.raises(DecodeError, match="cause"):
        repaired(big_endian_object())


@pytest.mark.parametrize("blob", [b"", bytes(300), b"\x08\0\x60\0CS\2\0CT" * 3, bytes(range(256)) * 9])
def test_what_pydicom_cannot_read_either_fails_for_the_first_cause(blob: bytes) -> None:
    with pytest.raises(DecodeError):
        repaired(blob)


def test_a_short_value_is_cut_short() -> None:
    with pytest.raises(TruncatedError):
        repaired(explicit_object() + element(0x7FE00010, "OW", bytes(40))[:-1])


def test_pydicom_tells_the_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    read(explicit_object(element(0x00080005, "CS", b"nonsense"), _IMPLICIT_INSIDE, element(0x00100030, "DA", b"x ")))

    assert caplog.records == []
