"""What a check is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hilum.cli.checking.probe import Probe


class Verdict(Enum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It does not apply: the server lacks an optional service, or has nothing to check it with."""


class CheckFailed(Exception):
    """The server does something else than the requirement says; the message tells what."""


class NotApplicable(Exception):
    """The check makes no sense here; the message tells why."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of a check and what was answered."""

    request: str
    """Method, URL, and the headers that matter, as arguments of curl."""
    answer: str
    """Status, media type and length; or why there was none."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An instance that the server has, to ask for."""

    study: str
    series: str
    instance: str
    has_frames: bool
    written: bytes = b""
    """The object itself, if this run has stored it."""

    @property
    def study_path(self) -> str:
        """Path of the study's resource."""
        return f"/studies/{self.study}"

    @property
    def series_path(self) -> str:
        """Path of the series' resource."""
        return f"{self.study_path}/series/{self.series}"

    @property
    def path(self) -> str:
        """Path of the instance's resource."""
        return f"{self.series_path}/instances/{self.instance}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a server owes."""

    requirement: str
    """Its id; it may be several, with spaces between them."""
    title: str
    """What the server does, if it does what it should."""
    run: Callable[[Probe, Subject], str]
    """Returns what it saw; raises CheckFailed or NotApplicable."""
    needs_subject: bool = True
    """Whether it asks for an instance; without any on the server it is skipped."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check."""

    requirement: str
    title: str
    verdict: Verdict
    saw: str
    exchanges: Sequence[Exchange]
