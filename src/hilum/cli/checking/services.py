"""Checks of capabilities and of the optional services (PS3.18 8.9, 11, 12, 13)."""

from __future__ import annotations

from functools import partial
from typing import Final

from pydicom.uid import generate_uid

from hilum.cli.checking.probe import JSON, Probe
from hilum.cli.checking.records import Check, CheckFailed, NotApplicable, Subject
from hilum.dicom.npi.categories import CATEGORIES

_NOT_THERE: Final = frozenset({404, 405, 501})
_WADL: Final = "application/vnd.sun.wadl+xml"


def _capabilities(media_type: str, mark: bytes, probe: Probe, _subject: Subject) -> str:
    seen = probe.expect({200}, "/", media_type, method="OPTIONS")
    if seen.media_type != media_type or mark not in seen.body:
        raise CheckFailed(f"The payload is {seen.media_type or 'empty'} of {len(seen.body)} bytes.")
    return f"{media_type} of {len(seen.body)} bytes."


def _method_not_allowed(probe: Probe, _subject: Subject) -> str:
    seen = probe.expect({405}, "/studies", method="PATCH")
    if "allow" not in seen.headers:
        raise CheckFailed("405 came without Allow.")
    return f"405, Allow: {seen.headers['allow']}."


def _offered(path: str, service: str, probe: Probe) -> None:
    if probe.ask(path).status in _NOT_THERE:
        raise NotApplicable(f"The server has no {service}.")


def _search(path: str, service: str, probe: Probe, _subject: Subject) -> str:
    _offered(path, service, probe)
    seen = probe.expect({200, 204}, path)
    return f"Answered {seen.status}."


def _unknown(path: str, found_by: str, service: str, probe: Probe, _subject: Subject) -> str:
    _offered(found_by, service, probe)
    probe.expect({404}, path)
    return "404."


def _commitment(probe: Probe, _subject: Subject) -> str:
    uid = generate_uid()
    asked = f"/commitment-requests/{uid}"
    seen = probe.ask(asked, method="POST", headers={"Content-Type": JSON}, body=b"[{}]")
    if seen.status in _NOT_THERE:
        raise NotApplicable("The server has no Storage Commitment Service.")
    if seen.status != 400:
        raise CheckFailed(f"A request that names nothing was answered {seen.status}, not 400.")
    probe.expect({404}, asked)
    return "A request that names nothing is 400; its Transaction UID stays unknown (404)."


_WORKLIST: Final = "Worklist Service"
_NPI: Final = "Non-Patient Instance Service"

SERVICE_CHECKS: Final = (
    Check(
        "CAP-01 CAP-03",
        "OPTIONS on the base URI describes the server as WADL",
        partial(_capabilities, _WADL, b"application"),
        needs_subject=False,
    ),
    Check(
        "CAP-03 CAP-10",
        "OPTIONS on the base URI describes the server as JSON",
        partial(_capabilities, "application/json", b"{"),
        needs_subject=False,
    ),
    Check(
        "HDR-06 STAT-10", "A method that is not supported is 405 with Allow", _method_not_allowed, needs_subject=False
    ),
    Check("UPS-71", "Search for Workitems", partial(_search, "/workitems?limit=1", _WORKLIST), needs_subject=False),
    Check(
        "UPS-32",
        "An unknown workitem is not found",
        partial(_unknown, "/workitems/1.2.3.4.5.404", "/workitems?limit=1", _WORKLIST),
        needs_subject=False,
    ),
    *(
        Check(
            "NPI-01 NPI-30",
            f"Search for {name}",
            partial(_search, f"/{name}?limit=1", f"{_NPI} for {name}"),
            needs_subject=False,
        )
        for name in CATEGORIES
    ),
    *(
        Check(
            "NPI-11",
            f"An unknown instance of {name} is not found",
            partial(_unknown, f"/{name}/1.2.3.4.5.404", f"/{name}?limit=1", f"{_NPI} for {name}"),
            needs_subject=False,
        )
        for name in CATEGORIES
    ),
    Check("SC-07 SC-12", "Storage commitment refuses a request that names nothing", _commitment, needs_subject=False),
)
