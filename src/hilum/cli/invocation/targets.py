"""Target resources as an administrator names them: a UID alone, or a path of UIDs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import orjson
import typer

from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource
from hilum.dicom.searching.query import Level, Match, Query, UidList
from hilum.errors import InvalidRequest, TargetNotFound
from hilum.store.rows.records import State, StoredInstance

UidsArgument = Annotated[
    list[str],
    typer.Argument(metavar="UID...", help="UIDs of studies, series or instances, or STUDY/SERIES/INSTANCE."),
]

_LEVELS: Final = (
    (Level.STUDY, "0020000D"),
    (Level.SERIES, "0020000E"),
    (Level.INSTANCE, "00080018"),
)
_LONGEST_UID: Final = 64


def live_target(name: str, *, archive: Archive) -> TargetResource:
    """Return the target resource that `name` stands for, among what is live.

    Args:
        name: a UID of any level, or UIDs from the study down with slashes between them.
        archive: where to look.

    Raises:
        InvalidRequest: `name` is no UID, or is one in several studies.
        TargetNotFound: nothing live has this UID.
    """
    uids = _uids(name)
    if len(uids) > 1:
        return TargetResource(*uids)
    found = {target for level, tag in _LEVELS for target in _search(level, tag, uids[0], archive)}
    return _only(name, found)


def trashed_target(name: str, *, archive: Archive) -> TargetResource:
    """Return the target resource that `name` stands for, among what is in the trash.

    Raises:
        InvalidRequest: `name` is no UID, or is one in several studies.
        TargetNotFound: nothing in the trash has this UID.
    """
    uids = _uids(name)
    if len(uids) > 1:
        return TargetResource(*uids)
    return _only(name, set(_in_trash(uids[0], archive)))


def instances_of(target: TargetResource, *, archive: Archive) -> Sequence[StoredInstance]:
    """Return the live instances of a target resource.

    Raises:
        TargetNotFound, TargetGone: nothing live is there.
    """
    study, series, instance = target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    if instance:
        return (archive.index.find_instance(study, series, instance),)
    return archive.index.list_instances(study, series or None)


def _uids(name: str) -> list[str]:
    uids = name.strip().strip("/").split("/")
    if len(uids) > len(_LEVELS) or not all(0 < len(uid) <= _LONGEST_UID and uid.isascii() for uid in uids):
        raise InvalidRequest(f"{name!a} is no UID, and no STUDY/SERIES/INSTANCE of UIDs.")
    return uids


def _only(name: str, found: set[TargetResource]) -> TargetResource:
    if not found:
        raise TargetNotFound(f"Nothing in this archive has the UID {name}.")
    if len(found) > 1:
        paths = ", ".join(sorted("/".join(_path(target)) for target in found))
        raise InvalidRequest(f"Several resources have the UID {name}; choose one of {paths}.")
    return found.pop()


def _path(target: TargetResource) -> Iterator[str]:
    for uid in (target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid):
        if uid:
            yield uid


def _search(level: Level, tag: str, uid: str, archive: Archive) -> Iterator[TargetResource]:
    query = Query(level=level, matches=(Match((tag,), "UI", UidList((uid,))),))
    for before, after in archive.index.search(query).items:
        attributes = orjson.loads(before + after)
        tags = [tag for _, tag in _LEVELS[: [named for named, _ in _LEVELS].index(level) + 1]]
        yield TargetResource(*(attributes[tag]["Value"][0] for tag in tags))


def _in_trash(uid: str, archive: Archive) -> Iterator[TargetResource]:
    """Look through all rows: the trash has no index by UID, and nobody restores thousands of times a day."""
    for row in archive.index.rows():
        if row.state is not State.TRASHED:
            continue
        if row.study_instance_uid == uid:
            yield TargetResource(uid)
        elif row.series_instance_uid == uid:
            yield TargetResource(row.study_instance_uid, uid)
        elif row.sop_instance_uid == uid:
            yield TargetResource(row.study_instance_uid, row.series_instance_uid, uid)
