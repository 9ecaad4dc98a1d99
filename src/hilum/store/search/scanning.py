"""Tests of instance-level attributes that no index holds: decided on the metadata, instance by instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from hilum.dicom.searching.date_times import is_zone, shifted, zone_minutes
from hilum.store.database import text
from hilum.store.database.names import is_close
from hilum.store.rows.merging import KeyRow, Members, first_text, key_rows
from hilum.store.search.criteria import ZONE, Demand, Op, Shape, common_depth, moment_values, parts_of


def fulfils(members: Members, tests: Sequence[Demand]) -> bool:
    """Return whether an instance's attributes fulfil all tests; those below one sequence, in one item."""
    groups: dict[str, list[Demand]] = {}
    zone = first_text(members, ZONE)
    for number, asked in enumerate(tests):
        test = _in_zone(asked, zone) if asked.shape.op is Op.ZONED else asked
        path = test.shape.path
        if test.shape.op is Op.EMPTY:
            if _has_value(members, test):
                return False
            continue
        # Attributes outside sequences stand for themselves.
        groups.setdefault(path[0] if len(path) > 1 else f"{number}", []).append(test)
    return all(_fulfils_group(members, group) for group in groups.values())


def _in_zone(test: Demand, zone: str) -> Demand:
    """Return the test of moments in the zone of one object; its first four values are for dates without a time."""
    offset, first, last = int(test.values[0]), str(test.values[1]), str(test.values[2])
    minutes = zone_minutes(zone) - offset if is_zone(zone) else 0
    moved = (end and shifted(end, minutes) for end in (first, last))
    values = (*moment_values(first, last), *moment_values(*moved))
    shape = test.shape
    return Demand(Shape(shape.level, shape.path, Op.MOMENTS, len(values), shape.time_path), values)


def _has_value(members: Members, test: Demand) -> bool:
    path, tag = ".".join(test.shape.path), test.shape.path[0]
    return tag in members and any(row.path == path and row.value for row in key_rows({tag: members[tag]}))


def _fulfils_group(members: Members, tests: Sequence[Demand]) -> bool:
    tag = tests[0].shape.path[0]
    tags = {tag} | {test.shape.time_path[0] for test in tests if test.shape.time_path}
    rows = list(key_rows({one: members[one] for one in tags if one in members}))
    fitting = [list(_fitting(rows, test)) for test in tests]
    paths = [test.shape.path for test in tests]
    return _agree(fitting, paths, [])


def _fitting(rows: Sequence[KeyRow], test: Demand) -> Iterator[str]:
    """Yield the items in which an attribute passes its test."""
    path = ".".join(test.shape.path)
    time_path = ".".join(test.shape.time_path)
    for row in rows:
        if row.path != path:
            continue
        time = ""
        if time_path:
            time = min((one.value for one in rows if one.path == time_path and one.item == row.item), default="")
        if _passes(row.value + row.rest, time, test):
            yield row.item


def _agree(fitting: Sequence[list[str]], paths: Sequence[tuple[str, ...]], chosen: list[str]) -> bool:
    """Return whether one item can be chosen for each attribute so that those of shared sequences are the same."""
    place = len(chosen)
    if place == len(fitting):
        return True
    for item in dict.fromkeys(fitting[place]):
        depths = [common_depth(paths[place], paths[other]) for other in range(place)]
        if all(item[: 4 * depth] == chosen[other][: 4 * depth] for other, depth in enumerate(depths)) and _agree(
            fitting, paths, [*chosen, item]
        ):
            return True
    return False


_PASSES: Final[Mapping[Op, Callable[[str, tuple[Any, ...]], bool]]] = {
    Op.EQUAL: lambda value, bound: value == "".join(bound),
    Op.ANY_OF: lambda value, bound: value in bound,
    Op.BETWEEN: lambda value, bound: bool(bound[0] <= value <= bound[1]),
    Op.AT_LEAST: lambda value, bound: bool(value >= bound[0]),
    Op.AT_MOST: lambda value, bound: bool("" < value <= bound[0]),
    Op.FROM_UNTIL: lambda value, bound: bool(bound[0] <= value < bound[1]),
    Op.PATTERN: lambda value, bound: text.matches_pattern(value, bound[-1]),
    Op.PATTERN_FROM_UNTIL: lambda value, bound: text.matches_pattern(value, bound[-1]),
    Op.STEM: lambda value, bound: bool(bound[0] <= value < bound[1] or value == bound[2]),
    Op.CLOSE: lambda value, bound: is_close(bound[0], value),
    Op.NEVER: lambda _value, _bound: False,
}


def _passes(value: str, time: str, test: Demand) -> bool:
    if test.shape.op not in {Op.MOMENT, Op.MOMENTS}:
        return any(_PASSES[op](value, values) for op, values in parts_of(test))
    values = test.values[4:] if test.shape.op is Op.MOMENTS and time else test.values[:4]
    first_date, first_time, last_date, last_time = map(str, values)
    after = value > first_date or (value == first_date and (not time or time >= first_time))
    before = value < last_date or (value == last_date and (not time or time <= last_time))
    return bool(value) and after and before
