"""Which instance stands for a series or a study: the same choice for the same content every time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.rendering.sources import source_of
from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.store.rows.records import StoredInstance

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_WITHOUT_IMAGES: Final = (
    "88.",
    "104.",
    "9.",
    "11.",
    "66",
    "67",
    "68.",
    "4.2",
    "78.",
    "79.",
    "80.",
    "90.",
    "481.3",
    "481.4",
    "481.5",
    "481.6",
    "481.7",
    "481.8",
    "481.9",
    "481.10",
    "481.11",
)
"""Branches of SOP Classes below the storage root whose instances have no pixels."""
_WITH_IMAGES: Final = ("66.4", "66.7", "4.2.1")
_KEY_OBJECTS: Final = _STORAGE + "88.59"
_WHOLE_SLIDE: Final = _STORAGE + "77.1.6"
_SECONDARY: Final = (_STORAGE + "7", _STORAGE + "66.4", _STORAGE + "66.7", _STORAGE + "481.2")
"""Made from other images: they stand for a study only if nothing else does."""
_STATES: Final = _STORAGE + "11."
_MOST_LOOKED_AT: Final = 16


def has_images(sop_class_uid: str) -> bool:
    """Say whether instances of a SOP Class usually have pixels; unknown classes may.

    >>> has_images(_STORAGE + "2"), has_images(_STORAGE + "88.33"), has_images(_STORAGE + "66.4")
    (True, False, True)
    """
    branch = sop_class_uid.removeprefix(_STORAGE)
    if branch == sop_class_uid or branch.startswith(_WITH_IMAGES):
        return True
    return not any(branch == prefix.rstrip(".") or branch.startswith(prefix) for prefix in _WITHOUT_IMAGES)


def representative(instances: Sequence[StoredInstance], *, archive: Archive) -> StoredInstance:
    """Return the instance that stands for all of a series or a study.

    Of a series: an image that a key object selection or a presentation state points to; of a slide its thumbnail,
    else its smallest level; else the middle image; else the first instance. Of a study: that of the series with
    most images that is neither localizer nor made from others, the first such one in order.

    Args:
        instances: at least one, ordered by series, then by Instance Number.
        archive: where they are stored.
    """
    series = [list(members) for _, members in groupby(instances, key=lambda instance: instance.series_id)]
    images = [[member for member in members if has_images(member.sop_class_uid)] for members in series]
    candidates = [members for members in images if members]
    if not candidates:
        return instances[0]
    pointed = _pointed_to(instances, archive)
    ranked = sorted(candidates, key=lambda members: _rank(members, archive)) if len(candidates) > 1 else candidates
    for members in ranked:
        for member in members:
            if member.sop_instance_uid in pointed:
                return member
    return _of_series(ranked[0], archive)


def _rank(members: Sequence[StoredInstance], archive: Archive) -> tuple[bool, bool, int]:
    middle = members[len(members) // 2]
    image_type = _attributes(middle, archive).texts("ImageType")
    is_secondary = any(middle.sop_class_uid == uid or middle.sop_class_uid.startswith(uid + ".") for uid in _SECONDARY)
    return is_secondary, "LOCALIZER" in image_type, -len(members)


def _of_series(members: Sequence[StoredInstance], archive: Archive) -> StoredInstance:
    if members[0].sop_class_uid != _WHOLE_SLIDE:
        return members[len(members) // 2]
    levels = [(_attributes(member, archive), member) for member in members[:_MOST_LOOKED_AT]]
    for attributes, member in levels:
        if "THUMBNAIL" in attributes.texts("ImageType"):
            return member
    volumes = [(a.integer("TotalPixelMatrixColumns"), m) for a, m in levels if "VOLUME" in a.texts("ImageType")]
    return min(volumes, key=lambda level: level[0])[1] if volumes else members[0]


def _attributes(instance: StoredInstance, archive: Archive) -> Attributes:
    try:
        return source_of(instance, archive=archive).attributes
    except (NotAcceptable, PayloadTooLarge):
        return Attributes({})


def _pointed_to(instances: Sequence[StoredInstance], archive: Archive) -> frozenset[str]:
    """Return the images that key object selections and presentation states among the instances reference."""
    pointers = [
        instance
        for instance in instances
        if instance.sop_class_uid == _KEY_OBJECTS or instance.sop_class_uid.startswith(_STATES)
    ]
    found: set[str] = set()
    # Key objects first: somebody chose them.
    for pointer in sorted(pointers, key=lambda instance: instance.sop_class_uid != _KEY_OBJECTS)[:_MOST_LOOKED_AT]:
        attributes = _attributes(pointer, archive)
        studies = [attributes, *attributes.items("CurrentRequestedProcedureEvidenceSequence")]
        for series in (series for study in studies for series in study.items("ReferencedSeriesSequence")):
            for keyword in ("ReferencedSOPSequence", "ReferencedImageSequence"):
                found.update(item.text("ReferencedSOPInstanceUID") for item in series.items(keyword))
        if found:
            break
    return frozenset(found)
