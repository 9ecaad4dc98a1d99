"""Fetching one instance into a file: whole, checked, durable, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from hilum.cli.agent.pace import Pace
from hilum.cli.agent.peer import Peer, PeerFailed
from hilum.cli.agent.tally import Outcome
from hilum.cli.agent.wanted import WantedInstance
from hilum.wire.media_types import parse_media_type
from hilum.wire.multipart import MultipartError, MultipartParser, PartData, PartEnd

_CHUNK_BYTES: Final = 256 * 1024
_PREFIX_STOP: Final = 132
_PREFIX: Final = b"DICM"
_HEADER_BYTES: Final = 16 * 1024


def fetch(peer: Peer, wanted: WantedInstance, folder: Path, transfer_syntax: str, pace: Pace) -> Outcome:
    """Fetch one instance to `folder`/STUDY/SERIES/INSTANCE.dcm; a file that is there already stays as it is.

    Args:
        peer: where it is.
        wanted: which one; its UIDs are checked ones.
        folder: of all files.
        transfer_syntax: a UID, or `*` for the one that the server stores.
        pace: limit of bytes a second.
    """
    label = wanted.sop_instance_uid
    target = folder / wanted.study_instance_uid / wanted.series_instance_uid / f"{label}.dcm"
    if target.exists():
        return Outcome(label, "there already", size_bytes=0)
    # Multipart is what every server offers; the same type by itself is asked for where one has only that.
    accept = (
        f'multipart/related; type="application/dicom"; transfer-syntax={transfer_syntax}, '
        f"application/dicom; transfer-syntax={transfer_syntax};q=0.5"
    )
    try:
        with peer.get(peer.url(wanted.path), accept) as response:
            size = _write(target, _object_bytes(response, pace))
    except PeerFailed as error:
        return Outcome(label, "failed", str(error), url=peer.url(wanted.path))
    except httpx.HTTPError as error:
        return Outcome(label, "failed", f"The transfer broke off: {error or type(error).__name__}")
    except (MultipartError, ValueError) as error:
        return Outcome(label, "failed", str(error))
    except OSError as error:
        return Outcome(label, "failed", f"{target} cannot be written: {error.strerror}.")
    return Outcome(label, "fetched", size_bytes=size)


def _object_bytes(response: httpx.Response, pace: Pace) -> Iterator[bytes]:
    """Yield the bytes of the one object of an answer.

    Raises:
        ValueError: the answer holds none, several, or a cut one.
    """
    media_type = parse_media_type(response.headers.get("content-type", ""))
    chunks = pace.through(response.iter_bytes(_CHUNK_BYTES))
    if media_type.essence == "application/dicom":
        yield from chunks
        return
    boundary = media_type.parameters.get("boundary", "")
    if media_type.essence != "multipart/related" or not boundary:
        raise ValueError("The server answered with something else than DICOM.")
    yield from _only_part(
        MultipartParser(boundary.encode("latin-1"), max_parts=2, max_header_bytes=_HEADER_BYTES), chunks
    )


def _only_part(parser: MultipartParser, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes of the one part of a body."""
    is_complete = False
    for chunk in _with_end(chunks):
        for event in parser.close() if chunk is None else parser.feed(chunk):
            match event:
                case PartData(data) if parser.parts == 1:
                    yield bytes(data)
                case PartEnd(complete):
                    is_complete = complete
                case _:
                    continue
    if parser.parts != 1:
        raise ValueError(f"The server answered with {parser.parts} objects for one instance.")
    if not is_complete:
        raise ValueError("The server's answer was cut off.")


def _with_end(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _write(target: Path, chunks: Iterator[bytes]) -> int:
    """Write an object under a temporary name, and give it its own once it is whole and durable; return its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".hilum-", suffix=".part")
    try:
        with os.fdopen(descriptor, "w+b") as file:
            size = sum(file.write(chunk) for chunk in chunks)
            _check_object(file)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).rename(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return size


def _check_object(file: BinaryIO) -> None:
    file.seek(0)
    if not file.read(_PREFIX_STOP).endswith(_PREFIX):
        raise ValueError("What the server sent is no Part 10 object.")
