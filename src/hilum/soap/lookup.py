"""The instances that the documents of a message stand for: those of a long series are looked up at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource
from hilum.errors import TargetGone, TargetNotFound
from hilum.soap.names import ErrorCode
from hilum.soap.requests import DocumentRequest
from hilum.soap.responses import DocumentError
from hilum.store.rows.records import StoredInstance

_LONG: Final = 16
"""Documents of one series from which on the whole series is read: that costs as much as a few instances do."""


class Lookup:
    """Finds the instances of one message."""

    def __init__(self, documents: Iterable[DocumentRequest], *, unknown: str, archive: Archive) -> None:
        """Note what will be asked for.

        Args:
            documents: of the message.
            unknown: error code for one that is not there.
            archive: where they should be.
        """
        self._unknown = unknown
        self._archive = archive
        self._counts = Counter(_series_of(document.target) for document in documents)
        self._known: dict[TargetResource, StoredInstance] = {}

    def find(self, document: DocumentRequest) -> StoredInstance | DocumentError:
        """Return the instance that a document stands for, or why it cannot be had at all."""
        soap = self._archive.settings.soap
        if soap.strict_repository and document.repository_unique_id != soap.repository_unique_id:
            return DocumentError(document, ErrorCode.UNKNOWN_REPOSITORY.value, "This is another repository.")
        target = document.target
        if self._counts.get(_series_of(target), 0) >= _LONG:
            self._read_series(target)
        if (known := self._known.get(target)) is not None:
            return known
        return self._find_alone(document)

    def _read_series(self, target: TargetResource) -> None:
        self._counts.pop(_series_of(target))
        try:
            instances = self._archive.index.list_instances(target.study_instance_uid, target.series_instance_uid)
        except (TargetNotFound, TargetGone):
            return
        for one in instances:
            place = TargetResource(one.study_instance_uid, one.series_instance_uid, one.sop_instance_uid)
            self._known[place] = one

    def _find_alone(self, document: DocumentRequest) -> StoredInstance | DocumentError:
        target, index = document.target, self._archive.index
        try:
            return index.find_instance(target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid)
        except TargetGone:
            return DocumentError(document, ErrorCode.GONE.value, "The instance was deleted.")
        except TargetNotFound:
            if index.live_blob_id(target.sop_instance_uid) is None:
                return DocumentError(document, self._unknown, "There is no such instance.")
            text = "The instance belongs to another series or study."
            return DocumentError(document, ErrorCode.INCONSISTENT.value, text)


def _series_of(target: TargetResource) -> tuple[str, str]:
    return target.study_instance_uid, target.series_instance_uid
