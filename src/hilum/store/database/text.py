"""Text as the index compares it, the same on every database.

Databases differ in what they store (NUL), how they compare (collations) and what a pattern is. So texts are
reduced here to forms that are compared binary, code point by code point, and patterns are written out exactly.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

_KEPT_CHARACTERS: Final = 256
KEY_LENGTH: Final = 200
"""Most characters of an indexed value: PostgreSQL refuses index rows above 2,704 bytes."""

MAX_PATTERN: Final = 4096
"""Longest pattern that is tried, in characters; no indexed value is as long."""

# SQLite's GLOB reads U+FFFE and U+FFFF, which are no characters, as U+FFFD.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_LAST_CODE_POINT: Final = 0x10FFFF
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_FIRST_MOMENT: Final = "00000101000000.000000"
_FIRST_TIME: Final = "000000.000000"
_DESCENDING: Final = {code: 0x20 + 0x7E - code for code in range(0x20, 0x7F)}


def storable(text: str) -> str:
    r"""Return the text without NUL, lone surrogates and non-characters, which databases refuse or take for others.

    >>> storable("a\x00b\ud800")
    'ab'
    """
    return _UNSTORABLE.sub("", text) if _UNSTORABLE.search(text) else text


def key(text: str) -> str:
    """Return the form in which values of text are compared: storable, without padding.

    >>> key(" A 1 ")
    'A 1'
    """
    return storable(text).strip(" ")


def column_key(text: str) -> str:
    """Return `key(text)`, bounded for an index; a longer one ends in a digest, so that equality stays exact."""
    bounded = key(text)
    if len(bounded) <= KEY_LENGTH:
        return bounded
    digest = hashlib.sha256(bounded.encode()).hexdigest()
    return bounded[: KEY_LENGTH - len(digest)] + digest


def folded(text: str) -> str:
    """Return the text without case and without marks (accents, dakuten, vowel points), each space single.

    >>> folded("GÖDEL^Kurt"), folded("Straße")
    ('godel^kurt', 'strasse')
    """
    return _folded(text) if len(text) <= _KEPT_CHARACTERS else _folded.__wrapped__(text)


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    plain = storable(text)
    if not plain.isascii():
        # Case folding may give back composed characters, and those have marks again.
        plain = _without_marks(_without_marks(plain).casefold())
    return " ".join(plain.casefold().split())


def _without_marks(text: str) -> str:
    return "".join(
        character for character in unicodedata.normalize("NFKD", text) if unicodedata.category(character) != "Mn"
    )


def name_key(group: str) -> str:
    """Return the form in which component groups of person names are compared: folded, no empty last components.

    >>> name_key("Smith ^John^^")
    'smith^john'
    """
    return "^".join(component.strip(" ") for component in folded(group).split("^")).rstrip("^")


def number_key(text: str) -> str:
    """Return one text for all ways to write a number; what is no number stays as it is.

    >>> number_key("01"), number_key("1.50"), number_key("1e2"), number_key("-0")
    ('1', '1.5', '100', '0')
    """
    bare = key(text)
    if not _NUMBER.fullmatch(bare):
        return bare
    try:
        number = Decimal(bare).normalize()
    except InvalidOperation:
        return bare
    return "0" if not number else f"{number:f}" if abs(number.adjusted()) < 40 else str(number)


def date_key(text: str) -> str:
    """Return a DA as `YYYYMMDD`; older objects write `YYYY.MM.DD`.

    >>> date_key("1997.07.01")
    '19970701'
    """
    return key(text).replace(".", "")


def time_key(text: str) -> str:
    """Return a TM as `HHMMSS.FFFFFF`, what is missing filled with zeros; older objects write `HH:MM:SS`.

    >>> time_key("1030"), time_key("10:30:15.5"), time_key("")
    ('103000.000000', '103015.500000', '')
    """
    bare = key(text).replace(":", "")
    whole, _, fraction = bare.partition(".")
    return f"{whole + _FIRST_TIME[len(whole) : 6]}.{fraction:0<6}" if bare else ""


def date_time_key(text: str) -> str:
    """Return a DT as `YYYYMMDDHHMMSS.FFFFFF`, what is missing filled, its offset from UTC left out.

    >>> date_time_key("2013+0100"), date_time_key("20130509103015.25")
    ('20130101000000.000000', '20130509103015.250000')
    """
    bare = re.split(r"[+-]", key(text), maxsplit=1)[0]
    whole, _, fraction = bare.partition(".")
    return f"{whole + _FIRST_MOMENT[len(whole) : 14]}.{fraction:0<6}" if bare else ""


def order_date(date: str) -> str:
    """Return the first eight characters of an order key: ascending text for descending dates.

    What is no date of eight digits is unknown.
    """
    known = date if len(date) == 8 and date.isascii() and date.isdecimal() else " " * 8
    return known.translate(_DESCENDING)


def order_key(date: str, time: str, uid: str) -> str:
    """Return the key of the order of studies: latest date first, latest time first, then UIDs ascending.

    Args:
        date: as `date_key` gives it; unknown dates come last.
        time: as `time_key` gives it.
        uid: Study Instance UID.
    """
    moment = f"{time[:13]:<13}".encode("ascii", "replace").decode().translate(_DESCENDING)
    return order_date(date) + moment + uid


def prefix_end(prefix: str) -> str | None:
    """Return the least text above all texts that begin with `prefix`; None if nothing is above them.

    >>> prefix_end("smith"), prefix_end("a\U0010ffff"), prefix_end("")
    ('smiti', 'b', None)
    """
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1])
        if code < _LAST_CODE_POINT:
            # Surrogates are no characters of their own.
            following = 0xE000 if code == 0xD7FF else code + 1
            return prefix[: length - 1] + chr(following)
    return None


def literal_prefix(pattern: str) -> str:
    """Return what stands before the first wildcard.

    >>> literal_prefix("smi?h*")
    'smi'
    """
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def glob_pattern(pattern: str) -> str:
    """Return the pattern for SQLite's GLOB, which alone compares case and has `[` as a further sign.

    >>> glob_pattern("a[b]**?")
    'a[[]b]*?'
    """
    return re.sub(r"\*+", "*", pattern).replace("[", "[[]")


def like_pattern(pattern: str) -> str:
    r"""Return the pattern for LIKE with the escape character backslash.

    >>> like_pattern("10%_*?")
    '10\\%\\_%_'
    """
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", re.sub(r"\*+", "*", pattern))
    return escaped.replace("*", "%").replace("?", "_")


def matches_pattern(text: str, pattern: str) -> bool:
    """Return whether the whole text fits the pattern, in time bounded by the product of their lengths.

    >>> matches_pattern("smith^john", "sm?th*n"), matches_pattern("smith", "smit?h")
    (True, False)
    """
    at, inside, star, retry = 0, 0, -1, 0
    while at < len(text):
        if inside < len(pattern) and pattern[inside] == "*":
            star, retry = inside, at
            inside += 1
        elif inside < len(pattern) and pattern[inside] in {"?", text[at]}:
            at += 1
            inside += 1
        elif star >= 0:
            # The last star takes one more character; earlier stars never need to be tried again.
            retry += 1
            at, inside = retry, star + 1
        else:
            return False
    return not pattern[inside:].strip("*")
