"""Values of DICOM in the form in which people read them."""

from __future__ import annotations

import re
from typing import Final

from pydicom.uid import UID

from hilum.render.attributes import Attributes

_DATE: Final = re.compile(r"([0-9]{4})\.?([0-9]{2})\.?([0-9]{2})")
_TIME: Final = re.compile(r"([0-9]{2}):?([0-9]{2})?:?([0-9]{2})?(?:\.[0-9]{1,6})?")
_MOMENT: Final = re.compile(r"([0-9]{8})([0-9]{2,6})?(?:\.[0-9]{1,6})?([+-][0-9]{4})?")
_READING_ORDER: Final = (3, 1, 2, 0)
"""Components of a name: prefix, given, middle, family; the suffix follows behind a comma."""


def day(text: object) -> str:
    """Return a value of DA, as it is where it has another form.

    >>> day("20240131")
    '2024-01-31'
    """
    match = _DATE.fullmatch(str(text))
    return "-".join(match.groups()) if match else str(text)


def time_of_day(text: object) -> str:
    """Return a value of TM.

    >>> time_of_day("101112.5"), time_of_day("1011")
    ('10:11:12', '10:11')
    """
    match = _TIME.fullmatch(str(text))
    return ":".join(part for part in match.groups() if part) if match else str(text)


def moment(text: object) -> str:
    """Return a value of DT.

    >>> moment("20240131101112.123+0100")
    '2024-01-31 10:11:12 +01:00'
    """
    match = _MOMENT.fullmatch(str(text))
    if not match:
        return day(text)
    date, time, zone = match.groups()
    parts = [day(date), time_of_day(time) if time else "", f"{zone[:3]}:{zone[3:]}" if zone else ""]
    return " ".join(part for part in parts if part)


def person_name(value: object) -> str:
    """Return a value of PN, from the DICOM JSON Model or as text: all groups, the alphabetic one first.

    >>> person_name({"Alphabetic": "Doe^Jane^M^Dr^PhD", "Ideographic": "山田^太郎"})
    'Dr Jane M Doe, PhD (山田 太郎)'
    """
    if not isinstance(value, dict):
        return _group(str(value or ""))
    first = _group(str(value.get("Alphabetic") or ""))
    # Ideographic and phonetic names are written family first.
    others = [str(value.get(name) or "").replace("^", " ").strip() for name in ("Ideographic", "Phonetic")]
    rest = ", ".join(other for other in others if other)
    return (f"{first} ({rest})" if first else rest) if rest else first


def _group(text: str) -> str:
    components = [component.strip() for component in text.split("^")] + [""] * 5
    name = " ".join(components[number] for number in _READING_ORDER if components[number])
    return f"{name}, {components[4]}" if components[4] else name


def code_meaning(code: Attributes | None) -> str:
    """Return what a coded entry means, else its value."""
    if code is None:
        return ""
    return code.text("CodeMeaning") or _value(code)


def code_title(code: Attributes) -> str:
    """Return the code itself, such as `(121071, DCM)`."""
    parts = (_value(code), code.text("CodingSchemeDesignator"))
    text = ", ".join(part for part in parts if part)
    return f"({text})" if text else ""


def _value(code: Attributes) -> str:
    return code.text("CodeValue") or code.text("LongCodeValue") or code.text("URNCodeValue")


def sop_class_name(uid: str) -> str:
    """Return the name of a SOP Class, without the word that all of them end in.

    >>> sop_class_name("1.2.840.10008.5.1.4.1.1.2")
    'CT Image'
    """
    return UID(uid).name.removesuffix(" Storage") if uid else "Instance"
