"""Which instances are to be fetched: those of UIDs, of a search, or of a manifest."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.errors import InvalidDicomError

from hilum.cli.agent.peer import Peer, PeerFailed
from hilum.cli.invocation.failures import CommandFailed
from hilum.dicom.uids import is_uid

_PAGE: Final = 1000
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_MANIFEST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class WantedInstance:
    """One instance, by the UIDs of its place."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str

    @property
    def path(self) -> str:
        """Path of its resource below the base URL."""
        return f"/studies/{self.study_instance_uid}/series/{self.series_instance_uid}/instances/{self.sop_instance_uid}"


def instances_of(peer: Peer, study: str, series: str = "") -> Iterator[WantedInstance]:
    """Yield the instances of a study or series, as the server's search tells them.

    Raises:
        PeerFailed: the search fails, or tells something that is no instance.
    """
    path = f"/studies/{study}/series/{series}/instances" if series else f"/studies/{study}/instances"
    for match in _pages(peer, path, {}, key=_INSTANCE):
        wanted = WantedInstance(study, series or _text(match, _SERIES), _text(match, _INSTANCE))
        if not all(map(is_uid, (wanted.series_instance_uid, wanted.sop_instance_uid))):
            raise PeerFailed("The server's search names an instance without UIDs.")
        yield wanted


def studies_of_search(peer: Peer, keys: Mapping[str, str]) -> Iterator[str]:
    """Yield the Study Instance UIDs that match `keys`.

    Raises:
        PeerFailed: the search fails.
    """
    for match in _pages(peer, "/studies", keys, key=_STUDY):
        if is_uid(uid := _text(match, _STUDY)):
            yield uid


def _pages(peer: Peer, path: str, keys: Mapping[str, str], *, key: str) -> Iterator[dict[str, Any]]:
    """Yield all matches, page after page, until one brings nothing new.

    A page that is not full may be cut by the server's own limit without a word; and a server that does not page at
    all gives the same matches again.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        page = peer.get_json(path, {**keys, "limit": str(_PAGE), "offset": str(offset)})
        fresh = [match for match in page if _text(match, key) not in seen]
        if not fresh:
            return
        yield from fresh
        seen.update(_text(match, key) for match in fresh)
        offset += len(page)


def _text(match: Mapping[str, Any], tag: str) -> str:
    element = match.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def instances_of_manifest(file: Path) -> Sequence[WantedInstance]:
    """Return the instances that a Key Object Selection document references as its evidence.

    Raises:
        CommandFailed: the file is no such document.

    Source: PS3.3 A.35.4, C.17.2 (Current Requested Procedure Evidence Sequence).
    """
    try:
        if file.stat().st_size > _MANIFEST_BYTES:
            raise CommandFailed(f"{file} is too large for a manifest.")
        with warnings.catch_warnings():
            # What is no UID is told below, in a sentence.
            warnings.simplefilter("ignore")
            wanted = list(_referenced(pydicom.dcmread(file)))
    except (OSError, InvalidDicomError, AttributeError, ValueError) as error:
        raise CommandFailed(f"{file} is no manifest that can be read.") from error
    for one in wanted:
        if not all(map(is_uid, (one.study_instance_uid, one.series_instance_uid, one.sop_instance_uid))):
            raise CommandFailed(f"{file} references an instance by something that is no UID.")
    return wanted


def _referenced(manifest: pydicom.Dataset) -> Iterator[WantedInstance]:
    for study in manifest.get("CurrentRequestedProcedureEvidenceSequence") or ():
        for series in study.ReferencedSeriesSequence:
            for item in series.ReferencedSOPSequence:
                yield WantedInstance(
                    str(study.StudyInstanceUID), str(series.SeriesInstanceUID), str(item.ReferencedSOPInstanceUID)
                )
