"""Delete studies, series and instances: into the trash, as `hilum delete` does. No transaction of PS3.18."""

from __future__ import annotations

from hilum.archive import removal
from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource


def delete_instances(target: TargetResource, *, archive: Archive) -> int:
    """Move the live instances of a study, series or instance to the trash; return how many.

    Raises:
        TargetNotFound: there was never an instance of it.
        TargetGone: all that there were are deleted.
        InstanceCommitted: an instance of it is committed to be kept; then nothing of it is moved.
    """
    return removal.delete(target, archive=archive)
