"""multipart/related without I/O: an incremental parser and the pieces of a writer (RFC 2046 5.1, PS3.18 8.6.1.2).

The parser takes a body in any chunks and gives the same parts for all of them. It never copies part bytes but
where a delimiter may span two chunks.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MAX_PADDING: Final = 256
"""Most spaces and tabs after a boundary; a line with more is no delimiter."""

# RFC 2046 allows 70 characters; Orthanc sends 73.
_BOUNDARY: Final = re.compile(rb"[ -~]{0,199}[!-~]")
_PADDING: Final = re.compile(rb"[ \t]*")
_CARRIAGE_RETURN: Final = 13


class MultipartError(ValueError):
    """The body cannot be taken apart; the message is one sentence for the user agent."""


class TooManyParts(MultipartError):
    """The body has more parts than allowed."""


class PartHeadersTooLarge(MultipartError):
    """The headers of one part are longer than allowed."""


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part begins; `headers` by name in lower case, of a repeated one the first."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """The next bytes of the part, never empty; a view keeps the chunk alive that it was fed from."""

    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part ends."""

    complete: bool
    """False: the body ended without a delimiter after the part, so the part may be cut off."""


Event = PartBegin | PartData | PartEnd

_MOST_HEADER_LINES: Final = 100

_COMPLETE: Final = PartEnd(complete=True)
_CUT_OFF: Final = PartEnd(complete=False)


class _State(Enum):
    PREAMBLE = auto()
    HEADERS = auto()
    BODY = auto()
    EPILOGUE = auto()


class _Line(Enum):
    """What the line is that begins with the boundary."""

    DELIMITER = auto()
    CLOSING = auto()
    CONTENT = auto()
    UNDECIDED = auto()


class MultipartParser:
    """Takes one multipart body apart.

    Tolerated (PAY-04): a preamble, an epilogue, LF alone at line ends, spaces after a boundary, parts without
    headers, header lines that are none, a last delimiter line without the closing dashes.
    """

    def __init__(self, boundary: bytes, *, max_parts: int, max_header_bytes: int) -> None:
        """Prepare for one body.

        Args:
            boundary: value of the `boundary` parameter, without quotes.
            max_parts: most parts.
            max_header_bytes: most bytes of the header lines of one part.

        Raises:
            MultipartError: `boundary` is none (1 to 200 printable characters, no space at its end).
        """
        if not _BOUNDARY.fullmatch(boundary):
            raise MultipartError("A boundary is 1 to 200 characters of ASCII and does not end in a space.")
        self._dashes = b"--" + boundary
        self._delimiter = b"\n--" + boundary
        self._max_parts = max_parts
        self._max_header_bytes = max_header_bytes
        self._state = _State.PREAMBLE
        self._held = b""
        self._at_line_start = True
        self._begun = False
        self._headers: dict[str, str] = {}
        self._last_name = ""
        self._header_bytes = 0
        self._header_lines = 0
        self.parts = 0
        """Parts that have begun."""

    def feed(self, data: bytes | memoryview) -> list[Event]:
        """Take the next chunk of the body.

        Raises:
            TooManyParts: the body has more than `max_parts` parts.
            PartHeadersTooLarge: one part's headers exceed `max_header_bytes`.
        """
        events: list[Event] = []
        # `find` needs bytes; and what was held back, a few bytes as a rule, must be seen together with its end.
        chunk = self._held + bytes(data) if self._held else bytes(data)
        self._held = b""
        position = 0
        while position < len(chunk):
            match self._state:
                case _State.HEADERS:
                    position = self._take_header_line(chunk, position, events)
                case _State.EPILOGUE:
                    break
                case _State.PREAMBLE | _State.BODY:
                    position = self._take_content(chunk, position, events)
        return events

    def close(self) -> list[Event]:
        """Take the end of the body."""
        events: list[Event] = []
        held, self._held = self._held, b""
        if self._state is _State.HEADERS:
            self._close_headers(held, events)
        elif self._state is _State.BODY:
            self._close_body(held, events)
        self._state = _State.EPILOGUE
        return events

    def _close_headers(self, held: bytes, events: list[Event]) -> None:
        """End a part whose headers have not ended; a delimiter line that nothing follows opens none."""
        if held.startswith(self._dashes) and self._line_after(held, len(self._dashes)) is not _Line.CONTENT:
            self._end_part(events, _COMPLETE)
        elif self._headers or held.strip():
            self._add_header(held.removesuffix(b"\r"))
            self._begin_part(events)
            self._end_part(events, _CUT_OFF)

    def _close_body(self, held: bytes, events: list[Event]) -> None:
        """End the last part: what is held back is a delimiter, or content that looked like the start of one."""
        found = held.find(self._dashes)
        line_rest = held[found + len(self._dashes) :]
        if found >= 0 and not line_rest.startswith(b"-"):
            # The line ends with the body: as good a delimiter as with a line end.
            self._end_part(events, _COMPLETE)
            return
        self._emit(held, 0, len(held), events)
        self._end_part(events, _CUT_OFF)

    # Content: preamble and part bodies.

    def _take_content(self, chunk: bytes, position: int, events: list[Event]) -> int:
        """Take content from `position` up to a delimiter or the end of the chunk; return where to go on."""
        search = position
        if self._at_line_start:
            if len(chunk) - position < len(self._dashes) and self._dashes.startswith(chunk[position:]):
                self._held = chunk[position:]
                return len(chunk)
            if chunk.startswith(self._dashes, position):
                line = self._line_after(chunk, position + len(self._dashes))
                if line is not _Line.CONTENT:
                    return self._take_delimiter(line, chunk, position, position, events)
            self._at_line_start = False
        while True:
            found = chunk.find(self._delimiter, search)
            if found < 0:
                return self._take_rest(chunk, position, events)
            line = self._line_after(chunk, found + len(self._delimiter))
            if line is not _Line.CONTENT:
                break
            search = found + 1
        stop = found - 1 if found > position and chunk[found - 1] == _CARRIAGE_RETURN else found
        self._emit(chunk, position, stop, events)
        return self._take_delimiter(line, chunk, found + 1, stop, events)

    def _take_rest(self, chunk: bytes, position: int, events: list[Event]) -> int:
        """Take content to the end of the chunk, but for what may be the start of a delimiter."""
        stop = len(chunk)
        line_feed = chunk.rfind(b"\n", max(position, stop - len(self._delimiter)))
        if line_feed >= 0 and self._delimiter.startswith(chunk[line_feed:]):
            stop = line_feed
        if stop > position and chunk[stop - 1] == _CARRIAGE_RETURN:
            stop -= 1
        self._emit(chunk, position, stop, events)
        self._held = chunk[stop:]
        return len(chunk)

    def _take_delimiter(self, line: _Line, chunk: bytes, dashes: int, content_stop: int, events: list[Event]) -> int:
        """Act on a delimiter line whose dashes are at `dashes`; content before it ends at `content_stop`."""
        if line is _Line.UNDECIDED:
            self._held = chunk[content_stop:]
            return len(chunk)
        if self._state is _State.BODY:
            self._end_part(events, _COMPLETE)
        if line is _Line.CLOSING:
            self._state = _State.EPILOGUE
            return len(chunk)
        self._state = _State.HEADERS
        return chunk.index(b"\n", dashes) + 1

    def _line_after(self, chunk: bytes, position: int) -> _Line:
        """Say what the line is whose boundary ends at `position`."""
        if chunk.startswith(b"--", position):
            return _Line.CLOSING
        padding = _PADDING.match(chunk, position, position + MAX_PADDING + 1)
        stop = padding.end() if padding else position
        if stop - position > MAX_PADDING:
            return _Line.CONTENT
        rest = chunk[stop : stop + 2]
        if rest in (b"", b"\r") or (rest == b"-" and stop == position):
            return _Line.UNDECIDED
        return _Line.DELIMITER if rest.startswith((b"\n", b"\r\n")) else _Line.CONTENT

    def _emit(self, chunk: bytes, start: int, stop: int, events: list[Event]) -> None:
        if start >= stop or self._state is not _State.BODY:
            return
        self._begin_part(events)
        whole = start == 0 and stop == len(chunk)
        events.append(PartData(chunk if whole else memoryview(chunk)[start:stop]))

    # Headers.

    def _take_header_line(self, chunk: bytes, position: int, events: list[Event]) -> int:
        """Take one header line from `position`; return where to go on."""
        line_feed = chunk.find(b"\n", position)
        stop = len(chunk) if line_feed < 0 else line_feed
        if self._header_bytes + stop - position > self._max_header_bytes:
            raise PartHeadersTooLarge(f"The headers of a part exceed {self._max_header_bytes} bytes.")
        if line_feed < 0:
            self._held = chunk[position:]
            return stop
        self._header_bytes += stop + 1 - position
        if chunk.startswith(self._dashes, position):
            line = self._line_after(chunk, position + len(self._dashes))
            if line in (_Line.DELIMITER, _Line.CLOSING):
                self._end_part(events, _COMPLETE)
                self._state = _State.EPILOGUE if line is _Line.CLOSING else _State.HEADERS
                return stop + 1
        text = chunk[position:stop].removesuffix(b"\r")
        if text:
            self._add_header(text)
        else:
            self._state = _State.BODY
            self._at_line_start = True
        return stop + 1

    def _add_header(self, line: bytes) -> None:
        self._header_lines += 1
        if self._header_lines > _MOST_HEADER_LINES:
            raise PartHeadersTooLarge(f"A part has more than {_MOST_HEADER_LINES} header lines.")
        text = line.decode("latin-1")
        if text[:1] in (" ", "\t"):
            # A folded line belongs to the header before it.
            if self._last_name in self._headers:
                self._headers[self._last_name] += " " + text.strip()
            return
        name, colon, value = text.partition(":")
        self._last_name = name.strip().lower() if colon else ""
        if self._last_name:
            self._headers.setdefault(self._last_name, value.strip())

    # Parts.

    def _begin_part(self, events: list[Event]) -> None:
        if self._begun:
            return
        if self.parts == self._max_parts:
            raise TooManyParts(f"The payload has more than {self._max_parts} parts.")
        self.parts += 1
        self._begun = True
        events.append(PartBegin(self._headers))

    def _end_part(self, events: list[Event], end: PartEnd) -> None:
        """End the part; one with neither headers nor bytes is none: some writers close an empty payload so."""
        if self._begun or self._headers:
            self._begin_part(events)
            events.append(end)
        self._begun = False
        self._headers = {}
        self._last_name = ""
        self._header_bytes = self._header_lines = 0


def new_boundary(validator: str = "") -> str:
    """Return a boundary of 32 hex digits that no stored object can hold but by a chance of 1 in 2^128.

    Args:
        validator: an ETag promises the same bytes again, so the boundary of a payload that has one is made from
            it; '' makes a random one.
    """
    if validator:
        return hashlib.blake2b(validator.encode(), digest_size=16, person=b"boundary").hexdigest()
    return secrets.token_hex(16)


def part_header(
    boundary: str, *, content_type: str, content_location: str = "", content_length: int | None = None
) -> bytes:
    r"""Return what goes before the bytes of a part; CRLF goes after them.

    A body of such parts begins with its first boundary: some user agents want no line end before it.

    Args:
        boundary: of the payload.
        content_type: of the part; its header comes first, as some user agents expect.
        content_location: URL of the resource that the part represents; '' if it is none.
        content_length: bytes of the part; None: not known yet.

    Source: PS3.18 8.6.1.2, Table 8.6.1-1 (PAY-02, PAY-03).

    >>> part_header("B", content_type="text/plain", content_length=5)
    b'--B\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n'
    """
    lines = [f"--{boundary}", f"Content-Type: {content_type}"]
    if content_location:
        lines.append(f"Content-Location: {content_location}")
    if content_length is not None:
        lines.append(f"Content-Length: {content_length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def closing_delimiter(boundary: str) -> bytes:
    r"""Return the end of a body, after the CRLF of the last part.

    >>> closing_delimiter("B")
    b'--B--\r\n'
    """
    return f"--{boundary}--\r\n".encode("ascii")
