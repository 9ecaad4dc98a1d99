"""Stored metadata to documents of the Native DICOM Model, attribute by attribute, in bounded memory.

What ingest writes is JSON of one form: no white space, `vr` first, attributes ascending. That makes it possible to
read it as it comes: only sequences are opened, of all else one attribute at a time is in memory.

Source: PS3.18 F.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from hilum.dicom.xml import HEAD, TAIL, PrivateBlocks, attribute_content, attribute_start

_START: Final = re.compile(rb'"([0-9A-F]{8})":\{"vr":"([A-Z]{2})"')
_START_BYTES: Final = 21
_STRUCTURE: Final = re.compile(rb'["{}\[\]\\]')
_BATCH_BYTES: Final = 64 * 1024


def xml_documents(array: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """Yield the documents of a JSON array of data sets, each as chunks; one must be read before the next.

    Args:
        array: the text of the array in any chunks, in the form that ingest writes.

    Raises:
        ValueError: while a document is read, the text is of another form.
    """
    text = _Text(iter(array))
    text.skip(b"[")
    while text.peek() not in b"]":
        yield _batched(_document(text))
        if text.peek() == b",":
            text.skip(b",")


def _batched(chunks: Iterator[bytes]) -> Iterator[bytes]:
    taken: list[bytes] = []
    size = 0
    for chunk in chunks:
        taken.append(chunk)
        size += len(chunk)
        if size >= _BATCH_BYTES:
            yield b"".join(taken)
            taken.clear()
            size = 0
    yield b"".join(taken)


def _document(text: _Text) -> Iterator[bytes]:
    yield HEAD
    yield from _data_set(text)
    yield TAIL


def _data_set(text: _Text) -> Iterator[bytes]:
    blocks = PrivateBlocks()
    text.skip(b"{")
    while text.peek() != b"}":
        tag, vr = text.attribute_start()
        if vr == "SQ":
            yield attribute_start(tag, vr, blocks).encode()
            yield from _items(text)
        else:
            attribute = orjson.loads(b'{"vr":"%b"%b' % (vr.encode(), text.rest_of_object()))
            start = attribute_start(tag, vr, blocks)
            blocks.note(tag, attribute)
            content = attribute_content(attribute)
            yield (f"{start}>{content}</DicomAttribute>\n" if content else f"{start}/>\n").encode()
        if text.peek() == b",":
            text.skip(b",")
    text.skip(b"}")


def _items(text: _Text) -> Iterator[bytes]:
    """Yield the rest of a sequence's element."""
    if text.peek() == b"}":
        text.skip(b"}")
        yield b"/>\n"
        return
    text.skip(b',"Value":[')
    yield b">"
    number = 0
    while text.peek() != b"]":
        number += 1
        if text.peek(2) == b"{}":
            text.skip(b"{}")
            yield b'<Item number="%d"/>' % number
        else:
            yield b'<Item number="%d">' % number
            yield from _data_set(text)
            yield b"</Item>"
        if text.peek() == b",":
            text.skip(b",")
    text.skip(b"]}")
    yield b"</DicomAttribute>\n"


class _Text:
    """JSON text that comes in chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._position = 0

    def _more(self) -> None:
        """Get the next chunk, and forget what was read."""
        chunk = next(self._chunks, None)
        if chunk is None:
            raise ValueError("The metadata end too early.")
        self._buffer = self._buffer[self._position :] + chunk
        self._position = 0

    def _need(self, count: int) -> None:
        while len(self._buffer) - self._position < count:
            self._more()

    def peek(self, count: int = 1) -> bytes:
        """Return the next bytes."""
        self._need(count)
        return self._buffer[self._position : self._position + count]

    def skip(self, expected: bytes) -> None:
        """Read past `expected`, which has to come next."""
        self._need(len(expected))
        if not self._buffer.startswith(expected, self._position):
            raise ValueError("The metadata are of another form than ingest writes.")
        self._position += len(expected)

    def attribute_start(self) -> tuple[str, str]:
        """Read past a tag and its VR, and return both."""
        self._need(_START_BYTES)
        match = _START.match(self._buffer, self._position)
        if match is None:
            raise ValueError("The metadata are of another form than ingest writes.")
        self._position = match.end()
        return match[1].decode(), match[2].decode()

    def rest_of_object(self) -> bytes:
        """Read past the brace that closes the current object, and return all up to it."""
        pieces: list[bytes] = []
        depth, in_string = 1, False
        while True:
            position = self._position
            while match := _STRUCTURE.search(self._buffer, position):
                position = match.end()
                byte = match[0]
                if in_string:
                    if byte == b"\\":
                        position += 1
                    in_string = byte != b'"'
                elif byte == b'"':
                    in_string = True
                elif byte in b"{[":
                    depth += 1
                elif byte in b"}]":
                    depth -= 1
                    if not depth:
                        pieces.append(self._buffer[self._position : position])
                        self._position = position
                        return b"".join(pieces)
            # A backslash may be the last byte: what it escapes comes with the next chunk.
            pieces.append(self._buffer[self._position :])
            skipped = max(0, position - len(self._buffer))
            self._position = len(self._buffer)
            self._more()
            pieces.append(self._buffer[:skipped])
            self._position = skipped
