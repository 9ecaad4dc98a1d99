"""Rows of a search as results: JSON text around the place of the base URL (PS3.18 10.6.3.3).

Results of one level alone are put together from ready-made pieces by string formatting; those that carry more
(attributes of higher levels, included attributes) are merged member by member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson
import zstandard
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from sqlalchemy import ColumnElement

from hilum.dicom.levels import EVERY_LEVEL_TAGS, level_of, returned_levels
from hilum.dicom.searching.query import Level, Query
from hilum.store.database import tables
from hilum.store.database.database import Row
from hilum.store.rows.answers import (
    JOINT,
    ONLINE,
    RETRIEVE_URL,
    count,
    cut,
    in_order,
    member,
    selected,
    split_item,
    without_bulk,
)
from hilum.store.rows.merging import Members

Item = tuple[str, str]

_AVAILABLE_SYNTAXES: Final = "00083002"
_EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"

_study, _series, _instance = tables.study.c, tables.series.c, tables.instance.c
_STUDY_COLUMNS: Final = (
    _study.study_instance_uid,
    _study.answer_head,
    _study.answer_tail,
    _study.series_count,
    _study.instance_count,
)
_SERIES_COLUMNS: Final = (
    _series.series_instance_uid,
    _series.answer_head,
    _series.answer_tail,
    _series.instance_count,
    _series.answer_end,
)
_INSTANCE_COLUMNS: Final = (
    _instance.sop_instance_uid,
    _instance.sop_class_uid,
    _instance.instance_number,
    _instance.number_of_frames,
    _instance.rows,
    _instance.columns,
    _instance.bits_allocated,
    _instance.extra,
)

NATIVE_COLUMNS: Final[Mapping[Level, tuple[ColumnElement[Any], ...]]] = {
    Level.STUDY: _STUDY_COLUMNS,
    Level.SERIES: (_study.study_instance_uid, *_SERIES_COLUMNS),
    Level.INSTANCE: (_study.study_instance_uid, _series.series_instance_uid, *_INSTANCE_COLUMNS),
}
"""Columns of results that carry attributes of their own level alone."""

_STUDY_WIDE: Final = (*_STUDY_COLUMNS, _study.attributes)
_SERIES_WIDE: Final = (*_SERIES_COLUMNS, _series.attributes)
WIDE_COLUMNS: Final[Mapping[Level, tuple[ColumnElement[Any], ...]]] = {
    Level.STUDY: _STUDY_WIDE,
    Level.SERIES: (*_STUDY_WIDE, *_SERIES_WIDE),
    Level.INSTANCE: (
        *_STUDY_WIDE,
        *_SERIES_WIDE,
        *_INSTANCE_COLUMNS,
        _instance.id,
        _instance.transfer_syntax_uid,
        _instance.wire_form,
    ),
}
"""Columns of results that carry more."""

_ZONE_START: Final = '"00080201":'
_SERIES_PART: Final = slice(len(_STUDY_WIDE), len(_STUDY_WIDE) + len(_SERIES_WIDE))
_INSTANCE_PART: Final = slice(_SERIES_PART.stop, _SERIES_PART.stop + len(_INSTANCE_COLUMNS))


def row_id(row: Row) -> int:
    """Return the instance id of a row of `WIDE_COLUMNS[Level.INSTANCE]`."""
    found: int = row[_INSTANCE_PART.stop]
    return found


def native_study(row: Row) -> Item:
    """Return the result of a row of `NATIVE_COLUMNS[Level.STUDY]`."""
    uid, head, tail, series_count, instance_count = row
    after = (
        f'/studies/{uid}"]}},\n{tail},\n"00201206":{{"vr":"IS","Value":[{series_count}]}},\n'
        f'"00201208":{{"vr":"IS","Value":[{instance_count}]}}}}'
    )
    return f"{{{head},\n{RETRIEVE_URL}", after


def native_series(row: Row) -> Item:
    """Return the result of a row of `NATIVE_COLUMNS[Level.SERIES]`."""
    study_uid, uid, head, tail, instance_count, end = row
    following = f",\n{end}" if end else ""
    after = (
        f'/studies/{study_uid}/series/{uid}"]}},\n{tail},\n'
        f'"00201209":{{"vr":"IS","Value":[{instance_count}]}}{following}}}'
    )
    return f"{{{head},\n{RETRIEVE_URL}", after


def native_instance(row: Row) -> Item:
    """Return the result of a row of `NATIVE_COLUMNS[Level.INSTANCE]`."""
    study_uid, series_uid, uid, sop_class, number, frames, rows, columns, bits, extra = row
    # The zone alone is common, and has its place right before Retrieve URL.
    is_zone = extra.startswith(_ZONE_START) and JOINT not in extra
    if (extra and not is_zone) or number == tables.NO_NUMBER:
        path = f"/studies/{study_uid}/series/{series_uid}/instances/{uid}"
        return split_item(in_order(_instance_members(row[2:]), [_retrieve_url(path)]))
    layout = f',\n"00280008":{{"vr":"IS","Value":[{frames}]}}' if frames != tables.UNKNOWN else ""
    if rows != tables.UNKNOWN:
        layout += f',\n"00280010":{{"vr":"US","Value":[{rows}]}}'
    if columns != tables.UNKNOWN:
        layout += f',\n"00280011":{{"vr":"US","Value":[{columns}]}}'
    if bits != tables.UNKNOWN:
        layout += f',\n"00280100":{{"vr":"US","Value":[{bits}]}}'
    before = (
        f'{{"00080016":{{"vr":"UI","Value":["{sop_class}"]}},\n"00080018":{{"vr":"UI","Value":["{uid}"]}},\n'
        f"{ONLINE},\n{extra + JOINT if extra else ''}{RETRIEVE_URL}"
    )
    after = (
        f'/studies/{study_uid}/series/{series_uid}/instances/{uid}"]}},\n'
        f'"00200013":{{"vr":"IS","Value":[{number}]}}{layout}}}'
    )
    return before, after


NATIVE: Final[Mapping[Level, Callable[[Row], Item]]] = {
    Level.STUDY: native_study,
    Level.SERIES: native_series,
    Level.INSTANCE: native_instance,
}


def _retrieve_url(path: str) -> str:
    return f'{RETRIEVE_URL}{path}"]}}'


def _study_members(row: Row) -> list[str]:
    _, head, tail, series_count, instance_count = row
    return [*cut(head), *cut(tail), count("00201206", series_count), count("00201208", instance_count)]


def _series_members(row: Row) -> list[str]:
    _, head, tail, instance_count, end = row
    return [*cut(head), *cut(tail), count("00201209", instance_count), *cut(end)]


def _instance_members(row: Row) -> list[str]:
    uid, sop_class, number, frames, rows, columns, bits, extra = row
    # What stands in `extra` says it as the object does, so it goes first.
    members = cut(extra)
    known = {one[1:9] for one in members}
    members += [
        member("00080016", {"vr": "UI", "Value": [sop_class]}),
        member("00080018", {"vr": "UI", "Value": [uid]}),
        ONLINE,
    ]
    if "00200013" not in known:
        members.append('"00200013":{"vr":"IS"}' if number == tables.NO_NUMBER else count("00200013", number))
    for tag, vr, value in (
        ("00280008", "IS", frames),
        ("00280010", "US", rows),
        ("00280011", "US", columns),
        ("00280100", "US", bits),
    ):
        if value != tables.UNKNOWN and tag not in known:
            members.append(f'"{tag}":{{"vr":"{vr}","Value":[{value}]}}')
    return members


@lru_cache(maxsize=4096)
def vr_of(tag: str) -> str:
    """Return the VR of an attribute by the data dictionary; UN if it has none there.

    >>> vr_of("00081030"), vr_of("00231002")
    ('LO', 'UN')
    """
    number = int(tag, 16)
    return dictionary_VR(number).split(" ")[0] if dictionary_has_tag(number) else "UN"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attributes results of a query carry beside Retrieve URL."""

    level: Level
    default: frozenset[Level]
    """Levels with their default attributes."""
    include: Mapping[Level, tuple[str, ...]]
    """Further tags by the level that knows them."""
    include_all: bool

    @property
    def is_native(self) -> bool:
        """Whether results carry the default attributes of their own level and no others."""
        return self.default == {self.level} and not self.include and not self.include_all

    def needs_metadata(self, kept: frozenset[str]) -> bool:
        """Return whether attributes are wanted that an instance's own row does not keep."""
        if self.level is not Level.INSTANCE:
            return False
        return self.include_all or not kept.issuperset(self.include.get(Level.INSTANCE, ()))


def wanted(query: Query) -> Wanted:
    """Return which attributes results of `query` carry (QIDO-22, QIDO-29 to QIDO-32)."""
    include: dict[Level, tuple[str, ...]] = {}
    for tag in query.include:
        level = query.level if tag in EVERY_LEVEL_TAGS else level_of(tag)
        include[level] = (*include.get(level, ()), tag)
    default = returned_levels(
        query.level,
        study_instance_uid=query.study_instance_uid,
        series_instance_uid=query.series_instance_uid,
    )
    return Wanted(query.level, frozenset(default), include, query.include_all)


@dataclass(slots=True)
class WideResults:
    """Puts results together that carry more than the default attributes of their level."""

    wanted: Wanted
    bodies: Mapping[int, Row]
    """By instance id: metadata, its size, URI offsets and attributes; empty if nothing of them is wanted."""
    _parsed: dict[str, Members] = field(default_factory=dict)

    def compose(self, row: Row) -> Item:
        """Return the result of a row of `WIDE_COLUMNS`."""
        groups: list[Sequence[str]] = []
        path = f"/studies/{row[0]}"
        if self.wanted.level is not Level.STUDY:
            path += f"/series/{row[_SERIES_PART][0]}"
        if self.wanted.level is Level.INSTANCE:
            path += f"/instances/{row[_INSTANCE_PART][0]}"
            groups += self._of_instance(row)
        if self.wanted.level is not Level.STUDY:
            part = row[_SERIES_PART]
            groups += self._of_level(Level.SERIES, _series_members(part[:-1]), part[-1])
        part = row[: len(_STUDY_WIDE)]
        groups += self._of_level(Level.STUDY, _study_members(part[:-1]), part[-1])
        return split_item(in_order([_retrieve_url(path)], *groups))

    def _of_level(self, level: Level, default: list[str], attributes: str) -> list[Sequence[str]]:
        groups: list[Sequence[str]] = [default] if level in self.wanted.default else []
        tags = self.wanted.include.get(level, ())
        is_all = self.wanted.include_all and level is self.wanted.level
        if tags or is_all:
            members = self._members(attributes)
            known = {one[1:9]: one for one in default}
            groups.append([known[tag] if tag in known else selected(members, [tag], vr_of)[0] for tag in tags])
            if is_all:
                groups.append([member(tag, element) for tag, element in members.items()])
        return groups

    def _of_instance(self, row: Row) -> list[Sequence[str]]:
        default = _instance_members(row[_INSTANCE_PART])
        groups: list[Sequence[str]] = [default]
        tags = self.wanted.include.get(Level.INSTANCE, ())
        if tags or self.wanted.include_all:
            identifier, syntax, wire_form = row[_INSTANCE_PART.stop :]
            members = instance_members(self.bodies[identifier]) if identifier in self.bodies else {}
            available = _EXPLICIT_LITTLE_ENDIAN if wire_form else syntax
            members = {**members, _AVAILABLE_SYNTAXES: {"vr": "UI", "Value": [available]}}
            groups.append(selected(members, tags, vr_of))
            if self.wanted.include_all:
                groups.append([member(tag, element) for tag, element in members.items() if _is_of_instance(tag)])
        return groups

    def _members(self, attributes: str) -> Members:
        known = self._parsed.get(attributes)
        if known is None:
            known = self._parsed[attributes] = orjson.loads(attributes) if attributes else {}
        return known


def _is_of_instance(tag: str) -> bool:
    return level_of(tag) is Level.INSTANCE and tag not in EVERY_LEVEL_TAGS


def instance_members(body: Row) -> dict[str, Any]:
    """Return the attributes of an instance but for bulk data: of its metadata, or those its row keeps.

    Args:
        body: metadata (zstd; None if a sidecar holds them), their size, URI offsets, attributes.
    """
    metadata, size, _, attributes = body
    if metadata is None:
        return without_bulk(orjson.loads(attributes))
    return without_bulk(orjson.loads(zstandard.ZstdDecompressor().decompress(metadata, max_output_size=size)))
