"""Specific Character Set: bytes of text values to Unicode.

Source: PS3.3 C.12.1.1.2 (defined terms), PS3.5 6.1.2 (code extension), PS3.5 6.2.1 (person names).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_DEFAULT_CODEC: Final = "latin_1"
"""Bytes above 7FH are not allowed without a declared set; this codec gives each of them a character."""

_CODECS: Final[Mapping[str, str]] = {
    "6": _DEFAULT_CODEC,
    "13": "shift_jis",
    "100": "latin_1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "126": "iso8859_7",
    "127": "iso8859_6",
    "138": "iso8859_8",
    "144": "iso8859_5",
    "148": "iso8859_9",
    "166": "tis_620",
    "203": "iso8859_15",
    "58": "gb2312",
    "149": "euc_kr",
    "87": _DEFAULT_CODEC,
    "159": _DEFAULT_CODEC,
}
"""Codecs of text without escape sequences, by registration number. 87 and 159 stand in G0 behind an escape only."""

CHARACTER_SETS: Final = (
    *(f"ISO_IR {number}" for number in _CODECS if number not in {"58", "149", "87", "159"}),
    *(f"ISO 2022 IR {number}" for number in _CODECS),
    "ISO_IR 192",
    "GB18030",
    "GBK",
)
"""Defined terms of Specific Character Set that are read (PS3.3 C.12.1.1.2)."""

_STANDALONE: Final[Mapping[str, str]] = {
    "ISOIR192": "utf_8",
    "UTF8": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO2022GBK": "gbk",
}
"""Sets without code extension (PS3.3 C.12.1.1.2), by their term without punctuation."""

_G1_ESCAPES: Final[Mapping[bytes, str]] = {
    b"\x1b-A": "latin_1",
    b"\x1b-B": "iso8859_2",
    b"\x1b-C": "iso8859_3",
    b"\x1b-D": "iso8859_4",
    b"\x1b-F": "iso8859_7",
    b"\x1b-G": "iso8859_6",
    b"\x1b-H": "iso8859_8",
    b"\x1b-L": "iso8859_5",
    b"\x1b-M": "iso8859_9",
    b"\x1b-T": "tis_620",
    b"\x1b-b": "iso8859_15",
    b"\x1b)I": "shift_jis",
    b"\x1b$)A": "gb2312",
    b"\x1b$)C": "euc_kr",
}
"""Escape sequences that put a set into G1; each codec has ISO 646 in its lower half."""

_SINGLE_BYTE_G0: Final = frozenset({b"\x1b(B", b"\x1b(J"})
_DOUBLE_BYTE_G0: Final = frozenset({b"\x1b$B", b"\x1b$@", b"\x1b$(D"})
_ESCAPE: Final = re.compile(rb"(\x1b(?:\$\)[AC]|\$\(D|\$[B@]|\([BJ]|\)I|-[ABCDFGHLMTb]))")

_TEXT_DELIMITERS: Final = b"\t\n\f\r"
_VALUE_DELIMITERS: Final = b"\\" + _TEXT_DELIMITERS
_NAME_DELIMITERS: Final = b"^=" + _VALUE_DELIMITERS
_TERM: Final = re.compile(r"ISO(?:2022)?(?:IR)?([0-9]+)")


@dataclass(frozen=True, slots=True, eq=False)
class CharacterSet:
    """How text of a data set is decoded; nothing here fails, what cannot be read becomes U+FFFD (JSON-45).

    Compared by identity, which is fast: `character_set` gives the same object for the same terms.
    """

    codec: str
    """Codec of text without escape sequences."""
    extensible: bool
    """Whether escape sequences switch sets."""

    def text(self, raw: bytes) -> str:
        """Decode a value of LT, ST or UT."""
        return self._decode(raw, _TEXT_DELIMITERS)

    def values(self, raw: bytes) -> str:
        r"""Decode values of LO, SH or UC together; what is a backslash afterwards separates them (JSON-28).

        >>> character_set(b"GB18030").values(b"\x90\x5c\\A")
        '怽\\A'
        """
        return self._decode(raw, _VALUE_DELIMITERS)

    def names(self, raw: bytes) -> str:
        """Decode values of PN together, with their delimiters."""
        return self._decode(raw, _NAME_DELIMITERS)

    def _decode(self, raw: bytes, delimiters: bytes) -> str:
        if self.extensible and b"\x1b" in raw:
            return _decode_extended(raw, self.codec, delimiters)
        return raw.decode(self.codec, "replace")


@lru_cache(maxsize=256)
def character_set(raw: bytes) -> CharacterSet:
    """Return the set that a value field of Specific Character Set names; unknown terms are the default repertoire.

    Misspelt terms of real files (`ISO-IR 100`, `iso 2022 ir 87`) are understood.
    """
    terms = [re.sub(r"[^A-Z0-9]", "", term.upper()) for term in raw.decode("latin_1").split("\\")]
    if terms[0] in _STANDALONE:
        return CharacterSet(_STANDALONE[terms[0]], extensible=False)
    match = _TERM.fullmatch(terms[0])
    return CharacterSet(_CODECS.get(match[1] if match else "6", _DEFAULT_CODEC), extensible=True)


DEFAULT_CHARACTER_SET: Final = character_set(b"")
"""The set of a data set that names none."""


def text_as_utf8(raw: bytes, specific_character_set: str) -> bytes:
    r"""Return a value field of LT, ST, UC or UT as UTF-8, without padding (JSON-39).

    Args:
        raw: the value field as stored.
        specific_character_set: values of (0008,0005), separated by backslashes; '' if absent.

    >>> text_as_utf8(b"M\xfcller ", "ISO_IR 100")
    b'M\xc3\xbcller'
    """
    charset = character_set(specific_character_set.encode("latin_1", "replace"))
    return charset.values(raw).rstrip(" \0").encode()


def _decode_extended(raw: bytes, codec: str, delimiters: bytes) -> str:
    """Decode text with escape sequences; every delimiter brings the initial sets back (PS3.5 6.1.2.5.3).

    Inside a double-byte set of G0 only control characters delimit: other bytes are halves of characters.
    """
    decoded = []
    current, double = codec, b""
    for part in _ESCAPE.split(raw):
        if part in _G1_ESCAPES:
            # A set designated to G1 says nothing of G0, but writers use it to end a double-byte run.
            current, double = _G1_ESCAPES[part], b""
        elif part in _SINGLE_BYTE_G0:
            double = b""
        elif part in _DOUBLE_BYTE_G0:
            double = part
        elif part:
            decoded.append(_decode_run(part, double, current, codec, delimiters))
            if _has_any(part, _TEXT_DELIMITERS if double else delimiters):
                current, double = codec, b""
    return "".join(decoded)


def _decode_run(run: bytes, double: bytes, current: str, initial: str, delimiters: bytes) -> str:
    """Decode bytes between two escape sequences."""
    stop = _first_of(run, _TEXT_DELIMITERS if double else delimiters)
    head = (double + run[:stop]).decode("iso2022_jp_2", "replace") if double else run[:stop].decode(current, "replace")
    return head + run[stop:].decode(initial, "replace")


def _first_of(run: bytes, delimiters: bytes) -> int:
    """Return the index of the first delimiter in `run`; its length if there is none."""
    return next((index for index, byte in enumerate(run) if byte in delimiters), len(run))


def _has_any(run: bytes, delimiters: bytes) -> bool:
    return _first_of(run, delimiters) < len(run)
