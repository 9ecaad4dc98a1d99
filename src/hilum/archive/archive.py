"""The archive: an index, a blob store and the settings that bind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from hilum.archive.codec_work import CodecWork
from hilum.archive.transcoding.frame_results import FrameResults
from hilum.config import Settings
from hilum.dicom.reading.instance import ScanLimits
from hilum.store.blobs.protocol import BlobStore
from hilum.store.index.index import Index


class ArchiveUnusable(Exception):
    """The archive cannot be opened; the message says in one sentence why, to an administrator."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What transactions work on. One object a process, safe for many threads."""

    settings: Settings
    index: Index
    blobs: BlobStore
    scan_limits: ScanLimits
    codecs: CodecWork
    """Held while a frame is decoded or encoded: so many at once as `retrieve.codec_threads` says."""
    undecodable: set[str]
    """Blob ids whose pixel data turned out to be broken while they were decoded; this process remembers them."""
    instance_keys: frozenset[str]
    """Eight-digit tags of `search.instance_keys`."""
    frame_results: FrameResults = field(default_factory=partial(FrameResults, 0))
    """Frames that were decoded or encoded lately, and those that are just being so."""


def scan_limits(settings: Settings) -> ScanLimits:
    """Return the bounds of the Part 10 scan that `settings` ask for."""
    store = settings.store
    return ScanLimits(
        header_bytes=store.header_bytes,
        nesting=store.nesting,
        inflated_bytes=store.inflated_bytes,
        inflation_ratio=store.inflation_ratio,
        bulk_threshold=store.bulk_threshold_bytes,
    )
