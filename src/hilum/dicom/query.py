"""Search requests as values: what to match, what to return, which page (PS3.18 8.3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """Levels of the information model of the Studies Service."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class SingleValue:
    """Equal to one value; text as decoded from the request, not folded."""

    value: str


@dataclass(frozen=True, slots=True)
class UidList:
    """Equal to any of these UIDs."""

    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` stands for any run of characters, `?` for one."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive range of a DA, TM or DT; '' leaves an end open. Partial TM and DT are widened already."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class DateTimeRange:
    """One range over a date attribute and its time attribute (SRCH-09); '' leaves an end open.

    `first` and `last` are `YYYYMMDD` followed by `HHMMSS.FFFFFF`.
    """

    time_path: tuple[str, ...]
    first: str
    last: str


Condition = SingleValue | UidList | Wildcard | Range | DateTimeRange


@dataclass(frozen=True, slots=True)
class Match:
    """One matching key. `path` is made of eight-digit upper-case tags, outermost sequence first."""

    path: tuple[str, ...]
    vr: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one level, inside a study or series where the target resource names one.

    Keys that the level lacks, universal matches and unsupported keys are dropped by the parser (QP-09, SRCH-04).
    """

    level: Level
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    matches: tuple[Match, ...] = ()
    include: tuple[str, ...] = ()
    """Eight-digit tags asked for by `includefield` and by match parameters, beyond the default ones."""
    include_all: bool = False
    limit: int = 1000
    offset: int = 0
    warnings: tuple[str, ...] = ()
    """Sentences for the Warning header: parameters that were not honoured."""
