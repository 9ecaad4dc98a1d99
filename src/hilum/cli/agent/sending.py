"""Sending payloads, and reading from the server's answer what became of each instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pydicom
from pydicom.errors import InvalidDicomError

from hilum.cli.agent.pace import Pace
from hilum.cli.agent.payloads import Payload, objects_payload
from hilum.cli.agent.peer import Peer, PeerFailed, parsed_json, repeated, said
from hilum.cli.agent.tally import Outcome
from hilum.cli.importing.sources import FileCandidate

_STORED, _FAILED = "00081199", "00081198"
_UID, _REASON, _WARNING, _URL = "00081155", "00081197", "00081196", "00081190"
_COMMENT: Final = "00000902"
_SOP_INSTANCE_UID: Final = 0x00080018
_MODULE_STATUSES: Final = frozenset({httpx.codes.OK, httpx.codes.ACCEPTED, httpx.codes.CONFLICT})
_REASONS: Final[Mapping[int, str]] = {
    0x0110: "processing failure",
    0x0111: "another object is stored under this SOP Instance UID",
    0x0122: "the SOP class is not supported",
    0xC122: "the transfer syntax is not supported",
}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What an answer says of one instance."""

    stored: bool
    text: str
    url: str = ""


def send_objects(peer: Peer, path: str, files: Sequence[FileCandidate], pace: Pace) -> list[Outcome]:
    """Send Part 10 objects in one request; what its answer does not decide is sent once more by itself.

    Args:
        peer: who gets them.
        path: of the target resource, `/studies` or that of a study.
        files: the objects.
        pace: limit of bytes a second.
    """
    answer = _sent(peer, path, objects_payload(files), pace)
    if len(files) == 1:
        return [_outcome_alone(files[0], answer)]
    verdicts = answer.verdicts if isinstance(answer, _Answer) else {}
    outcomes = []
    for file in files:
        verdict = verdicts.get(_uid_of(file))
        outcomes.append(
            _outcome(file, verdict)
            if verdict is not None
            else _outcome_alone(file, _sent(peer, path, objects_payload([file]), pace))
        )
    return outcomes


def send_alone(peer: Peer, path: str, file: FileCandidate, payload: Payload, pace: Pace) -> Outcome:
    """Send one instance that is made of a plain file."""
    return _outcome_alone(file, _sent(peer, path, payload, pace))


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that holds a Store Instances Response."""

    verdicts: Mapping[str, _Verdict]
    """By SOP Instance UID."""
    status: int


def _sent(peer: Peer, path: str, payload: Payload, pace: Pace) -> _Answer | str:
    """Return what the server answered; a text tells why there are no verdicts."""
    try:
        response = repeated(
            lambda: peer.post(path, payload.content_type, payload.length, lambda: pace.through(payload.chunks()))
        )
        if response.status_code not in _MODULE_STATUSES:
            return said(response)
        module = parsed_json(response.content)
    except PeerFailed as error:
        return str(error)
    except OSError as error:
        return f"A file cannot be read: {error.strerror}."
    # Some servers put the module into a list.
    if isinstance(module, list) and len(module) == 1:
        module = module[0]
    if not isinstance(module, dict):
        return "The server's answer is no Store Instances Response."
    return _Answer(_verdicts(module), response.status_code)


def _verdicts(module: Mapping[str, Any]) -> dict[str, _Verdict]:
    verdicts: dict[str, _Verdict] = {}
    for item in _items(module, _STORED):
        warning = _first(item, _WARNING)
        text = f"stored with warning {warning:04X}H" if isinstance(warning, int) else ""
        verdicts[str(_first(item, _UID))] = _Verdict(stored=True, text=text, url=str(_first(item, _URL) or ""))
    for item in _items(module, _FAILED):
        verdicts[str(_first(item, _UID))] = _Verdict(stored=False, text=_reason(item))
    return verdicts


def _reason(item: Mapping[str, Any]) -> str:
    code = _first(item, _REASON)
    comment = next((str(text) for inner in _all_items(item) if (text := _first(inner, _COMMENT))), "")
    if not isinstance(code, int):
        return comment or "The server gives no reason."
    return f"{comment or _REASONS.get(code, 'the server refuses it')} ({code:04X}H)"


def _all_items(item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield item
    for tag in item:
        yield from _items(item, tag)


def _items(data_set: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    element = data_set.get(tag)
    values = element.get("Value") if isinstance(element, dict) and element.get("vr") == "SQ" else None
    return [value for value in values or () if isinstance(value, dict)]


def _first(data_set: Mapping[str, Any], tag: str) -> object:
    element = data_set.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _uid_of(file: FileCandidate) -> str:
    try:
        data_set = pydicom.dcmread(file.path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"], force=True)
    except (OSError, InvalidDicomError, ValueError, AttributeError, KeyError):
        return ""
    # As it stands in the file: a value that is no UID is compared, and fits nothing.
    value = getattr(data_set.get_item(_SOP_INSTANCE_UID), "value", None)
    return value.decode("latin-1").rstrip("\0 ") if isinstance(value, bytes) else ""


def _outcome(file: FileCandidate, verdict: _Verdict) -> Outcome:
    what = "sent" if verdict.stored else "failed"
    size = file.size_bytes if verdict.stored else 0
    return Outcome(file.label, what, verdict.text, size_bytes=size, url=verdict.url)


def _outcome_alone(file: FileCandidate, answer: _Answer | str) -> Outcome:
    """Return what an answer to one instance alone says; its status speaks where the module names nothing."""
    if isinstance(answer, str):
        return Outcome(file.label, "failed", answer)
    verdict = next(iter(answer.verdicts.values()), None)
    if verdict is None:
        # An empty 200 is what a server says that has stored nothing: no success.
        verdict = _Verdict(stored=False, text=f"The server answered {answer.status} and names no instance.")
    return _outcome(file, verdict)
