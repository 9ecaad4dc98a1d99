"""The conformance statement, read from the declarations that the server runs on, and from its settings.

Source: PS3.2 (CAP-30).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.datadict import dictionary_keyword
from pydicom.uid import UID

from hilum.archive.ingest import FailureReason
from hilum.config import Settings
from hilum.dicom import commitment
from hilum.dicom.charsets import CHARACTER_SETS
from hilum.dicom.levels import LEVELS, MATCHING_KEYS, RETURNED_ATTRIBUTES
from hilum.dicom.npi.categories import CATEGORIES
from hilum.dicom.pixels.encode import LOSSLESS_TARGETS, LOSSY_TARGETS
from hilum.dicom.transfer_syntaxes import SYNTAXES
from hilum.dicom.worklist.requirements import RETURNED
from hilum.render.representations import RENDERED_TYPES
from hilum.services.studies.offers import NEVER_TRAVEL
from hilum.web.resources.resource import Resource, Service

_DAY: Final = "days"


@dataclass(frozen=True, slots=True)
class Section:
    """One section: sentences, then a table."""

    title: str
    text: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def conformance_statement(services: Sequence[Service], settings: Settings, *, version: str) -> tuple[Section, ...]:
    """Return the statement of a server with these settings."""
    served = {
        service: tuple(resource for resource in service.resources if resource.is_served(settings))
        for service in services
    }
    return (
        _overview(served, settings, version),
        *(_service(service, resources, settings) for service, resources in served.items() if resources),
        _parameters([resource for resources in served.values() for resource in resources]),
        _sop_classes(),
        _transfer_syntaxes(),
        _rendered(settings),
        _keys(),
        _searching(settings),
        _character_sets(),
        _codes(),
        _security(settings),
        _retention(settings),
    )


def markdown(sections: Iterable[Section]) -> str:
    """Return the statement as a page."""
    lines = ["# Conformance statement", ""]
    lines += ["This page is made from the declarations that the server runs on: `hilum conformance --markdown`.", ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        for sentence in section.text:
            lines += [sentence, ""]
        if section.rows:
            lines += [_row(section.header), _row("---" for _ in section.header)]
            lines += [*map(_row, section.rows), ""]
    return "\n".join(lines)


def members(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """Return the statement as values of JSON: the rows of each section as objects."""
    return [
        {
            "title": section.title,
            "text": list(section.text),
            "rows": [dict(zip(section.header, row, strict=True)) for row in section.rows],
        }
        for section in sections
    ]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _overview(served: Mapping[Service, Sequence[Resource]], settings: Settings, version: str) -> Section:
    text = (
        (
            f"Hilum {version} is an origin server of DICOM PS3.18 (Web Services). It stores what it serves "
            "(native; it is no proxy). `hilum send` and `hilum get` are user agents of the Studies Service."
        ),
    )
    rows = tuple(
        (service.name, service.root(settings.http) or "/", f"{len(resources)}")
        for service, resources in served.items()
        if resources
    )
    return Section("Overview", text, ("Service", "Root", "Transactions by resource"), rows)


def _service(service: Service, resources: Sequence[Resource], settings: Settings) -> Section:
    rows = tuple(
        (
            resource.transaction,
            f"`{resource.method} {service.root(settings.http)}{resource.path}`",
            resource.source,
            _list(resource.request_types),
            _list(resource.media_types),
            ", ".join(str(int(status)) for status in resource.statuses),
        )
        for resource in resources
    )
    header = ("Transaction", "Resource", "Source", "Payload", "Media types, the default first", "Statuses")
    return Section(service.name, (), header, rows)


def _list(items: Iterable[str]) -> str:
    return ", ".join(f"`{item}`" for item in items)


def _parameters(resources: Iterable[Resource]) -> Section:
    found: dict[tuple[str, str], list[str]] = {}
    for resource in resources:
        for parameter in resource.parameters:
            found.setdefault((parameter.name, parameter.description), []).append(resource.transaction)
    rows = tuple(
        (f"`{name}`", meaning, ", ".join(dict.fromkeys(transactions)))
        for (name, meaning), transactions in found.items()
    )
    return Section("Query parameters", (), ("Parameter", "Meaning", "Transactions"), rows)


def _sop_classes() -> Section:
    text = (
        (
            "The Studies Service stores instances of every SOP Class that have a Study, Series and SOP Instance UID; a "
            "class is neither known nor required to be known. The Worklist Service has Unified Procedure Step Push "
            "(1.2.840.10008.5.1.4.34.6.1). The Non-Patient Instance Service has these:"
        ),
    )
    rows = tuple(
        (category.name, name, uid) for category in CATEGORIES.values() for uid, name in category.sop_classes.items()
    )
    return Section("SOP classes", text, ("Resource", "SOP Class", "UID"), rows)


def _transfer_syntaxes() -> Section:
    text = (
        (
            "Instances of any transfer syntax are stored and, but for those that never travel, given out as stored. "
            "What never travels goes out in Explicit VR Little Endian."
        ),
    )
    rows = tuple(_syntax(uid) for uid in SYNTAXES)
    return Section("Transfer syntaxes", text, ("Transfer syntax", "UID", "Frames as", "Encoded on request"), rows)


def _syntax(uid: str) -> tuple[str, ...]:
    encoded = "lossless" if uid in LOSSLESS_TARGETS else "lossy, if named" if uid in LOSSY_TARGETS else "no"
    travels = "never travels" if uid in NEVER_TRAVEL else f"`{SYNTAXES[uid].media_type}`"
    return UID(uid).name, uid, travels, encoded


def _rendered(settings: Settings) -> Section:
    side = settings.rendering.thumbnail_side
    text = (
        (
            f"Without a viewport a thumbnail fits into {side} x {side} pixels. `quality` is that of libjpeg for JPEG "
            "and WebP; for other lossy types it is mapped to what their encoders take. Annotations: `patient`, "
            "`technique`."
        ),
    )
    rows = tuple((row.category.name.lower().replace("_", " "), f"`{row.media_type}`") for row in RENDERED_TYPES)
    return Section("Rendered media types", text, ("Resource category", "Media type"), tuple(dict.fromkeys(rows)))


def _keys() -> Section:
    text = ("Any other attribute may be a matching key as well; those of lower levels are ignored and named.",)
    rows = [
        (
            level.value,
            ", ".join(sorted(".".join(map(_keyword, path)) for path in MATCHING_KEYS[level])),
            ", ".join(_keyword(attribute.tag) for attribute in RETURNED_ATTRIBUTES[level]),
        )
        for level in LEVELS
    ]
    rows.append(("workitem", "any attribute of a workitem", ", ".join(map(_keyword, sorted(RETURNED)))))
    for category in CATEGORIES.values():
        keys = ", ".join(map(_keyword, category.keys))
        rows.append((category.name, keys, keys))
    return Section("Matching and return keys", text, ("Level", "Matching keys", "Returned"), tuple(rows))


def _keyword(tag: str) -> str:
    return dictionary_keyword(int(tag, 16)) or tag


def _searching(settings: Settings) -> Section:
    search = settings.search
    text = (
        "Fuzzy matching of person names, empty value matching and multiple value matching are performed on request.",
        (
            f"At most {search.max_results} matches are returned at once; keys outside the index look through at most "
            f"{search.scan_limit} instances, above that the answer is 413."
        ),
        f"A search without matches is answered with {int(search.empty)}.",
    )
    return Section("Searching", text)


def _character_sets() -> Section:
    text = (
        (
            "Instances in any of these are stored. JSON and XML go out in UTF-8, with the Specific Character Set of "
            "the source."
        ),
    )
    return Section("Character sets", text, ("Defined term",), tuple((f"`{term}`",) for term in CHARACTER_SETS))


def _codes() -> Section:
    rows = [("Store Instances, Store", f"{reason.value:04X}H", _words(reason.name)) for reason in FailureReason]
    rows.append(("Store Instances, Store", "B006H", "warning: elements discarded, or the first object is kept"))
    rows += [("Storage Commitment", f"{reason.value:04X}H", _words(reason.name)) for reason in commitment.FailureReason]
    return Section("Failure and warning codes", (), ("Transaction", "Code", "Meaning"), tuple(rows))


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _security(settings: Settings) -> Section:
    tls = "TLS is spoken." if settings.tls_cert else "TLS is spoken if `tls_cert` is set."
    tokens = "Bearer tokens are required." if settings.token_file else "Bearer tokens are required if `token_file` is."
    text = (
        tls,
        tokens,
        (
            "Addresses other than loopback are served without tokens only if `allow_anonymous` is set. Hosts other "
            "than loopback, the bound name and those configured are refused, and so are foreign origins of browsers."
        ),
    )
    return Section("Security", text)


def _retention(settings: Settings) -> Section:
    receivers = settings.worklist
    rows: tuple[tuple[str, str], ...] = (
        ("A committed instance is kept for", f"{settings.commitment.keep_days} {_DAY}"),
        ("Results of storage commitment are kept for", f"{settings.commitment.result_days} {_DAY}"),
        ("Most instances that are committed while the user agent waits", f"{settings.commitment.at_once}"),
        ("The trash is emptied after", f"{settings.trash.keep_days} {_DAY}"),
        ("DELETE moves to the trash", "yes" if settings.trash.http_delete else "no"),
        ("A different object under a known SOP Instance UID", settings.store.duplicates),
        ("Ended workitems are kept for", f"{receivers.keep_days} {_DAY}"),
        ("Deletion locks of workitems", f"{receivers.deletion_locks}"),
        ("Attributes of type 2 that a new workitem lacks", f"{receivers.missing_type_2}"),
        ("Event reports that a receiver missed are sent for", f"{receivers.replay_s} seconds"),
        ("Largest non-patient instance", f"{settings.non_patient.max_bytes} bytes"),
    )
    text = (
        (
            "Notifications: a WebSocket is opened at the URL that the response to Subscribe names "
            "(`/subscribers/{aetitle}`). Locks of workitems end with their workitem."
        ),
    )
    return Section("Policies and retention", text, ("What", "Value"), rows)
