from __future__ import annotations

import io
import struct

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from hilum.dicom.reading.file_meta import read_head
from hilum.dicom.reading.implicit_form import ImplicitForm
from hilum.dicom.reading.instance import DecodeError, TruncatedError
from samples import encode, make_dataset, packaged_objects

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def rewritten(data: bytes, chunk_bytes: int = 1 << 20) -> bytes:
    form = ImplicitForm(nesting=8)
    chunks = (data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes))
    result = b"".join(form.feed(chunk) for chunk in chunks)
    form.close()
    return result


def data_set_of(content: bytes) -> bytes:
    return content[read_head(content).length :]


def read_implicit(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data), force=True)


def nested() -> Dataset:
    inner, outer, empty = Dataset(), Dataset(), Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "odd"
    outer.ConceptNameCodeSequence = [inner, Dataset()]
    empty.ContentSequence = []
    return make_dataset(ContentSequence=[outer, empty], StudyDescription="a text")


@pytest.mark.requirement("WS-08")
@pytest.mark.filterwarnings("ignore")
def test_real_objects_say_the_same_in_implicit_form() -> None:
    checked = 0
    for path in packaged_objects().values():
        if path.stat().st_size > 300_000:
            continue
        content = path.read_bytes()
        stored = pydicom.dcmread(io.BytesIO(content))
        if stored.file_meta.TransferSyntaxUID != EXPLICIT or stored.original_encoding[0]:
            continue

        try:
            result = rewritten(data_set_of(content))
        except TruncatedError:
            # Some of these files are there because they are cut short.
            continue

        found = pydicom.dcmread(io.BytesIO(read_head(content).rewritten(IMPLICIT) + result))
        assert [element.tag for element in found] == [element.tag for element in stored]
        for element in stored:
            if not element.tag.is_private and element.VR not in ("UN", "SQ") and element.VR == found[element.tag].VR:
                assert found[element.tag].value == element.value
        checked += 1
    assert checked > 20


@settings(max_examples=40)
@given(st.integers(1, 40))
def test_any_split_gives_the_same(chunk_bytes: int) -> None:
    data = data_set_of(encode(nested()))

    result = rewritten(data, chunk_bytes)

    assert result == rewritten(data)
    found = read_implicit(result)
    assert found.ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "odd"
    assert len(found.ContentSequence[0].ConceptNameCodeSequence[1]) == 0
    assert len(found.ContentSequence[1].ContentSequence) == 0
    assert found.PixelData == bytes(range(16))


def test_unknown_elements_of_undefined_length_are_implicit_already() -> None:
    inside = struct.pack("<HHI", 0x0008, 0x0100, 2) + b"1 "
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF) + item + end

    result = rewritten(data, 3)

    assert result.startswith(struct.pack("<HHI", 0x0009, 0x1001, 0xFFFFFFFF))
    assert inside in result


def _sequence(length: int, content: bytes) -> bytes:
    return struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, length) + content


ITEM_START, ITEM_STOP = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF), struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
BROKEN = {
    "no VR": struct.pack("<HHI", 0x0008, 0x0100, 2) + b"1 ",
    "cut short": struct.pack("<HH2sH", 0x0008, 0x0100, b"SH", 200) + b"1 ",
    "half a header": b"\x08\x00",
    "a delimiter alone": ITEM_STOP,
    "an item alone": ITEM_START,
    "no items in a sequence": _sequence(10, struct.pack("<HH2sH", 0x0008, 0x0100, b"SH", 2) + b"1 "),
    "an element beyond its item": _sequence(
        8 + 4, struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"\x08\0\0\1SH\x02\0" + b"1 "
    ),
    "encapsulated pixel data": struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF),
    "an open sequence": _sequence(0xFFFFFFFF, b""),
    "a deep one": (_sequence(0xFFFFFFFF, b"") + ITEM_START) * 30,
    "a delimiter in a sequence with a length": _sequence(16, ITEM_START + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_explicit_data_set_is_refused(name: str) -> None:
    with pytest.raises(DecodeError):
        rewritten(BROKEN[name])


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(1, 64))
def test_no_bytes_do_harm(data: bytes, chunk_bytes: int) -> None:
    try:
        result = rewritten(data, chunk_bytes)
    except DecodeError:
        return
    assert len(result) <= 3 * len(data) + 16
