"""Retrieve a study, a series or an instance as one zip archive (PAY-09), with a DICOMDIR if asked for.

Names come from UIDs or numbers, the order from the index, and nothing is compressed: the archive of an unchanged
target is always the same, its length is known, and ranges of it can be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.file_names import file_of
from hilum.archive.metadata import instance_metadata
from hilum.archive.objects import as_received, has_travelling_blob, wire_bytes, wire_length
from hilum.dicom.dicomdir import DirectoryFile, dicomdir
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from hilum.errors import PayloadTooLarge
from hilum.services.studies.offers import NEVER_TRAVEL
from hilum.services.studies.parts import Part, Retrieved, instances_of
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Offer
from hilum.wire.zip_file import ZipEntry, zip_chunks, zip_length

_MOST_FILES: Final = 100_000
_MOST_IN_DIRECTORY: Final = 20_000
_MOST_METADATA_BYTES: Final = 4 * 1024 * 1024


def retrieve_archive_file(target: TargetResource, offer: Offer, *, archive: Archive) -> Retrieved:
    """Return the instances of a study, series or instance as a zip archive.

    Each object is as stored, but in Explicit VR Little Endian where its transfer syntax never travels (TSX-01).

    Args:
        target: a study, series or instance.
        offer: a row of `ARCHIVE_FILE_OFFERS`; one with the parameter `dicomdir` makes a file-set of PS3.10.
        archive: where it is stored.

    Raises:
        TargetNotFound, TargetGone: nothing is there.
        PayloadTooLarge: there are too many instances for one archive.
    """
    instances = instances_of(target, archive)
    is_file_set = ("dicomdir", "true") in offer.parameters
    if len(instances) > (_MOST_IN_DIRECTORY if is_file_set else _MOST_FILES):
        raise PayloadTooLarge("The target resource has too many instances for one file: ask for its series.")
    travelling = [_travelling(instance, archive) for instance in instances]
    entries = _file_set(travelling, archive) if is_file_set else [_entry(item, archive) for item in travelling]
    version = f"{offer}/" + ",".join(instance.blob_id for instance in instances)
    deepest = target.sop_instance_uid or target.series_instance_uid or target.study_instance_uid
    part = Part(
        offer, target.path, zip_length(entries), version, partial(zip_chunks, entries), file_name=f"{deepest}.zip"
    )
    return Retrieved([part])


def _travelling(instance: StoredInstance, archive: Archive) -> StoredInstance:
    """Return the instance as it travels: as received where that may be."""
    if instance.transfer_syntax_uid not in NEVER_TRAVEL and has_travelling_blob(instance, archive=archive):
        return as_received(instance)
    return instance


def _entry(instance: StoredInstance, archive: Archive, name: str = "") -> ZipEntry:
    read = partial(wire_bytes, instance, archive=archive)
    return ZipEntry(name or file_of(instance).as_posix(), wire_length(instance), read)


def _file_set(instances: Sequence[StoredInstance], archive: Archive) -> list[ZipEntry]:
    files = [_directory_file(instance, number, archive) for number, instance in enumerate(instances, 1)]
    directory = dicomdir(files)
    entries = [ZipEntry("DICOMDIR", len(directory), partial(_once, directory))]
    for instance, file in zip(instances, files, strict=True):
        entries.append(_entry(instance, archive, "/".join(file.file_id)))
    return entries


def _directory_file(instance: StoredInstance, number: int, archive: Archive) -> DirectoryFile:
    """Return the entry of an instance: 1,000 files a folder, for what reads media."""
    folder, place = divmod(number - 1, 1000)
    # A wire form of its own is Explicit VR Little Endian (deflated objects that travel have none here).
    syntax = EXPLICIT_VR_LITTLE_ENDIAN if instance.wire_form is not None else instance.transfer_syntax_uid
    return DirectoryFile(
        ("DICOM", f"F{folder:05}", f"I{place:05}"),
        instance.sop_class_uid,
        instance.sop_instance_uid,
        syntax,
        _members(instance, archive),
    )


def _members(instance: StoredInstance, archive: Archive) -> dict[str, object]:
    if archive.index.metadata(instance.instance_id).size > _MOST_METADATA_BYTES:
        # What the directory needs of such a data set stands in the row.
        members: dict[str, object] = orjson.loads(archive.index.attributes(instance.instance_id))
        uids = {"0020000D": instance.study_instance_uid, "0020000E": instance.series_instance_uid}
        return members | {tag: {"vr": "UI", "Value": [value]} for tag, value in uids.items()}
    found: dict[str, object] = orjson.loads(b"".join(instance_metadata(instance, "", archive=archive)))
    return found


def _once(data: bytes) -> Iterator[bytes]:
    yield data
