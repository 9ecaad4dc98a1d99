"""Objects that the pass cannot read as they are: deflated, big endian, out of order. pydicom reads them.

Each is written anew in Explicit VR Little Endian and scanned in that form, so that every answer comes from the
same code. Pixel data are never taken into memory.
"""

from __future__ import annotations

import io
import mmap
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from hilum.dicom.instance import DecodeError, ScanLimits, ScannedInstance, WireForm
from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    NATIVE_SYNTAXES,
)
from hilum.dicom.wire_form import rewritten_head

Scan = Callable[..., ScannedInstance]

_CHUNK_BYTES: Final = 1024 * 1024
_RATIO_FROM: Final = 64 * 1024 * 1024
_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_WORDS: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_LONG: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UN"})
_EMPTY_HEAD: Final = bytes(128) + b"DICM"
_ITEM_HEADER: Final = struct.Struct("<HHI")
_VR: Final = re.compile(rb"[A-Z]{2}").fullmatch
_DELIMITER: Final = 0xFFFEE0DD


def completed_object(
    buffer: bytes | memoryview,
    data_set_offset: int,
    transfer_syntax_uid: str,
    limits: ScanLimits,
    open_spool: Callable[[], BinaryIO],
    scan: Scan,
) -> ScannedInstance:
    """Scan an object that begins with group 0002: dicomweb-client sends data sets so that had no preamble.

    Where its syntax travels, its wire form is a proper head before the rest of the blob.
    """
    head = rewritten_head(_EMPTY_HEAD + bytes(buffer[:data_set_offset]), transfer_syntax_uid)
    rest = memoryview(buffer)[data_set_offset:]
    with open_spool() as file:
        file.write(head)
        for at in range(0, len(rest), _CHUNK_BYTES):
            file.write(rest[at : at + _CHUNK_BYTES])
        file.flush()
        size = len(head) + len(rest)
        with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as mapping, memoryview(mapping) as whole:
            scanned = scan(whole, limits=limits, open_spool=open_spool)
    form, sidecar = scanned.wire_form, scanned.wire_sidecar
    if form is None:
        form, sidecar = WireForm(len(head), data_set_offset, len(rest), 1, 0), open_spool()
        sidecar.write(head)
        sidecar.seek(0)
    elif form.middle_length:
        form = replace(form, middle_offset=form.middle_offset - len(head) + data_set_offset)
    return replace(
        scanned,
        data_set_offset=data_set_offset,
        wire_form=form,
        wire_sidecar=sidecar,
        fallback=scanned.fallback or "repaired",
    )


def inflated_object(
    buffer: bytes | memoryview,
    data_set_offset: int,
    transfer_syntax_uid: str,
    limits: ScanLimits,
    open_spool: Callable[[], BinaryIO],
    scan: Scan,
) -> ScannedInstance:
    """Scan a deflated object in its inflated form, which becomes its wire form (PS3.5 A.5)."""
    spool = open_spool()
    try:
        spool.write(rewritten_head(bytes(buffer[:data_set_offset]), EXPLICIT_VR_LITTLE_ENDIAN))
        for chunk in _inflated(buffer, data_set_offset, limits):
            spool.write(chunk)
        return _scan_spool(spool, limits, open_spool, scan, data_set_offset, transfer_syntax_uid, "deflated")
    except BaseException:
        spool.close()
        raise


def _inflated(buffer: bytes | memoryview, start: int, limits: ScanLimits) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    given = 0
    view = memoryview(buffer)
    for at in range(start, len(buffer), _CHUNK_BYTES):
        data: bytes = bytes(view[at : at + _CHUNK_BYTES])
        while data and not inflate.eof:
            try:
                chunk = inflate.decompress(data, _CHUNK_BYTES)
            except zlib.error as error:
                raise DecodeError("The deflated data set is broken.") from error
            data = inflate.unconsumed_tail
            given += len(chunk)
            if given > limits.inflated_bytes or (
                given > _RATIO_FROM and given > limits.inflation_ratio * (len(buffer) - start)
            ):
                raise DecodeError("The deflated data set is too large.")
            yield chunk
    while not inflate.eof:
        chunk = inflate.decompress(inflate.unconsumed_tail, _CHUNK_BYTES)
        if not chunk:
            raise DecodeError("The deflated data set ends early.")
        yield chunk


def _scan_spool(
    spool: BinaryIO,
    limits: ScanLimits,
    open_spool: Callable[[], BinaryIO],
    scan: Scan,
    data_set_offset: int,
    transfer_syntax_uid: str,
    reason: str,
) -> ScannedInstance:
    """Scan a spool that holds a whole Explicit VR Little Endian object, and make it the wire form."""
    spool.flush()
    size = spool.seek(0, io.SEEK_END)
    with mmap.mmap(spool.fileno(), size, prot=mmap.PROT_READ) as mapping, memoryview(mapping) as view:
        scanned = scan(view, limits=limits, open_spool=open_spool)
    spool.seek(0)
    return replace(
        scanned,
        transfer_syntax_uid=transfer_syntax_uid,
        data_set_offset=data_set_offset,
        wire_form=WireForm(size, 0, 0, 1, 0),
        wire_sidecar=spool,
        fallback=reason,
    )


def swapped_object(
    buffer: bytes | memoryview,
    data_set_offset: int,
    limits: ScanLimits,
    open_spool: Callable[[], BinaryIO],
    scan: Scan,
) -> ScannedInstance:
    """Scan an Explicit VR Big Endian object: its header is written anew, its pixel data stay in the blob.

    What is scanned is a file with a hole in the place of the pixel data, which costs no storage.
    """
    source = _View(buffer, data_set_offset)
    header, element = _read_header(source, limits, is_implicit=False, is_little=False)
    _swap_words(header)
    head = rewritten_head(bytes(buffer[:data_set_offset]), EXPLICIT_VR_LITTLE_ENDIAN)
    prefix = head + _encoded(header)
    middle_offset = middle_length = 0
    word_size, suffix = 1, b""
    if element is not None:
        group, number, vr, length = struct.unpack(">HH2s2xI", source.take(element, 12))
        if vr not in _LONG or length > len(buffer) - element - 12:
            raise DecodeError("The object ends inside its pixel data.", offset=element)
        prefix += struct.pack("<HH2sHI", group, number, vr, 0, length)
        middle_offset, middle_length = element + 12, length
        word_size = _word_size(vr.decode(), header)
        source.seek(middle_offset + length)
        rest, again = _read_header(source, limits, is_implicit=False, is_little=False)
        if again is not None:
            raise DecodeError("The object has pixel data twice.", offset=again)
        _swap_words(rest)
        suffix = _encoded(rest)
    scanned = _scan_with_hole(prefix, middle_length, suffix, limits, open_spool, scan)
    sidecar = open_spool()
    sidecar.write(prefix + suffix)
    sidecar.seek(0)
    return replace(
        scanned,
        transfer_syntax_uid="1.2.840.10008.1.2.2",
        data_set_offset=data_set_offset,
        wire_form=WireForm(len(prefix), middle_offset, middle_length, word_size, len(suffix)),
        wire_sidecar=sidecar,
        fallback="big-endian",
    )


def _word_size(vr: str, header: Dataset) -> int:
    """Return the bytes of a word of the pixel data; cells of 32 and 64 bits are kept whole in OW too."""
    if vr == "OW" and header.get("BitsAllocated") in (32, 64):
        return int(header.BitsAllocated) // 8
    return _WORDS.get(vr, 1)


def _scan_with_hole(
    prefix: bytes, hole: int, suffix: bytes, limits: ScanLimits, open_spool: Callable[[], BinaryIO], scan: Scan
) -> ScannedInstance:
    with open_spool() as file:
        file.write(prefix)
        file.seek(hole, io.SEEK_CUR)
        file.write(suffix)
        file.truncate(len(prefix) + hole + len(suffix))
        file.flush()
        size = len(prefix) + hole + len(suffix)
        with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as mapping, memoryview(mapping) as view:
            return scan(view, limits=limits, open_spool=open_spool)


def repaired_object(
    buffer: bytes | memoryview,
    data_set_offset: int,
    transfer_syntax_uid: str,
    limits: ScanLimits,
    open_spool: Callable[[], BinaryIO],
    scan: Scan,
) -> ScannedInstance:
    """Scan an object that pydicom can put in order: what it reads, written anew, becomes the wire form.

    Args:
        buffer: the object as received.
        data_set_offset: bytes of its head; 0: it has none.
        transfer_syntax_uid: as the head has it; '': the data set has to tell.
        limits: what it may cost.
        open_spool: returns a fresh temporary file.
        scan: the scan of what comes out.
    """
    if not transfer_syntax_uid:
        data_set_offset, transfer_syntax_uid = _start_of_bare(buffer)
    source = _View(buffer, data_set_offset)
    # Some writers declare an explicit syntax and write an implicit one: the first element shows it.
    is_implicit = not _VR(source.take(data_set_offset + 4, 2))
    header, element = _read_header(source, limits, is_implicit=is_implicit, is_little=True)
    head = bytes(buffer[:data_set_offset]) if data_set_offset > len(_EMPTY_HEAD) else _EMPTY_HEAD
    is_native = transfer_syntax_uid in NATIVE_SYNTAXES
    target = EXPLICIT_VR_LITTLE_ENDIAN if is_native else transfer_syntax_uid
    spool = open_spool()
    try:
        spool.write(rewritten_head(head, target))
        spool.write(_encoded(header))
        if element is not None:
            stop = _copy_pixels(source, element, spool, is_implicit=is_implicit)
            source.seek(stop)
            rest, again = _read_header(source, limits, is_implicit=is_implicit, is_little=True)
            if again is not None or any(tag <= 0x7FE00010 for tag in rest.keys()):  # noqa: SIM118 - a Dataset is no dict
                raise DecodeError("The attributes of the object are in no usable order.")
            spool.write(_encoded(rest))
        stored_syntax = transfer_syntax_uid if data_set_offset else IMPLICIT_VR_LITTLE_ENDIAN
        return _scan_spool(spool, limits, open_spool, scan, data_set_offset, stored_syntax, "repaired")
    except BaseException:
        spool.close()
        raise


def _start_of_bare(buffer: bytes | memoryview) -> tuple[int, str]:
    """Find out whether the bytes are a data set without a head: it begins with group 8, implicit or explicit."""
    start = 132 if bytes(buffer[128:132]) == b"DICM" else 0
    first = bytes(buffer[start : start + 8])
    if (
        start
        or len(first) < 8
        or first[:2] != b"\x08\x00"
        or first[2:4] not in (b"\0\0", b"\x01\0", b"\x05\0", b"\x08\0", b"\x16\0")
    ):
        raise DecodeError("The object has no DICM prefix: it is no DICOM file.")
    return 0, EXPLICIT_VR_LITTLE_ENDIAN if _VR(first[4:6]) else IMPLICIT_VR_LITTLE_ENDIAN


def _copy_pixels(source: _View, element: int, spool: BinaryIO, *, is_implicit: bool) -> int:
    """Copy the pixel data element; return where it ends."""
    if is_implicit:
        group, number, length = struct.unpack("<HHI", source.take(element, 8))
        pos, vr = element + 8, b"OW"
    else:
        group, number, vr, length = struct.unpack("<HH2s2xI", source.take(element, 12))
        pos = element + 12
    if vr not in _LONG:
        raise DecodeError("The pixel data have a wrong VR.", offset=element)
    stop = _end_of_items(source, pos) if length == 0xFFFFFFFF else pos + length
    if stop > source.size:
        raise DecodeError("The object ends inside its pixel data.", offset=element)
    spool.write(struct.pack("<HH2sHI", group, number, vr, 0, length))
    spool.writelines(source.take(at, min(_CHUNK_BYTES, stop - at)) for at in range(pos, stop, _CHUNK_BYTES))
    return stop


def _end_of_items(source: _View, pos: int) -> int:
    while True:
        group, element, length = _ITEM_HEADER.unpack(source.take(pos, 8))
        pos += 8
        if group << 16 | element == _DELIMITER:
            return pos
        pos += length
        if pos > source.size:
            raise DecodeError("The object ends inside its pixel data.", offset=pos)


class _View(io.RawIOBase):
    """A buffer as a file, without a copy of it."""

    def __init__(self, buffer: bytes | memoryview, start: int) -> None:
        super().__init__()
        self._view = memoryview(buffer)
        self._pos = start
        self.size = len(buffer)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._pos, io.SEEK_END: self.size}[whence]
        self._pos = max(0, base + offset)
        return self._pos

    def tell(self) -> int:
        return self._pos

    def read(self, size: int | None = -1) -> bytes:
        stop = self.size if size is None or size < 0 else min(self.size, self._pos + size)
        data = bytes(self._view[self._pos : stop])
        self._pos += len(data)
        return data

    def take(self, offset: int, length: int) -> bytes:
        """Return a range, or fail at the end of the object."""
        data = bytes(self._view[offset : offset + length])
        if len(data) < length:
            raise DecodeError("The object ends inside an element.", offset=offset)
        return data


def _read_header(
    source: _View, limits: ScanLimits, *, is_implicit: bool, is_little: bool
) -> tuple[Dataset, int | None]:
    """Read up to the pixel data; return what was read and the offset of the pixel data element, None without.

    Raises:
        DecodeError: pydicom cannot read it, or it ends early.
    """
    found = False

    def at_pixels(tag: Any, vr: Any, length: int) -> bool:  # noqa: ANN401 - pydicom's own signature
        nonlocal found
        found = int(tag) in _PIXELS
        if length != 0xFFFFFFFF and length > limits.header_bytes and not found:
            raise DecodeError("The header of the object is too large.", offset=source.tell(), tag=int(tag))
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = read_dataset(
                source,
                is_implicit,
                is_little,
                stop_when=at_pixels,
                parent_encoding="iso8859",  # type: ignore[arg-type]  # any seekable file
            )
            dataset.decode()
        except DecodeError:
            raise
        except Exception as error:
            raise DecodeError("The object is no readable DICOM instance.") from error
    _check_whole(dataset, source)
    return dataset, source.tell() if found else None


def _check_whole(dataset: Dataset, source: _View) -> None:
    """Refuse what pydicom reads in silence although the bytes end early."""
    for element in list(dataset._dict.values()):  # noqa: SLF001 - only the raw elements know their lengths
        length, value = getattr(element, "length", None), getattr(element, "value", None)
        if isinstance(length, int) and length != 0xFFFFFFFF and isinstance(value, bytes) and len(value) < length:
            raise DecodeError("The object ends inside an element.", offset=source.size)


def _swap_words(dataset: Dataset) -> None:
    """Turn values of words to little endian: pydicom leaves them as they are."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value or ():
                _swap_words(item)
        elif element.VR in _WORDS and isinstance(element.value, bytes):
            size = _WORDS[element.VR]
            whole = len(element.value) - len(element.value) % size
            words = np.frombuffer(element.value[:whole], f">u{size}")
            element.value = words.astype(f"<u{size}").tobytes() + element.value[whole:]


def _encoded(dataset: Dataset) -> bytes:
    """Return the data set in Explicit VR Little Endian."""
    memory = io.BytesIO()
    buffer = DicomIO(memory)
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            write_dataset(buffer, dataset)
        except Exception as error:
            raise DecodeError("The object cannot be written in Explicit VR Little Endian.") from error
    return memory.getvalue()
