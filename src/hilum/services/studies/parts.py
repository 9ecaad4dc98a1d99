"""What Retrieve transactions return: the parts that they chose, whose bytes are read while they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Offer, Packaging


@dataclass(frozen=True, slots=True)
class Part:
    """One representation of a response: its form, its resource, its bytes."""

    offer: Offer
    path: str
    """Path of the resource below the service root, for Content-Location."""
    length: int | None
    """Bytes; None where only sending tells."""
    version: str
    """What the bytes depend on, beside their form, for the ETag."""
    chunks: Callable[[], Iterator[bytes]]
    ranged: Callable[[int, int], Iterator[bytes]] | None = None
    """The bytes from an offset on, so many of them; None: what goes before has to be read too."""
    file_name: str = ""
    """Under which a browser saves it; '': it may show it."""

    def range(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield `length` bytes from `offset` on; both lie inside the part."""
        if self.ranged is not None:
            return self.ranged(offset, length)
        return cut(self.chunks(), offset, length)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The parts of a response, all of one packaging; `left_out` counts what no acceptable form exists for (206)."""

    parts: Sequence[Part]
    left_out: int = 0

    @property
    def packaging(self) -> Packaging:
        """How the parts travel."""
        return self.parts[0].offer.packaging


def once(read: Callable[[], bytes]) -> Callable[[], Iterator[bytes]]:
    """Return the `chunks` of a part that comes as one piece, read when it is sent."""

    def chunks() -> Iterator[bytes]:
        yield read()

    return chunks


def cut(chunks: Iterator[bytes], offset: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of a stream from `offset` on; what goes before is read and dropped."""
    stop = offset + length
    position = 0
    for chunk in chunks:
        first, last = max(offset - position, 0), min(stop - position, len(chunk))
        position += len(chunk)
        if first < last:
            yield chunk[first:last]
        if position >= stop:
            return


def instances_of(target: TargetResource, archive: Archive) -> Sequence[StoredInstance]:
    """Return the live instances of a study, a series or an instance, in order.

    Raises:
        TargetNotFound: there was never an instance of it.
        TargetGone: all that there were are deleted.
    """
    study, series, instance = target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    if instance:
        return (archive.index.find_instance(study, series, instance),)
    return archive.index.list_instances(study, series or None)
