"""XPath filters of metadata requests, evaluated in a process of their own.

An expression can keep a processor busy for hours, and libxml2 cannot be told to stop: only the end of a process stops
it. The process has no network, no files to read, a limit on its memory and one on its processor time.
"""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, Final, Self

from hilum.soap import xpath_process
from hilum.soap.xpath_process import FAILED, SELECTED

_LENGTH: Final = struct.Struct("<I")
_END: Final = 0xFFFFFFFF
_MOST_RESULT_BYTES: Final = 32 * 1024 * 1024
"""Of all results of one message: they are in memory until they are sent."""
_START_S: Final = 10.0


class FilterInvalid(Exception):
    """An expression is no XPath, or uses what is not offered."""


class FilterTooCostly(Exception):
    """Evaluating the expressions took too long, or too much memory."""


class Filters:
    """A process that evaluates the expressions of one message, one document after the other."""

    def __init__(self, *, timeout_s: float, message_timeout_s: float) -> None:
        """Prepare; the process starts with the first document.

        Args:
            timeout_s: seconds of processor time that one document may take.
            message_timeout_s: seconds that all documents may take together.
        """
        self._timeout_s = timeout_s
        self._left_s = message_timeout_s
        self._left_bytes = _MOST_RESULT_BYTES
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Use the filters within a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()

    def select(self, document: bytes, expressions: Sequence[str]) -> list[bytes | None]:
        """Return what each expression selects of `document` as XML, None for nothing.

        Args:
            document: in the Native DICOM Model.
            expressions: XPath 1.0.

        Raises:
            FilterInvalid: one is no expression.
            FilterTooCostly: they took too long or too much.
        """
        if self._left_s <= 0:
            raise FilterTooCostly
        began = time.monotonic()
        try:
            results = self._exchanged(document, expressions)
        except (BrokenPipeError, EOFError) as error:
            # The process is at its end, or has more to say than is wanted; the next document gets a new one.
            self._end()
            raise FilterTooCostly from error
        finally:
            self._left_s -= time.monotonic() - began
        if any(kind == FAILED for kind, _ in results):
            raise FilterInvalid
        return [content if kind == SELECTED else None for kind, content in results]

    def _exchanged(self, document: bytes, expressions: Sequence[str]) -> list[tuple[bytes, bytes]]:
        """Return every result: what stays in the pipe would be taken for one of the next document."""
        process = self._started()
        stdin, stdout = _stream(process.stdin), _stream(process.stdout)
        timer = threading.Timer(min(self._timeout_s, self._left_s) + _START_S, process.kill)
        timer.start()
        try:
            for one in (document, *(expression.encode() for expression in expressions)):
                stdin.write(_LENGTH.pack(len(one)) + one)
            stdin.write(_LENGTH.pack(_END))
            stdin.flush()
            return [self._result(stdout) for _ in expressions]
        finally:
            timer.cancel()

    def _result(self, stream: IO[bytes]) -> tuple[bytes, bytes]:
        kind = _exactly(stream, 1)
        (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
        self._left_bytes -= length
        if self._left_bytes < 0:
            raise EOFError
        return kind, _exactly(stream, length)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-I", xpath_process.__file__, str(self._timeout_s)]
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no part of it from outside
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
            )
        return self._process


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise FilterTooCostly
    return stream


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
