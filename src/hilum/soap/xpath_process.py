"""The process that evaluates XPath filters: documents and expressions come in, what they select goes out.

In: for each document its length and bytes, then those of each expression, then the end mark. Out, for each
expression: one letter, a length, and what it selects.
"""

from __future__ import annotations

import resource
import struct
import sys
from collections.abc import Sequence
from typing import IO, Final

from lxml import etree

SELECTED: Final = b"S"
NOTHING: Final = b"N"
FAILED: Final = b"F"

NATIVE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_LENGTH: Final = struct.Struct("<I")
_END: Final = 0xFFFFFFFF
_MEMORY_BYTES: Final = 1 * 1024 * 1024 * 1024


def main(stdin: IO[bytes], stdout: IO[bytes], timeout_s: float) -> None:
    """Evaluate until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    while (document := _next(stdin)) is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime + timeout_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
        expressions = []
        while (expression := _next(stdin)) is not None:
            expressions.append(expression.decode())
        for kind, content in selections(document, expressions):
            stdout.write(kind + _LENGTH.pack(len(content)) + content)
        stdout.flush()


def _next(stream: IO[bytes]) -> bytes | None:
    """Return the next item; None for an end mark, and at the end of the input."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size or (length := _LENGTH.unpack(head)[0]) == _END:
        return None
    return stream.read(length)


def selections(document: bytes, expressions: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Return for each expression what it selects of `document`.

    Names without a prefix mean those of the Native DICOM Model; an expression that has a prefix for its namespace
    is evaluated with that prefix.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    namespaced = etree.fromstring(document, parser)
    plain = etree.fromstring(document, parser)
    for one in plain.iter():
        if isinstance(one.tag, str):
            one.tag = etree.QName(one).localname
    etree.cleanup_namespaces(plain)
    return [_selection(plain, namespaced, expression) for expression in expressions]


def _selection(plain: etree._Element, namespaced: etree._Element, expression: str) -> tuple[bytes, bytes]:
    try:
        try:
            found = _evaluated(plain, expression, {})
        except etree.XPathEvalError:
            prefixes = {word.rpartition("/")[2].rpartition("[")[2] for word in expression.split(":")[:-1]}
            namespaces = {prefix.strip("@( "): NATIVE for prefix in prefixes if prefix.strip("@( ").isidentifier()}
            if not namespaces:
                return FAILED, b""
            found = _evaluated(namespaced, expression, namespaces)
    except (etree.XPathError, etree.XMLSyntaxError, ValueError):
        return FAILED, b""
    return (SELECTED, _as_xml(found)) if _is_something(found) else (NOTHING, b"")


def _evaluated(root: etree._Element, expression: str, namespaces: dict[str, str]) -> object:
    # No extension functions: `document()` and those of EXSLT are unknown names then, and fail.
    found: object = etree.XPath(expression, namespaces=namespaces or None, regexp=False)(root.getroottree())
    return found


def _is_something(found: object) -> bool:
    return bool(found) if isinstance(found, list) else True


def _as_xml(found: object) -> bytes:
    root = etree.Element("XPathResult")
    if not isinstance(found, list):
        root.text = _scalar(found)
        return etree.tostring(root, encoding="UTF-8")
    pieces = [etree.tostring(one, with_tail=False) if isinstance(one, etree._Element) else _text(one) for one in found]  # noqa: SLF001 - lxml names its own type so
    return b"<XPathResult>" + b"".join(pieces) + b"</XPathResult>"


def _scalar(value: object) -> str:
    """Return a boolean, a number or a string as XPath's `string()` does."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _text(value: object) -> bytes:
    """Return the value of an attribute or a text node, escaped."""
    holder = etree.Element("t")
    holder.text = str(value)
    return etree.tostring(holder)[3:-4] if holder.text else b""


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]))
