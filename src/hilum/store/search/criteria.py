"""Matching keys as tests of stored values (PS3.4 C.2.2.2).

A test has a *shape* (where it looks, how it compares) and values. Statements are made from shapes alone, so
searches that differ in values share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar, assert_never

from hilum.dicom.levels import level_of
from hilum.dicom.searching.attribute_paths import QueryError, name_of
from hilum.dicom.searching.date_times import shifted
from hilum.dicom.searching.query import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Fuzzy,
    Level,
    Match,
    Range,
    SingleValue,
    UidList,
    Wildcard,
    ZonedRange,
)
from hilum.store.database import tables, text
from hilum.store.database.database import Kind, Value
from hilum.store.database.names import grams_of_pattern, word_patterns
from hilum.store.rows.columns import ATTRIBUTE_COLUMNS, MODALITIES_IN_STUDY, Form
from hilum.store.rows.keys import PATIENT_NAME, Posting
from hilum.store.rows.merging import NUMBER_VRS, WORDS

T = TypeVar("T")

_LATEST: Final = "~"
ORDER_KEY: Final = ("order_key",)
_STUDY_DATE: Final = ("00080020",)
ZONE: Final = "00080201"
"""Timezone Offset From UTC, of which key rows hold the value at every level."""

_NUMBERS_THAT_SORT: Final = frozenset({("00200011",), ("00200013",)})
"""Series Number and Instance Number, whose unknown values sort last."""


class Op(Enum):
    """How a stored value is compared; the number of values that each takes."""

    EQUAL = "equal"
    ANY_OF = "any of"
    BETWEEN = "between"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    """At most, and not empty."""
    FROM_UNTIL = "from until"
    """At least the first and below the second value: a prefix."""
    PATTERN = "pattern"
    PATTERN_FROM_UNTIL = "pattern from until"
    """A pattern that begins with literal text: two bounds, then the pattern."""
    STEM = "stem"
    """A prefix (two bounds), or equal to the third value."""
    MOMENT = "moment"
    """A date and its time between two moments: first date and time, last date and time."""
    ZONED = "zoned"
    """A date and its time between two moments of a time zone: its offset in minutes, first and last moment."""
    MOMENTS = "moments"
    """`ZONED` for an index whose zones are known: four values as of `MOMENT`, where the zone is none of those that
    follow; then for each zone its name and four values."""
    EMPTY = "empty"
    """No value anywhere: the attribute is absent or zero-length."""
    EITHER = "either"
    """One of several comparisons, the shape's `parts`; their values follow each other."""
    CLOSE = "close"
    """A word of a person name that is close to the value; the index is asked for those words first."""
    NEVER = "never"


PATTERNS: Final = frozenset({Op.PATTERN, Op.PATTERN_FROM_UNTIL})


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a test looks and how it compares."""

    level: Level
    path: tuple[str, ...]
    op: Op
    count: int
    """Number of values."""
    time_path: tuple[str, ...] = ()
    """The time attribute of `MOMENT`."""
    parts: tuple[tuple[Op, int], ...] = ()
    """The comparisons of `EITHER`, each with its number of values."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a stored attribute must fulfil."""

    shape: Shape
    values: tuple[str | int, ...]


Columns = Mapping[Level, Mapping[str, tuple[Any, Form]]]
"""Attributes that have columns of their own, by level."""


def demands_of(match: Match, columns: Columns = ATTRIBUTE_COLUMNS) -> list[Demand]:
    """Return the tests that a matching key stands for; all of them must hold.

    Args:
        match: the matching key.
        columns: what has columns; key rows hold all the rest.
    """
    return _demands(_Place(match.path, match.vr, columns), match.condition)


def _demands(place: _Place, condition: Condition) -> list[Demand]:  # noqa: PLR0911 - one return a condition
    match condition:
        case SingleValue(value):
            return [test for group in place.groups(value) for test in place.equal(group)]
        case Wildcard(pattern):
            return [test for group in place.groups(pattern) for test in place.like(group)]
        case UidList(uids):
            keys = [text.column_key(uid) for uid in uids]
            return [place.test(Op.NEVER) if place.form is Form.NUMBER else place.test(Op.ANY_OF, *padded(keys))]
        case Range(first, last):
            return place.between(first, last)
        case DateTimeRange(time_path, first, last):
            return place.moment(time_path, first, last)
        case ZonedRange():
            return place.zoned(condition)
        case Fuzzy(value):
            return place.fuzzy(value)
        case Empty():
            return [place.empty()]
        case AnyOf(alternatives):
            return _either(place, [_demands(place, one) for one in alternatives])
        case _:
            assert_never(condition)


def padded(values: Sequence[T]) -> list[T]:
    """Repeat the last value up to a power of two, so that lists of any length share few statements."""
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]


def _either(place: _Place, choices: Sequence[list[Demand]]) -> list[Demand]:
    """Return one test of several alternatives; no test where one of them matches everything.

    Raises:
        QueryError: an alternative needs several rows at once.
    """
    if not all(choices):
        return []
    if any(len(choice) > 1 for choice in choices):
        raise QueryError(f"One of several values of {name_of(place.path)} is a single word or component group.")
    tests = [choice[0] for choice in choices if choice[0].shape.op is not Op.NEVER]
    if not tests:
        return [place.test(Op.NEVER)]
    values = tuple(value for test in tests for value in test.values)
    if all(_is_whole(test) for test in tests):
        wanted = padded([test.values[0] for test in tests])
        return [Demand(Shape(place.level, tests[0].shape.path, Op.ANY_OF, len(wanted)), tuple(wanted))]
    parts = tuple((test.shape.op, test.shape.count) for test in tests)
    return [Demand(Shape(place.level, tests[0].shape.path, Op.EITHER, len(values), parts=parts), values)]


def _is_whole(test: Demand) -> bool:
    """Return whether the test asks for equality with a value that an index holds as a whole."""
    value = test.values[0] if test.shape.op is Op.EQUAL else None
    return isinstance(value, int) or (isinstance(value, str) and len(value) < text.KEY_LENGTH)


class _Place:
    """The attribute of a matching key: its level, its path, and how its values are written."""

    def __init__(self, path: tuple[str, ...], vr: str, columns: Columns) -> None:
        self.path: Final = path
        self.level: Final = level_of(path[0])
        self.vr: Final = vr
        column = columns.get(self.level, {}).get(path[0]) if len(path) == 1 else None
        self.form: Final = column[1] if column else None
        self.is_study_date: Final = column is not None and path == _STUDY_DATE

    def test(self, op: Op, *values: str | int, time_path: tuple[str, ...] = ()) -> Demand:
        return Demand(Shape(self.level, self.path, op, len(values), time_path), values)

    def groups(self, value: str) -> list[str]:
        """Return the component groups of a person name that say something; any other value is one."""
        if self.vr != "PN" or "=" not in value:
            return [value]
        return [group for group in value.split("=") if group.strip("^ *")]

    def equal(self, value: str) -> list[Demand]:
        if self.form is Form.NUMBER:
            number = text.number_key(value)
            is_whole = number.removeprefix("-").isdecimal() and len(number) <= 15
            known = is_whole and int(number) not in {tables.UNKNOWN, tables.NO_NUMBER}
            return [self.test(Op.EQUAL, int(number)) if known else self.test(Op.NEVER)]
        key = self._key(value)
        if not key:
            # Universal matching never comes here: this is text of which nothing is left.
            return [self.test(Op.NEVER)]
        if self.form is None:
            return [self.test(Op.EQUAL, key[: text.KEY_LENGTH], key[text.KEY_LENGTH :])]
        return [_days(key, key) if self.is_study_date else self.test(Op.EQUAL, text.column_key(key))]

    def _key(self, value: str) -> str:
        if self.vr == "PN":
            return text.name_key(value)
        if self.vr in NUMBER_VRS:
            return text.number_key(value)
        return {"DA": text.date_key, "TM": text.time_key, "DT": text.date_time_key}.get(self.vr, text.key)(value)

    def like(self, pattern: str) -> list[Demand]:
        stored = text.folded(pattern) if self.vr == "PN" else text.key(pattern)
        if stored and not stored.strip("*"):
            return []
        if not stored or len(stored) > text.MAX_PATTERN or self.form is Form.NUMBER:
            return [self.test(Op.NEVER)]
        prefix = text.literal_prefix(stored)
        end = text.prefix_end(prefix)
        if end is None or len(prefix) > text.KEY_LENGTH // 2:
            # A longer prefix may run into the digest of a column, or into the rest of a key row.
            return [self.test(Op.PATTERN, stored)]
        if stored[len(prefix) :].strip("*"):
            return [self.test(Op.PATTERN_FROM_UNTIL, prefix, end, stored)]
        if self.vr == "PN" and prefix.endswith("^"):
            # Empty last components are not stored: `SMITH^*` means `SMITH` too.
            return [self.test(Op.STEM, prefix, end, prefix.rstrip("^"))]
        return [self.test(Op.FROM_UNTIL, prefix, end)]

    def fuzzy(self, value: str) -> list[Demand]:
        words = word_patterns(text.folded(value))
        if not words:
            return [self.test(Op.NEVER)]
        place = _Place((*self.path, WORDS), "LO", {})
        return [
            test
            for word in words
            for test in (place.like(word) if "*" in word or "?" in word else [place.test(Op.CLOSE, word)])
        ]

    def empty(self) -> Demand:
        if self.form is None:
            return self.test(Op.EMPTY)
        if self.form is not Form.NUMBER:
            return self.test(Op.EQUAL, "")
        return self.test(Op.EQUAL, tables.NO_NUMBER if self.path in _NUMBERS_THAT_SORT else tables.UNKNOWN)

    def between(self, first: str, last: str) -> list[Demand]:
        if not (first or last):
            return []
        if self.is_study_date:
            return [_days(first, last)]
        if self.form is Form.NUMBER:
            return [self.test(Op.NEVER)]
        if first and last:
            return [self.test(Op.BETWEEN, first, last)]
        return [self.test(Op.AT_LEAST, first) if first else self.test(Op.AT_MOST, last)]

    def zoned(self, condition: ZonedRange) -> list[Demand]:
        first, last = condition.first, condition.last
        tested = self.test(Op.ZONED, condition.offset_minutes, first, last, time_path=condition.time_path)
        if not self.is_study_date:
            return [tested]
        # No two zones are farther apart than 26 hours.
        return [
            tested,
            _days(*(moment and shifted(moment, way * 26 * 60)[:8] for moment, way in ((first, -1), (last, 1)))),
        ]

    def moment(self, time_path: tuple[str, ...], first: str, last: str) -> list[Demand]:
        values = moment_values(first, last)
        days = [_days(first[:8], last[:8])] if self.is_study_date else []
        return [self.test(Op.MOMENT, *values, time_path=time_path), *days]


def moment_values(first: str, last: str) -> tuple[str, str, str, str]:
    """Return the values of `MOMENT` for two moments, '' for an open end."""
    return first[:8] or "0", first[8:], last[:8] or _LATEST, last[8:] or _LATEST


def _days(first: str, last: str) -> Demand:
    """Return the range of order keys that a range of Study Dates is: an index gives its studies in order."""
    lower = text.order_date(last) if last else ""
    upper = text.prefix_end(text.order_date(first)) if first else text.order_date("")
    return Demand(Shape(Level.STUDY, ORDER_KEY, Op.FROM_UNTIL, 2), (lower, upper or _LATEST))


_MODALITY: Final = ("00080060",)
_MODALITIES_IN_STUDY: Final = (MODALITIES_IN_STUDY,)
_PATIENT_NAME: Final = (PATIENT_NAME,)


def postings_of(test: Demand) -> list[Posting]:
    """Return postings that hold every study which passes the test; those that may be short come first."""
    shape, values = test.shape, test.values
    if shape.op is Op.EQUAL and values[0] and shape.path in {_MODALITY, _MODALITIES_IN_STUDY}:
        return [(MODALITIES_IN_STUDY, str(values[0]))]
    if shape.path != _PATIENT_NAME:
        return []
    if shape.op is Op.EQUAL:
        patterns = ["".join(map(str, values))]
    elif shape.op in PATTERNS:
        patterns = [str(values[-1])]
    else:
        patterns = [f"{values[0]}*"] if shape.op is Op.FROM_UNTIL else [f"{values[2]}*"] if shape.op is Op.STEM else []
    return [(PATIENT_NAME, gram) for pattern in patterns for gram in grams_of_pattern(pattern)]


def has_column(shape: Shape) -> bool:
    """Return whether a column holds what a test compares; else key rows do."""
    return shape.path == ORDER_KEY or (len(shape.path) == 1 and shape.path[0] in ATTRIBUTE_COLUMNS[shape.level])


def common_depth(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the number of sequences that two paths share from the top."""
    depth = 0
    while depth < min(len(path), len(other)) - 1 and path[depth] == other[depth]:
        depth += 1
    return depth


def parameters(tests: Sequence[Demand], kind: Kind) -> dict[str, Value]:
    """Return the values of all parameters that statements name for the shapes of these tests."""
    found: dict[str, Value] = {}
    for number, test in enumerate(tests):
        values = _written(test, kind)
        found.update({f"v{number}_{place}": value for place, value in enumerate(values)})
        if not has_column(test.shape):
            found[f"p{number}"] = ".".join(test.shape.path)
        if test.shape.time_path:
            found[f"t{number}"] = ".".join(test.shape.time_path)
    return found


def parts_of(test: Demand) -> list[tuple[Op, tuple[str | int, ...]]]:
    """Return the comparisons of a test with their values: its own, or those of `EITHER`."""
    if test.shape.op is not Op.EITHER:
        return [(test.shape.op, test.values)]
    found = []
    start = 0
    for op, count in test.shape.parts:
        found.append((op, test.values[start : start + count]))
        start += count
    return found


def _written(test: Demand, kind: Kind) -> list[str | int]:
    """Return a test's values, patterns as the database writes them."""
    write = text.glob_pattern if kind is Kind.SQLITE else text.like_pattern
    written: list[str | int] = []
    for op, values in parts_of(test):
        written += (*values[:-1], write(str(values[-1]))) if op in PATTERNS else values
    return written
