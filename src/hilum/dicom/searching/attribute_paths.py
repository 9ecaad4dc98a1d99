"""Attributes as search requests name them: keywords or tags, a dot between sequence levels (PS3.18 8.3.1).

A path is a tuple of eight-digit upper-case tags, outermost sequence first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydicom.datadict import (
    dictionary_has_tag,
    dictionary_VR,
    keyword_for_tag,
    private_dictionary_VR,
    repeater_has_tag,
    tag_for_keyword,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str, ...]

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_SHOWABLE: Final = re.compile(r"[A-Za-z0-9]{1,80}")
_MAX_DEPTH: Final = 16


class QueryError(ValueError):
    """The query component of a search request is wrong; the message is one sentence to the user agent."""


def parse_path(name: str) -> Path:
    """Return the path that a name such as `OtherPatientIDsSequence.00100020` means.

    Raises:
        QueryError: a component is neither keyword nor tag of the dictionary nor a private tag, a component
            before the last is no sequence, or there are more than 16.

    Source: QP-05, QP-06, SRCH-05.

    >>> parse_path("OtherPatientIDsSequence.00100020")
    ('00101002', '00100020')
    """
    components = name.split(".", _MAX_DEPTH)
    if len(components) > _MAX_DEPTH:
        raise QueryError(f"The path of an attribute has at most {_MAX_DEPTH} components.")
    path = tuple(_tag_of_component(component) for component in components)
    for tag in path[:-1]:
        if not is_private(tag) and _dictionary_vr(tag) != "SQ":
            raise QueryError(f"{name_of((tag,))} is no sequence.")
    return path


def name_of(path: Path) -> str:
    """Return the path in keywords, with tags where there is none.

    >>> name_of(("00101002", "00231002"))
    'OtherPatientIDsSequence.00231002'
    """
    return ".".join(keyword_for_tag(int(tag, 16)) or tag for tag in path)


def is_private(tag: str) -> bool:
    """Return whether the tag is a private attribute or a Private Creator (PS3.5 7.8)."""
    if tag[3] not in "13579BDF":
        return False
    group, element = int(tag[:4], 16), int(tag[4:], 16)
    return 0x0008 < group < 0xFFFF and (0x10 <= element <= 0xFF or element >= 0x1000)


def creators_of(path: Path) -> tuple[Path, ...]:
    """Return the paths of the Private Creators that the private components of `path` need (PS3.5 7.8.1).

    >>> creators_of(("00231002",)), creators_of(("00230010",)), creators_of(("00100010",))
    ((('00230010',),), (), ())
    """
    return tuple(
        (*path[:depth], f"{tag[:4]}00{tag[4:6]}")
        for depth, tag in enumerate(path)
        if is_private(tag) and tag[4:6] != "00"
    )


def vr_of(path: Path, creators: Mapping[Path, str]) -> str:
    """Return the VR of the attribute as the dictionaries have it, such as `PN` or `US or SS`; else `UN`.

    Args:
        path: the attribute.
        creators: values of Private Creators by path.
    """
    tag = path[-1]
    if not is_private(tag):
        return _dictionary_vr(tag)
    if tag[4:6] == "00":
        return "LO"
    try:
        return private_dictionary_VR(int(tag, 16), creators[creators_of(path)[-1]])
    except KeyError:
        return "UN"


def _tag_of_component(component: str) -> str:
    if _TAG.fullmatch(component):
        tag = component.upper()
        if is_private(tag) or _is_standard(int(tag, 16)):
            return tag
    else:
        # The dictionary has entries without a keyword.
        known = tag_for_keyword(component) if component else None
        if known is not None:
            return f"{known:08X}"
    shown = component if _SHOWABLE.fullmatch(component) else "A name in the request"
    raise QueryError(f"{shown} is neither a keyword nor a tag of the data dictionary.")


def _is_standard(tag: int) -> bool:
    return dictionary_has_tag(tag) or repeater_has_tag(tag)


def _dictionary_vr(tag: str) -> str:
    return dictionary_VR(int(tag, 16)) if _is_standard(int(tag, 16)) else "UN"
