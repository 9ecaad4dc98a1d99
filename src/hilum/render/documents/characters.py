"""Character sets that rendered texts come in (PS3.18 8.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.documents.html import CHARSET_MARK
from hilum.wire.accept import AcceptableCharsets, parse_accept, parse_charsets, select_charset

UTF_8: Final = "utf-8"

_LATIN: Final = {f"iso-8859-{number}": f"iso8859_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)}
_TERMS: Final[Mapping[str, str]] = {
    "iso_ir 192": UTF_8,
    "iso_ir 6": "us-ascii",
    "iso_ir 100": "iso-8859-1",
    "iso_ir 101": "iso-8859-2",
    "iso_ir 109": "iso-8859-3",
    "iso_ir 110": "iso-8859-4",
    "iso_ir 144": "iso-8859-5",
    "iso_ir 127": "iso-8859-6",
    "iso_ir 126": "iso-8859-7",
    "iso_ir 138": "iso-8859-8",
    "iso_ir 148": "iso-8859-9",
    "iso_ir 203": "iso-8859-15",
    "iso_ir 13": "shift_jis",
    "iso_ir 166": "tis-620",
}
"""Defined terms of DICOM, and the names of the same sets on the Internet (CHR-01)."""
CODECS: Final[Mapping[str, str]] = {
    UTF_8: "utf_8",
    "us-ascii": "ascii",
    **_LATIN,
    "shift_jis": "shift_jis",
    "euc-kr": "euc_kr",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "tis-620": "tis_620",
}
"""Sets by their name in lower case, the default first, and Python's codec of each."""
SUPPORTED: Final = (*CODECS, *_TERMS)


def charset_parameter(text: str) -> str:
    """Return the set that a `charset` query parameter selects.

    Raises:
        InvalidRequest: it is no list of names, or names none that is supported (CHR-04).

    >>> charset_parameter("latin-9000, ISO_IR 100;q=0.5")
    'iso-8859-1'
    """
    try:
        wanted = parse_charsets(text)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if not any(name in SUPPORTED and quality > 0 for name, quality in wanted):
        raise InvalidRequest(f"The parameter charset must name one of: {', '.join(CODECS)}.")
    return _canonical(select_charset(AcceptableCharsets(parameter=wanted), SUPPORTED))


def accepted_charset(header: str) -> str:
    """Return the set that an Accept-Charset header selects; '' where it leaves the choice (CHR-05, CHR-06).

    >>> accepted_charset("iso-8859-1, *;q=0.1"), accepted_charset("")
    ('iso-8859-1', '')
    """
    return _canonical(select_charset(AcceptableCharsets(header=header), SUPPORTED)) if header else ""


def media_range_charset(accept: str, media_type: str) -> str:
    """Return the set that a range of an Accept header names for a media type, '' where none does (CHR-07).

    >>> media_range_charset("text/html;charset=ISO-8859-1, */*", "text/html")
    'iso-8859-1'
    """
    for found in parse_accept(accept):
        name = found.parameters.get("charset", "").lower()
        if f"{found.type}/{found.subtype}" == media_type and name in SUPPORTED and found.quality > 0:
            return _canonical(name)
    return ""


def _canonical(name: str) -> str:
    return _TERMS.get(name, name)


def encoded_page(page: str, charset: str) -> bytes:
    """Return a page of HTML in a character set; what it lacks is written as character references."""
    text = page.replace(CHARSET_MARK, charset or UTF_8)
    return text.encode(CODECS[charset or UTF_8], "xmlcharrefreplace")


def encoded_text(text: str, charset: str) -> bytes:
    """Return plain text in a character set.

    Raises:
        NotAcceptable: it has characters that the set lacks (CHR-08).
    """
    try:
        return text.encode(CODECS[charset or UTF_8])
    except UnicodeEncodeError as error:
        raise NotAcceptable(f"The text has characters that {charset} has not.") from error
