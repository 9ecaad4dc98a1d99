"""The scan of Part 10 objects, held equal to pydicom."""

from __future__ import annotations

import io
import mmap
import struct
import tempfile
import warnings
import zlib
from pathlib import Path

import orjson
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from hilum.dicom.json import LONG_VRS
from hilum.dicom.reading.frames import frame_span, join_fragments, take_bits
from hilum.dicom.reading.instance import DecodeError, EncapsulatedFrames, NativeFrames, ScanLimits, TruncatedError
from hilum.dicom.reading.part10 import scan
from samples import encode, make_dataset, packaged_objects
from scanning import (
    Scanned,
    big_endian_object,
    element,
    explicit_data_set,
    explicit_object,
    head,
    implicit_element,
    implicit_object,
    implicit_sequence,
    open_spool,
    packaged_files,
    padded,
    plain,
    read,
    reference,
    sequence,
)

_UNREADABLE_BY_PYDICOM = {
    "explicit_VR-UN.dcm",  # Specific Character Set in UN
    "badVR.dcm",  # an IS that is no number
}
_CUT_SHORT = {"emri_small_jpeg_2k_lossless_too_short.dcm", "MR_truncated.dcm", "rtplan_truncated.dcm"}
_NO_UID = {"bad_sequence.dcm"}

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]


def readable_objects() -> dict[str, Path]:
    return {name: path for name, path in packaged_objects().items() if name not in _CUT_SHORT | _NO_UID}


@pytest.mark.parametrize("name", sorted(set(readable_objects()) - _UNREADABLE_BY_PYDICOM))
def test_metadata_and_wire_form_of_packaged_objects_are_what_pydicom_reads(name: str) -> None:
    blob = readable_objects()[name].read_bytes()

    scanned = read(blob)

    assert plain(scanned) == reference(blob)
    assert plain(scanned) == reference(scanned.wire)


@pytest.mark.parametrize("path", packaged_files(), ids=lambda path: path.name)
def test_a_packaged_file_is_read_or_refused(path: Path) -> None:
    blob = path.read_bytes()

    try:
        scanned = read(blob)
    except DecodeError:
        return

    assert_consistent(scanned)


@pytest.mark.parametrize("name", sorted(_CUT_SHORT & set(packaged_objects())))
def test_objects_that_are_cut_short_are_refused(name: str) -> None:
    with pytest.raises(TruncatedError):
        read(packaged_objects()[name].read_bytes())


def assert_consistent(scanned: Scanned) -> None:
    """Check what has to hold of any result, whatever the object."""
    instance, text = scanned.instance, scanned.text
    json = orjson.loads(text)
    for offset in struct.unpack(f"<{len(instance.uri_offsets) // 8}Q", instance.uri_offsets):
        assert text[offset:].startswith(b"/bulkdata/")
    assert text.count(b',"BulkDataURI":"') == len(instance.uri_offsets) // 8 == len(instance.bulk)
    assert len({value.path for value in instance.bulk}) == len(instance.bulk)
    assert all(value.offset + value.length <= len(scanned.wire) for value in instance.bulk)
    assert list(json) == sorted(json)
    assert set(instance.attributes) <= set(json)
    assert list(instance.attributes) == sorted(instance.attributes)
    frames = instance.frames
    for index in range(frames.count if frames else 0):
        assert frames is not None
        span = frame_span(frames, index)
        assert span.offset + span.length <= len(scanned.wire)
        if isinstance(frames, EncapsulatedFrames):
            join_fragments(scanned.wire[span.offset : span.offset + span.length], span.fragments)


def frame_bytes(scanned: Scanned, frame_index: int) -> bytes:
    frames = scanned.instance.frames
    assert frames is not None
    span = frame_span(frames, frame_index)
    data = scanned.wire[span.offset : span.offset + span.length]
    if isinstance(frames, NativeFrames):
        return take_bits(data, span.first_bit, frames.frame_bits)
    return join_fragments(data, span.fragments)


@pytest.mark.requirement("WADO-52")
@pytest.mark.parametrize("name", sorted(set(readable_objects()) - {"badVR.dcm"}))
def test_frames_of_packaged_objects_are_those_of_the_pixel_data(name: str) -> None:
    scanned = read(readable_objects()[name].read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(io.BytesIO(scanned.wire))
        count = int(data_set.get("NumberOfFrames") or 1)
    if "PixelData" not in data_set:
        assert scanned.instance.frames is None
        return
    frames = [frame_bytes(scanned, index) for index in range(count)]
    if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        assert frames == list(generate_frames(data_set.PixelData, number_of_frames=count))
    else:
        whole = b"".join(frames)
        assert data_set.PixelData[: len(whole)] == whole
        assert not data_set.PixelData[len(whole) :].strip(b"\0")


_texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"], exclude_characters="\\^="), max_size=12
)
_numbers = st.integers(0, 65535)
_TAGS = {
    "AE": 0x00080054, "AS": 0x00101010, "AT": 0x00280009, "CS": 0x00080060, "DA": 0x00080020, "DS": 0x00280030,
    "DT": 0x0008002A, "FD": 0x00189087, "FL": 0x00660016, "IS": 0x00200013, "LO": 0x00081030, "LT": 0x00204000,
    "OB": 0x00420011, "OD": 0x7FE00009, "OF": 0x00640009, "OL": 0x00660023, "OV": 0x7FE00001, "OW": 0x00281201,
    "PN": 0x00100010, "SH": 0x00080050, "SL": 0x00186020, "SS": 0x00189219, "ST": 0x00080081, "SV": 0x00720082,
    "TM": 0x00080030, "UC": 0x00080119, "UI": 0x00081155, "UL": 0x00186016, "UR": 0x00080120, "US": 0x00280010,
    "UT": 0x0040A160, "UV": 0x00720083,
}  # fmt: skip
"""An attribute of each VR."""


def _values(one: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(one, min_size=1, max_size=3).map(lambda values: values[0] if len(values) == 1 else values)


def _binary(size: int) -> st.SearchStrategy[object]:
    return st.binary(max_size=6).map(lambda raw: raw * 2 * size)


_BY_VR: dict[str, st.SearchStrategy[object]] = {
    "AE": _values(st.sampled_from(["STORE", "A B"])),
    "AS": st.sampled_from(["018M", "007D"]),
    "AT": _values(st.integers(0, 2**32 - 1)),
    "CS": _values(st.sampled_from(["CT", "ORIGINAL", ""])),
    "DA": _values(st.sampled_from(["20240131", "19991231"])),
    "DS": _values(st.sampled_from(["1", "-0.5", "1e3", "0.1000", "+4", "1234567890.12345"])),
    "DT": st.sampled_from(["20240131101112.123456+0100"]),
    "FD": _values(st.floats(allow_nan=False, allow_infinity=False)),
    "FL": _values(st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "IS": _values(st.integers(-(2**31), 2**31 - 1)),
    "LO": _values(_texts),
    "LT": _texts,
    "OB": _binary(1),
    "OD": _binary(8),
    "OF": _binary(4),
    "OL": _binary(4),
    "OV": _binary(8),
    "OW": _binary(2),
    "PN": _values(st.lists(_texts, min_size=1, max_size=3).map("=".join).filter(lambda name: name.strip("="))),
    "SH": _values(_texts),
    "SL": _values(st.integers(-(2**31), 2**31 - 1)),
    "SS": _values(st.integers(-(2**15), 2**15 - 1)),
    "ST": _texts,
    "SV": _values(st.integers(-(2**63), 2**63 - 1)),
    "TM": _values(st.sampled_from(["101112", "101112.5"])),
    "UC": _values(_texts),
    "UI": _values(st.sampled_from(["1.2.3", "1.2.840.10008.1.2"])),
    "UL": _values(st.integers(0, 2**32 - 1)),
    "UR": st.sampled_from(["http://example.org/a?b=c", "urn:x"]),
    "US": _values(_numbers),
    "UT": _texts,
    "UV": _values(st.integers(0, 2**64 - 1)),
}


@st.composite
def _data_sets(draw: st.DrawFn, depth: int = 2) -> pydicom.Dataset:
    """A data set of attributes of all VRs, with sequences and a private block."""
    data_set = pydicom.Dataset()
    for vr in draw(st.sets(st.sampled_from(sorted(_BY_VR)), max_size=8)):
        data_set.add_new(_TAGS[vr], vr, draw(_BY_VR[vr]))
    if draw(st.booleans()):
        block = data_set.private_block(0x0099, "Nobody 1.0", create=True)
        block.add_new(0x01, "LO", draw(_texts))
        block.add_new(0x02, "UN", draw(st.binary(max_size=4)) * 2)
    if depth:
        items = draw(st.lists(_data_sets(depth - 1), max_size=2))
        data_set.add_new(0x00081140, "SQ", pydicom.Sequence(items))
        data_set[0x00081140].is_undefined_length = draw(st.booleans())
    return data_set


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@given(generated=_data_sets())
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
def test_generated_data_sets_are_what_pydicom_reads(syntax: str, generated: pydicom.Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = make_dataset()
        data_set.update(generated)
        if syntax == ImplicitVRLittleEndian:
            data_set.PixelData = data_set.pop("PixelData").value
        blob = encode(data_set, syntax)

    scanned = read(blob)

    assert_consistent(scanned)
    assert plain(scanned) == reference(blob)
    assert plain(scanned) == reference(scanned.wire)


CHARSETS = {
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 144": "\u041b\u044e\u043a^\u042e",
    "ISO_IR 13": "ﾔﾏﾀﾞ",
    "ISO_IR 192": "王^小東😀",
    "GB18030": "王^小东",
    "GBK": "王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "\\ISO 2022 IR 100\\ISO 2022 IR 144": "Müller^\u041b\u044e\u043a",
}


@pytest.mark.requirement("JSON-40")
@pytest.mark.parametrize("terms", CHARSETS)
@pytest.mark.parametrize("syntax", SYNTAXES[:3], ids=lambda syntax: syntax.name)
def test_text_of_every_character_set_comes_out_as_utf8(terms: str, syntax: str) -> None:
    name = CHARSETS[terms]
    data_set = make_dataset(
        SpecificCharacterSet=terms.split("\\"), PatientName=name, StudyDescription=name.split("=")[0]
    )

    scanned = read(encode(data_set, syntax))

    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
    assert scanned.json["00100010"]["Value"] == [groups]
    assert scanned.json["00081030"]["Value"] == [name.split("=")[0]]
    assert scanned.json["00080005"]["Value"] == [term or None for term in terms.split("\\")]
    assert plain(scanned) == reference(scanned.wire)


def test_items_may_have_a_character_set_of_their_own() -> None:
    item = element(0x00080005, "CS", b"ISO_IR 144") + element(0x00081030, "LO", b"\xbb\xee")
    plain_item = element(0x00081030, "LO", b"M\xfc")
    blob = explicit_object(
        element(0x00080005, "CS", b"ISO_IR 100"),
        sequence(0x00081140, [item, plain_item]),
        element(0x00104000, "LT", b"M\xfc"),
    )

    json = read(blob).json

    assert [item["00081030"]["Value"] for item in json["00081140"]["Value"]] == [["\u041b\u044e"], ["Mü"]]
    assert json["00104000"]["Value"] == ["Mü"]


@pytest.mark.requirement("JSON-05")
def test_attributes_out_of_order_are_put_in_order() -> None:
    data_set = explicit_data_set()
    blob = (
        head(ExplicitVRLittleEndian)
        + data_set
        + element(0x00080005, "CS", b"ISO_IR 192")
        + element(0x00080060, "CS", b"CT")
        + element(0x00100010, "PN", "Ü ".encode())
    )

    scanned = read(blob)

    assert list(scanned.json) == sorted(scanned.json)
    assert scanned.json["00100010"]["Value"] == [{"Alphabetic": "Ü"}]
    assert list(scanned.instance.attributes) == sorted(scanned.instance.attributes)


def test_a_character_set_that_comes_late_counts_for_all_text() -> None:
    name = element(0x00100010, "PN", "Ü ".encode())
    blob = head(ExplicitVRLittleEndian) + explicit_data_set(name) + element(0x00080005, "CS", b"ISO_IR 192")

    assert read(blob).json["00100010"]["Value"] == [{"Alphabetic": "Ü"}]


def test_the_first_of_two_elements_of_one_tag_is_kept() -> None:
    bulk = element(0x00420011, "OB", bytes(2000))
    blob = explicit_object(element(0x00420011, "OB", b"ab")) + bulk

    scanned = read(blob)

    assert scanned.json["00420011"] == {"vr": "OB", "InlineBinary": "YWI="}
    assert scanned.instance.bulk == ()


@pytest.mark.requirement("JSON-06")
@pytest.mark.requirement("JSON-54")
def test_group_lengths_and_trailing_padding_are_left_out() -> None:
    blob = explicit_object(
        element(0x00080000, "UL", b"\1\0\0\0"),
        sequence(0x00081140, [element(0x00080000, "UL", b"\1\0\0\0")]),
        element(0xFFFCFFFC, "OB", b"\0\0"),
    )

    json = read(blob).json

    assert set(json) == {"00080016", "00080018", "0020000D", "0020000E", "00081140"}
    assert json["00081140"]["Value"] == [{}]


@pytest.mark.requirement("JSON-34")
def test_empty_items_and_empty_sequences_differ() -> None:
    blob = explicit_object(sequence(0x00081140, [b"", b""]), sequence(0x00081115, []), element(0x00081111, "SQ", b""))

    json = read(blob).json

    assert json["00081140"]["Value"] == [{}, {}]
    assert json["00081115"] == json["00081111"] == {"vr": "SQ"}


@pytest.mark.requirement("JSON-38")
def test_bulk_values_have_a_path_of_their_own() -> None:
    icon = element(0x7FE00010, "OW", bytes(8))
    blob = explicit_object(
        sequence(0x00880200, [icon, icon]),
        element(0x00420011, "OB", bytes(range(250)) * 5),
        element(0x00660016, "FL", struct.pack("<f", float("nan"))),
    )

    scanned = read(blob)

    assert_consistent(scanned)
    assert [value.path for value in scanned.instance.bulk] == [
        "00420011",
        "00660016",
        "00880200/1/7FE00010",
        "00880200/2/7FE00010",
    ]
    assert scanned.json["00880200"]["Value"][1]["7FE00010"]["BulkDataURI"] == "/bulkdata/00880200/2/7FE00010"
    assert scanned.bulk("00420011") == bytes(range(250)) * 5
    assert not set(scanned.instance.attributes) & {"00420011", "00660016", "00880200"}


@pytest.mark.requirement("JSON-41")
@pytest.mark.parametrize(("vr", "limit"), [("OB", 1024), ("US", 1024), ("UN", 1024), ("UT", 65536), ("LT", 65534)])
def test_long_values_become_bulk_data_where_their_vr_allows_it(vr: str, limit: int) -> None:
    tag = 0x00990010 if vr == "UN" else 0x00420011
    at_limit = read(explicit_object(element(tag, vr, b"a" * limit)))

    assert at_limit.instance.bulk == ()
    if limit < 65534 or vr == "UT":
        above = read(explicit_object(element(tag, vr, b"a" * (limit + 2))))
        assert [value.length for value in above.instance.bulk] == [limit + 2]


@pytest.mark.requirement("JSON-32")
@pytest.mark.parametrize("vr", ["LO", "UI", "CS", "PN", "UR", "AT"])
def test_long_values_stay_inline_where_their_vr_allows_nothing_else(vr: str) -> None:
    assert read(explicit_object(element(0x00990001, vr, b"1" * 60_000))).instance.bulk == ()


@pytest.mark.requirement("WADO-44")
@pytest.mark.parametrize("tag", [0x7FE00008, 0x7FE00009, 0x7FE00010])
def test_pixel_data_are_never_inline(tag: int) -> None:
    vr = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}[tag]

    assert "BulkDataURI" in read(explicit_object(element(tag, vr, bytes(8)))).json[f"{tag:08X}"]


@pytest.mark.requirement("JSON-51")
@pytest.mark.requirement("JSON-44")
def test_un_is_kept_and_its_value_still_identifies() -> None:
    elements = [element(tag, "UN", padded(f"1.2.{tag}")) for tag in (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)]
    name = element(0x00100010, "UN", b"Doe^J ")

    scanned = read(head(ExplicitVRLittleEndian) + b"".join(sorted((*elements, name))))

    assert scanned.instance.sop_instance_uid == f"1.2.{0x00080018}"
    assert scanned.json["00100010"] == {"vr": "UN", "InlineBinary": "RG9lXkog"}
    assert scanned.instance.attributes["00100010"] == b'{"vr":"PN","Value":[{"Alphabetic":"Doe^J"}]}'


def test_un_of_undefined_length_is_a_sequence_in_implicit_vr() -> None:
    items = [implicit_element(0x00100020, b"ID"), implicit_element(0x00280106, b"\xff\xff")]
    blob = explicit_object(
        sequence(0x00990010, items, "UN"), sequence(0x00081140, [element(0x00100020, "LO", b"ID")], "UN")
    )

    json = read(blob).json

    assert json["00990010"]["Value"] == [
        {"00100020": {"vr": "LO", "Value": ["ID"]}},
        {"00280106": {"vr": "US", "Value": [65535]}},
    ]
    assert json["00081140"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["ID"]}}]


@pytest.mark.requirement("JSON-55")
def test_pixel_representation_decides_between_us_and_ss_at_every_depth() -> None:
    signed, smallest = implicit_element(0x00280103, b"\1\0"), implicit_element(0x00280106, b"\xff\xff")
    unsigned = implicit_element(0x00280103, b"\0\0")
    blob = implicit_object(
        implicit_sequence(0x00081140, [smallest, unsigned + smallest]),
        implicit_element(0x00189810, b"\xfe\xff"),
        signed,
        smallest,
        implicit_sequence(
            0x00283000, [implicit_element(0x00283002, b"\1\0\0\0\x10\0") + implicit_element(0x00283006, b"\5\0")]
        ),
        implicit_sequence(
            0x00283010, [implicit_element(0x00283002, b"\2\0\0\0\x10\0") + implicit_element(0x00283006, b"\5\0\6\0")]
        ),
    )

    json = read(blob).json

    assert json["00280106"] == {"vr": "SS", "Value": [-1]}
    assert json["00189810"] == {"vr": "SS", "Value": [-2]}
    assert [item["00280106"]["vr"] for item in json["00081140"]["Value"]] == ["SS", "US"]
    assert json["00283000"]["Value"][0]["00283006"] == {"vr": "US", "Value": [5]}
    assert json["00283010"]["Value"][0]["00283006"]["vr"] == "OW"


@pytest.mark.requirement("TSX-14")
def test_a_value_too_long_for_its_vr_is_un_on_the_wire_and_itself_in_metadata() -> None:
    contour = b"\\".join([b"123.456"] * 10_000)
    blob = implicit_object(implicit_element(0x30060050, contour + b" "))

    scanned = read(blob)

    assert scanned.json["30060050"] == {"vr": "DS", "BulkDataURI": "/bulkdata/30060050"}
    assert scanned.bulk("30060050") == contour + b" "
    with_un = pydicom.dcmread(io.BytesIO(scanned.wire))
    assert with_un.get_item(0x30060050).VR == "UN"


@pytest.mark.parametrize("missing", [0x00080016, 0x00080018, 0x0020000D, 0x0020000E])
@pytest.mark.parametrize("value", [None, b"", b"1..2", b"1.2.x ", b"../../x ", b"1.2\\1.3 ", b"1" * 66])
def test_an_object_without_a_valid_identifying_uid_is_refused(missing: int, value: bytes | None) -> None:
    data_set = explicit_data_set()
    elements = [
        element(tag, "UI", b"1.2.3\0") for tag in (0x00080016, 0x00080018, 0x0020000D, 0x0020000E) if tag != missing
    ]
    if value is not None:
        elements.append(element(missing, "UI", value))

    with pytest.raises(DecodeError, match="UID"):
        read(head(ExplicitVRLittleEndian) + b"".join(sorted(elements)))
    assert read(head(ExplicitVRLittleEndian) + data_set).instance.sop_instance_uid == "1.2.3.1"


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_an_object_cut_anywhere_is_refused(syntax: str) -> None:
    item = make_dataset()
    del item.PixelData
    blob = encode(make_dataset(ReferencedImageSequence=[item], BurnedInAnnotation="NO"), syntax)
    # Between two elements, no one can tell that more was to come.
    whole = boundaries(blob, syntax) if syntax != DeflatedExplicitVRLittleEndian else {len(blob.rstrip(b"\0"))}

    for stop in set(range(len(blob))) - whole:
        with pytest.raises(DecodeError):
            scan(blob[:stop], limits=ScanLimits(), open_spool=open_spool)


def boundaries(blob: bytes, syntax: str) -> set[int]:
    """Return where the elements of the top level end; none of them has undefined length."""
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    position, found = read(blob).instance.data_set_offset, set[int]()
    while position < len(blob):
        vr = blob[position + 4 : position + 6].decode("latin_1")
        if syntax == ImplicitVRLittleEndian:
            position += 8 + struct.unpack_from("<I", blob, position + 4)[0]
        elif vr in LONG_VRS:
            position += 12 + struct.unpack_from(order + "I", blob, position + 8)[0]
        else:
            position += 8 + struct.unpack_from(order + "H", blob, position + 6)[0]
        found.add(position)
    return found


def test_encapsulated_pixel_data_cut_anywhere_are_refused() -> None:
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    pixels += b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\4\0\0\0abcd" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    blob = explicit_object(pixels, syntax="1.2.840.10008.1.2.4.50")
    assert frame_bytes(read(blob), 0) == b"abcd"

    for stop in set(range(len(blob))) - {len(blob) - len(pixels)}:
        with pytest.raises(DecodeError):
            read(blob[:stop])


def test_a_private_transfer_syntax_is_read_as_encapsulated() -> None:
    scanned = read(explicit_object(element(0x00100010, "PN", b"A "), syntax="1.3.6.1.4.1.5962.300.2"))

    assert scanned.instance.transfer_syntax_uid == "1.3.6.1.4.1.5962.300.2"


def test_video_is_one_frame() -> None:
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    pixels += b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\2\0\0\0ab" * 3 + b"\xfe\xff\xdd\xe0\0\0\0\0"
    blob = explicit_object(element(0x00280008, "IS", b"3 "), pixels, syntax="1.2.840.10008.1.2.4.102")

    scanned = read(blob)

    assert scanned.instance.frames is not None
    assert scanned.instance.frames.count == 1
    assert frame_bytes(scanned, 0) == b"ababab"


@pytest.mark.requirement("WADO-53")
def test_one_bit_frames_are_counted_in_bits() -> None:
    geometry = [
        element(0x00280010, "US", b"\3\0"),
        element(0x00280011, "US", b"\1\0"),
        element(0x00280100, "US", b"\1\0"),
    ]
    blob = explicit_object(
        *geometry, element(0x00280008, "IS", b"2 "), element(0x7FE00010, "OB", bytes([0b101_110, 0]))
    )

    scanned = read(blob)

    assert scanned.instance.frames == NativeFrames(len(blob) - 2, 3, 2)
    assert [frame_bytes(scanned, index) for index in (0, 1)] == [bytes([0b110]), bytes([0b101])]


def test_a_nesting_beyond_the_limit_is_refused() -> None:
    def nested(depth: int) -> bytes:
        return sequence(0x00081140, [nested(depth - 1)]) if depth else b""

    read(explicit_object(nested(64)))
    with pytest.raises(DecodeError, match="nested"):
        read(explicit_object(nested(65)))


@pytest.mark.parametrize("make", [explicit_object, implicit_object, big_endian_object])
def test_endless_nesting_is_refused(make: object) -> None:
    opening = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"

    with pytest.raises(DecodeError):
        read(make(opening * 20_000))  # type: ignore[operator]  # each takes elements


@pytest.mark.parametrize(
    "blob", [b"", b"\0" * 200, b"DICM", b"\0" * 128 + b"DICM", b"%PDF-1.7 " * 100, b"\x08\x00" * 400]
)
def test_what_is_no_dicom_is_refused(blob: bytes) -> None:
    with pytest.raises(DecodeError):
        read(blob)


def test_nuls_behind_the_data_set_are_passed_over() -> None:
    for make in (explicit_object, implicit_object):
        for count in (1, 7, 8, 100):
            assert read(make() + b"\0" * count).instance.sop_instance_uid == "1.2.3.1"


def test_a_map_is_scanned_where_it_is() -> None:
    pixels = bytes(3_000_000)
    blob = explicit_object(element(0x7FE00010, "OW", pixels))

    with tempfile.TemporaryFile() as file:
        file.write(blob)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as source, memoryview(source) as view:
            mapped = scan(view, limits=ScanLimits(), open_spool=open_spool)
            part = scan(view[: len(blob)], limits=ScanLimits(), open_spool=open_spool)

    assert mapped == part == scan(blob, limits=ScanLimits(), open_spool=open_spool)


def test_a_deflated_data_set_is_scanned_inflated() -> None:
    data_set = explicit_data_set(element(0x7FE00010, "OW", bytes(5000)))
    deflater = zlib.compressobj(wbits=-15)
    blob = head(DeflatedExplicitVRLittleEndian) + deflater.compress(data_set) + deflater.flush()

    scanned = read(blob)

    assert scanned.instance.fallback == "deflated"
    assert scanned.wire == head(ExplicitVRLittleEndian) + data_set
    assert scanned.bulk("7FE00010") == bytes(5000)


def test_big_endian_words_are_reversed_on_the_wire() -> None:
    blob = big_endian_object(
        element(0x00280010, "US", b"\0\1", ">"),
        element(0x00660016, "FL", struct.pack(">f", 1.5), ">"),
        element(0x7FE00010, "OW", b"\1\2\3\4\5", ">"),
    )

    scanned = read(blob)

    assert scanned.instance.fallback == "big-endian"
    assert scanned.json["00280010"]["Value"] == [1]
    assert scanned.json["00660016"]["Value"] == [1.5]
    assert scanned.bulk("7FE00010") == b"\2\1\4\3\5"


@pytest.mark.parametrize("count", [3, 12_000])
def test_metadata_of_any_length_are_exact(count: int) -> None:
    item = element(0x00080060, "CS", b"CT") + element(0x00420011, "OB", bytes(1026))
    blob = explicit_object(sequence(0x52009230, [item] * count), element(0x60003000, "OW", bytes(1026)))

    scanned = read(blob, ScanLimits())

    assert_consistent(scanned)
    assert len(scanned.json["52009230"]["Value"]) == count
    assert scanned.instance.bulk[-1].path == "60003000"
    assert "52009230" not in scanned.instance.attributes


def test_more_text_than_the_limit_is_refused() -> None:
    blob = explicit_object(sequence(0x52009230, [element(0x00080060, "CS", b"CT")] * 20_000))

    with pytest.raises(DecodeError, match="text"):
        read(blob, ScanLimits(header_bytes=500_000))


def test_what_stands_in_a_sequence_and_is_no_item_is_not_lost_by_a_repair() -> None:
    dataset = make_dataset()
    content = encode(dataset)
    element = struct.pack("<HH2sH", 0x0008, 0x1150, b"UI", 4) + b"1.2\0"
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1115, b"SQ", 0, len(element)) + element
    place = content.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))

    with pytest.raises(DecodeError):
        scan(content[:place] + sequence + content[place:], limits=ScanLimits(), open_spool=io.BytesIO)
