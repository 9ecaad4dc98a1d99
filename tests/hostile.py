"""Input that no well-behaved user agent sends, as data for tests of parsers and of the server.

Everything is deterministic. `Upload.status` and `Upload.stored` say what an origin server owes.
"""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STUDY: Final = "1.2.826.0.1.3680043.10.1"
SERIES: Final = f"{STUDY}.1"
INSTANCE: Final = f"{SERIES}.1"
CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
JPEG_2000: Final = "1.2.840.10008.1.2.4.90"
BOUNDARY: Final = "hilum-boundary-7c0f"
LONG_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
UNDEFINED: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Named:
    """Bytes with a name that says what is odd about them."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A request body of the Store transaction."""

    name: str
    content_type: str | None
    body: bytes
    status: frozenset[int]
    """Status codes that are right for it."""
    stored: int = 0
    """Instances of it that are stored."""


def element(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """Return an Explicit VR Little Endian element; `length` overrides the true one in the header."""
    value += (b"\0" if vr in {"UI", "OB", "UN"} else b" ") * (len(value) % 2)
    declared = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HI", 0, declared) if vr in LONG_VRS else struct.pack("<H", declared)) + value


def file_meta(transfer_syntax_uid: str = EXPLICIT, sop_instance_uid: str = INSTANCE) -> bytes:
    """Return preamble, prefix and group 0002."""
    group = (
        element(0x00020001, "OB", b"\0\1")
        + element(0x00020002, "UI", CT_IMAGE_STORAGE.encode())
        + element(0x00020003, "UI", sop_instance_uid.encode())
        + element(0x00020010, "UI", transfer_syntax_uid.encode())
        + element(0x00020012, "UI", b"1.2.826.0.1.3680043.10.99")
    )
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(group))) + group


def data_set(*, study: str = STUDY, series: str = SERIES, instance: str = INSTANCE, extra: bytes = b"") -> bytes:
    """Return the data set of a 4 x 4 image; `extra` stands between series and image attributes."""
    return (
        element(0x00080005, "CS", b"ISO_IR 192")
        + element(0x00080016, "UI", CT_IMAGE_STORAGE.encode())
        + element(0x00080018, "UI", instance.encode())
        + element(0x00080020, "DA", b"20130509")
        + element(0x00080060, "CS", b"CT")
        + element(0x00100010, "PN", b"Hostile^Henry")
        + element(0x00100020, "LO", b"H1")
        + element(0x0020000D, "UI", study.encode())
        + element(0x0020000E, "UI", series.encode())
        + extra
        + b"".join(element(tag, "US", struct.pack("<H", value)) for tag, value in IMAGE_ATTRIBUTES[:1])
        + element(0x00280004, "CS", b"MONOCHROME2")
        + b"".join(element(tag, "US", struct.pack("<H", value)) for tag, value in IMAGE_ATTRIBUTES[1:])
        + element(0x7FE00010, "OW", bytes(range(32)))
    )


IMAGE_ATTRIBUTES: Final = (
    (0x00280002, 1),
    (0x00280010, 4),
    (0x00280011, 4),
    (0x00280100, 16),
    (0x00280101, 16),
    (0x00280102, 15),
    (0x00280103, 0),
)


def valid_object(study: str = STUDY, series: str = SERIES, instance: str = INSTANCE) -> bytes:
    """Return a small Part 10 object without defect."""
    return file_meta(sop_instance_uid=instance) + data_set(study=study, series=series, instance=instance)


def truncated_objects(step: int = 1) -> Iterator[Named]:
    """Iterate over the beginnings of a valid object."""
    whole = valid_object()
    for length in range(0, len(whole), step):
        yield Named(f"cut at byte {length}", whole[:length])


def mutated_objects(count: int, seed: int = 0) -> Iterator[Named]:
    """Iterate over valid objects in which a few bytes were changed, dropped, doubled or swapped."""
    source = random.Random(seed)
    whole = valid_object()
    for number in range(count):
        data = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            at = source.randrange(128, len(data) - 8)
            match source.randrange(4):
                case 0:
                    data[at] = source.randrange(256)
                case 1:
                    del data[at : at + source.randint(1, 8)]
                case 2:
                    data[at:at] = data[at : at + source.randint(1, 8)]
                case _:
                    data[at : at + 4] = source.choice((b"\xff" * 4, bytes(4), b"\xfe\xff\0\xe0", b"\xfe\xff\xdd\xe0"))
        yield Named(f"mutation {number} of seed {seed}", bytes(data))


def broken_objects() -> Iterator[Named]:
    """Iterate over bodies that are no readable DICOM object, or one that no archive can keep."""
    meta, item = file_meta(), b"\xfe\xff\0\xe0"
    yield Named("nothing", b"")
    yield Named("one byte", b"\0")
    yield Named("text", b"<html><body>404</body></html>")
    yield Named("a zip archive", b"PK\3\4" + bytes(200))
    yield Named("preamble and prefix alone", bytes(128) + b"DICM")
    yield Named("wrong prefix", valid_object().replace(b"DICM", b"DUCM", 1))
    yield Named("file meta alone", meta)
    yield Named("unknown transfer syntax", file_meta("1.2.3.4") + data_set())
    yield Named("transfer syntax with a path", file_meta("../../../etc/passwd") + data_set())
    yield Named("a value longer than the object", meta + element(0x00100010, "PN", b"A", length=0xFFFE))
    yield Named("a long value of 4 GB", meta + element(0x00091001, "UN", b"A", length=0xFFFFFFFE))
    yield Named("text of undefined length", meta + element(0x00091001, "UT", b"A", length=UNDEFINED))
    yield Named("a sequence that never ends", meta + element(0x00081140, "SQ", item + b"\xff" * 4, length=UNDEFINED))
    yield Named("an item longer than its sequence", meta + element(0x00081140, "SQ", item + struct.pack("<I", 999)))
    yield Named("no items in a sequence", meta + element(0x00081140, "SQ", b"\1\2\3\4\5\6\7\x08"))
    deep = element(0x00081140, "SQ", item + b"\xff" * 4, length=UNDEFINED) * 10_000
    yield Named("10,000 nested sequences", meta + deep)
    yield Named("deflated garbage", file_meta(DEFLATED) + b"\xff" * 99)
    yield Named("a deflated data set cut short", file_meta(DEFLATED) + deflated(data_set())[:50])
    for name, uid in BAD_UIDS:
        yield Named(f"Study Instance UID: {name}", meta + data_set(study=uid))
        yield Named(f"SOP Instance UID: {name}", file_meta(sop_instance_uid=uid[:64]) + data_set(instance=uid))


def doubtful_objects() -> Iterator[Named]:
    """Iterate over objects with a defect that a reader may repair: each is stored as it is, or refused."""
    meta, item, end = file_meta(), b"\xfe\xff\0\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
    beyond = bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", 2**31 - 1))
    yield Named("file meta with a group length beyond the end", beyond + meta[144:] + data_set())
    yield Named("no file meta group length", meta[:132] + meta[144:] + data_set())
    yield Named("another SOP Instance UID in the file meta", file_meta(sop_instance_uid="1.2.3") + data_set())
    yield Named("a delimiter without sequence", meta + end + data_set())
    yield Named("an attribute twice", meta + data_set(extra=element(0x0020000E, "UI", SERIES.encode())))
    yield Named("fragments without item", file_meta(JPEG_2000) + _encapsulated(b"\xff\x4f\xff\x51" * 9))
    yield Named("fragments that never end", file_meta(JPEG_2000) + _encapsulated(item + bytes(4) + item + b"\xfe" * 4))


def _encapsulated(value: bytes) -> bytes:
    native = element(0x7FE00010, "OW", bytes(range(32)))
    return data_set().replace(native, element(0x7FE00010, "OB", value, length=UNDEFINED))


def deflated(data: bytes) -> bytes:
    """Return a data set as Deflated Explicit VR Little Endian has it (PS3.5 A.5)."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


def deflated_bomb(size: int) -> bytes:
    """Return an object of a few kB a megabyte whose data set inflates to more than `size` bytes."""
    packer = zlib.compressobj(9, wbits=-15)
    parts = [packer.compress(data_set(extra=b"")[: -(12 + 32)] + element(0x7FE00010, "OB", b"", length=size))]
    block = bytes(1024 * 1024)
    parts += [packer.compress(block[: min(len(block), size - at)]) for at in range(0, size, len(block))]
    return file_meta(DEFLATED) + b"".join(parts) + packer.flush()


BAD_UIDS: Final = (
    ("empty", ""),
    ("letters", "abc"),
    ("parent folder", "../../../../tmp/x"),
    ("encoded parent folder", "..%2f..%2fx"),
    ("backslashes", "..\\..\\x"),
    ("NUL inside", "1.2\0.3"),
    ("slash", "1.2/3"),
    ("empty component", "1..2"),
    ("dot at the end", "1.2."),
    ("dot at the beginning", ".1.2"),
    ("65 characters", "1." + "2" * 63),
    ("a thousand characters", "1." * 500 + "2"),
    ("line end", "1.2\r\nX-Injected: 1"),
    ("quotes", "1.2' OR '1'='1"),
    ("digits of another script", "\u0661.\u0662"),
    ("star", "*"),
)
"""What stands in a place of a UID and is none."""

BAD_PATH_SEGMENTS: Final = (
    "..",
    ".",
    "%2e%2e",
    "%2e%2e%2f%2e%2e",
    "..%5c..",
    "%00",
    "1.2%00.3",
    "1.2%0d%0aX-Injected:%201",
    "%",
    "%zz",
    "%ff%fe",
    "~",
    "abc",
    "1..2",
    "1.2.",
    "1." + "2" * 63,
    "1" * 5000,
    "1.2;x=y",
    "%D9%A1.2",
    "*",
    "null",
    "undefined",
)
"""Path segments, percent-encoded as they go onto the wire, that name no resource."""

PATHS: Final = (
    "/studies/{}",
    "/studies/{}/metadata",
    "/studies/{}/series",
    "/studies/{}/instances",
    f"/studies/{STUDY}/series/{{}}",
    f"/studies/{STUDY}/series/{{}}/metadata",
    f"/studies/{STUDY}/series/{SERIES}/instances/{{}}",
    f"/studies/{STUDY}/series/{SERIES}/instances/{{}}/metadata",
    f"/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}/frames/{{}}",
    f"/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}/bulkdata/{{}}",
)
"""Resources with one segment left open."""


def bad_paths() -> Iterator[str]:
    """Iterate over paths below the service root with a bad segment in each place."""
    for path in PATHS:
        for segment in BAD_PATH_SEGMENTS:
            yield path.replace("{}", segment)


BAD_QUERIES: Final = (
    "StudyDate=20130230",
    "StudyDate=yesterday",
    "StudyDate=2013-05-09",
    "StudyTime=2599",
    "StudyInstanceUID=../../x",
    "StudyInstanceUID=1.2%00",
    "StudyInstanceUID=" + "1" * 65,
    "PatientName=%FF",
    "PatientName=A%00B",
    "PatientID=1&PatientID=2",
    "PatientID=1&00100020=2",
    "NoSuchAttribute=1",
    "0010001=1",
    "00100099=1",
    "00231002=x",
    "includefield=all,PatientID",
    "includefield=NoSuchAttribute",
    "limit=-1",
    "limit=ten",
    "limit=",
    "offset=1.5",
    "offset=1&offset=2",
    "fuzzymatching=maybe",
    "PatientID.StudyID=1",
    "=1",
    "&" * 5000,
)
"""Query components of a search that are answered 400."""

FORGED_HOSTS: Final = (
    "attacker.example",
    "attacker.example:8080",
    "127.0.0.1.attacker.example",
    "localhost@attacker.example",
    "localhost.",
    "localhost:8080:8080",
    "[::1",
    "",
    "a" * 300,
    "127.0.0.1, attacker.example",
)
"""Host headers that name neither loopback nor a configured host."""

FOREIGN_ORIGINS: Final = (
    "https://attacker.example",
    "http://localhost.attacker.example",
    "http://127.0.0.1.attacker.example",
    "http://localhost@attacker.example",
    "null",
    "file://",
    "http://localhost:8080 https://attacker.example",
    "javascript:alert(1)",
)
"""Origin headers of pages that may not use the server from a browser."""


def part(data: bytes, headers: bytes = b"Content-Type: application/dicom\r\n") -> bytes:
    """Return a delimiter line and a part."""
    return b"--" + BOUNDARY.encode() + b"\r\n" + headers + b"\r\n" + data + b"\r\n"


CLOSE: Final = b"--" + BOUNDARY.encode() + b"--\r\n"
MULTIPART: Final = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
OK: Final = frozenset({200})
REFUSED: Final = frozenset({400, 409})


def tolerated_uploads() -> Iterator[Upload]:
    """Iterate over bodies that are not quite right, or rarely seen, and are stored nevertheless (PAY-04)."""
    whole = valid_object()
    plain = part(whole)
    quoted = plain.replace(BOUNDARY.encode(), b"two words") + b"--two words--\r\n"
    content_type = 'multipart/related; type="application/dicom"; boundary="two words"'
    yield _tolerated("as it should be", plain + CLOSE)
    yield Upload("quoted boundary", MULTIPART.replace(BOUNDARY, f'"{BOUNDARY}"'), plain + CLOSE, OK, 1)
    yield Upload("quoted boundary with a space", content_type, quoted, OK, 1)
    yield Upload(
        "type without quotes",
        MULTIPART.replace('"application/dicom"', "application/dicom"),
        plain + CLOSE,
        OK,
        1,
    )
    yield Upload(
        "parameters in capitals",
        MULTIPART.replace("boundary", "BOUNDARY").replace("type", "Type", 1),
        plain + CLOSE,
        OK,
        1,
    )
    yield _tolerated("preamble and epilogue", b"preamble\r\n" + plain + CLOSE + b"epilogue")
    yield _tolerated("line end before the first delimiter", b"\r\n" + plain + CLOSE)
    yield _tolerated("no line end at the end", plain + CLOSE[:-2])
    yield _tolerated("no closing dashes", plain + CLOSE.replace(b"--\r\n", b"\r\n"))
    yield _tolerated("spaces after the delimiter", plain.replace(b"0f\r\n", b"0f \t\r\n", 1) + CLOSE)
    yield _tolerated(
        "lines that end in LF",
        part(whole, b"Content-Type: application/dicom\n").replace(b"\n\r\n", b"\n\n", 1) + CLOSE,
    )
    yield _tolerated(
        "a delimiter's beginning inside the data",
        part(whole + _padding(b"\r\n--" + BOUNDARY.encode()[:-1])) + CLOSE,
    )
    yield _tolerated("many headers", part(whole, b"Content-Type: application/dicom\r\n" + b"X-A: b\r\n" * 20) + CLOSE)
    yield Upload("the object alone", "application/dicom", whole, OK, 1)


def _tolerated(name: str, body: bytes) -> Upload:
    return Upload(name, MULTIPART, body, OK, 1)


def _padding(text: bytes) -> bytes:
    """Return Data Set Trailing Padding with `text` in it (PS3.10 7.2)."""
    return element(0xFFFCFFFC, "OB", text)


def unreadable_uploads() -> Iterator[Upload]:
    """Iterate over bodies that are no multipart at all, or not of their boundary: answered 400 (STOW-04)."""
    plain = part(valid_object())
    no_boundary = MULTIPART.partition("; boundary")[0]
    bad_request = frozenset({400})
    yield Upload("no body", MULTIPART, b"", bad_request)
    yield Upload("no Content-Type", None, plain + CLOSE, frozenset({400, 415}))
    yield Upload("no boundary parameter", no_boundary, plain + CLOSE, bad_request)
    yield Upload("an empty boundary parameter", f'{no_boundary}; boundary=""', plain + CLOSE, bad_request)
    yield Upload("a boundary of 201 characters", f"{no_boundary}; boundary={'x' * 201}", plain + CLOSE, bad_request)
    yield Upload("another boundary", f"{no_boundary}; boundary=other", plain + CLOSE, bad_request)
    yield Upload("a closing delimiter alone", MULTIPART, CLOSE, bad_request)


def refused_uploads() -> Iterator[Upload]:
    """Iterate over bodies whose parts cannot be stored."""
    whole = valid_object()
    plain = part(whole)
    unsupported = frozenset({415})
    yield Upload("no delimiter after the part", MULTIPART, plain[:-2], REFUSED)
    yield Upload("half an object and no delimiter", MULTIPART, plain[: len(plain) // 2], REFUSED)
    yield Upload("ends inside the part's headers", MULTIPART, plain[:40], REFUSED)
    yield Upload(
        "a header of 1 MB",
        MULTIPART,
        part(whole, b"X-A: " + b"b" * 1_000_000 + b"\r\n") + CLOSE,
        frozenset({400, 409, 413, 431}),
    )
    yield Upload(
        "a header with NUL",
        MULTIPART,
        part(whole, b"Content-Type: application/dicom\0\r\n") + CLOSE,
        REFUSED | unsupported,
    )
    yield Upload(
        "a part of another type",
        MULTIPART,
        part(whole, b"Content-Type: text/html\r\n") + CLOSE,
        REFUSED | unsupported,
    )
    yield Upload("text", "text/plain", b"hello", unsupported)
    yield Upload("a form", f"multipart/form-data; boundary={BOUNDARY}", plain + CLOSE, unsupported)
    yield Upload("a media type that is none", "multipart related", plain + CLOSE, frozenset({400, 415}))
    yield Upload(
        "parts of an unsupported type",
        MULTIPART.replace("application/dicom", "image/jpeg"),
        plain + CLOSE,
        unsupported,
    )
    for named in broken_objects():
        yield Upload(f"object: {named.name}", MULTIPART, part(named.data) + CLOSE, REFUSED)


def mixed_upload() -> Upload:
    """Return two good parts with a bad one between them: the good ones are stored (STOW-29, STOW-43)."""
    second = valid_object(instance=f"{SERIES}.2")
    body = part(valid_object()) + part(b"no DICOM at all") + part(second) + CLOSE
    return Upload("one bad part between two good ones", MULTIPART, body, frozenset({202}), 2)
