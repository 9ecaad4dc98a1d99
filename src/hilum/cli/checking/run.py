"""Running the checks, one after the other, against one server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, Final

from hilum.cli.checking.probe import Probe
from hilum.cli.checking.records import Check, CheckFailed, Finding, NotApplicable, Subject, Verdict
from hilum.cli.checking.retrievals import RETRIEVE_CHECKS
from hilum.cli.checking.searches import SEARCH_CHECKS
from hilum.cli.checking.services import SERVICE_CHECKS
from hilum.cli.checking.stores import STORE_CHECKS, store_subject

_NOBODY: Final = Subject("", "", "", has_frames=False)
_LOOKED_AT: Final = 50


class Mode(Enum):
    """Whether checks may store."""

    READ = "read"
    WRITE = "write"


CHECKS: Final[dict[Mode, Sequence[Check]]] = {
    Mode.READ: (*SEARCH_CHECKS, *RETRIEVE_CHECKS, *SERVICE_CHECKS),
    Mode.WRITE: (*STORE_CHECKS, *SEARCH_CHECKS, *RETRIEVE_CHECKS, *SERVICE_CHECKS),
}


def run_checks(probe: Probe, mode: Mode, progress: Callable[[Finding], None] = lambda _: None) -> Iterator[Finding]:
    """Yield what comes of each check.

    With `Mode.WRITE` an instance is stored first, and asked for afterwards; else one that the server has serves.
    """
    subject, why_not = _subject(probe, mode)
    if not subject.instance:
        exchanges = probe.taken_exchanges()
        verdict = Verdict.FAILED if mode is Mode.WRITE else Verdict.SKIPPED
        yield Finding(
            "STOW-10" if mode is Mode.WRITE else "QIDO-06",
            "There is an instance to ask for",
            verdict,
            why_not,
            exchanges,
        )
    probe.taken_exchanges()
    for check in CHECKS[mode]:
        finding = _run(check, probe, subject)
        progress(finding)
        yield finding


def _run(check: Check, probe: Probe, subject: Subject) -> Finding:
    if check.needs_subject and not subject.instance:
        return Finding(check.requirement, check.title, Verdict.SKIPPED, "There is no instance to ask for.", ())
    try:
        verdict, saw = Verdict.PASSED, check.run(probe, subject)
    except CheckFailed as failure:
        verdict, saw = Verdict.FAILED, str(failure)
    except NotApplicable as reason:
        verdict, saw = Verdict.SKIPPED, str(reason)
    except (AttributeError, IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        # An answer of a shape that no check expects is a failure of the server, not of the run.
        verdict, saw = Verdict.FAILED, f"The answer has an unexpected structure ({type(error).__name__})."
    return Finding(check.requirement, check.title, verdict, saw, probe.taken_exchanges())


def _subject(probe: Probe, mode: Mode) -> tuple[Subject, str]:
    """Return an instance to ask for, and why there is none."""
    try:
        if mode is Mode.WRITE:
            return store_subject(probe), ""
        return _stored_subject(probe)
    except CheckFailed as failure:
        return _NOBODY, str(failure)
    except (AttributeError, IndexError, KeyError, TypeError):
        return _NOBODY, "The search for an instance was answered with an unexpected structure."


def _stored_subject(probe: Probe) -> tuple[Subject, str]:
    """Return an instance with pixels if one is near, else any."""
    found: Subject | None = None
    for study in _results(probe, f"/studies?limit={_LOOKED_AT}"):
        study_uid = study["0020000D"]["Value"][0]
        for series in _results(probe, f"/studies/{study_uid}/series?limit={_LOOKED_AT}"):
            series_uid = series["0020000E"]["Value"][0]
            path = f"/studies/{study_uid}/series/{series_uid}"
            for instance in _results(probe, f"{path}/instances?limit=1"):
                uid = instance["00080018"]["Value"][0]
                # Not every server returns Rows in a search.
                is_picture = any("00280010" in one for one in _results(probe, f"{path}/instances/{uid}/metadata"))
                found = Subject(study_uid, series_uid, uid, has_frames=is_picture)
                if is_picture:
                    return found, ""
    return (found, "") if found else (_NOBODY, "The server has no instance: use --write, or store one.")


def _results(probe: Probe, path: str) -> list[dict[str, Any]]:
    seen = probe.expect({200, 204}, path)
    return seen.data_sets() if seen.status == 200 else []
