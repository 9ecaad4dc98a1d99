"""`hilum manifest`: a Key Object Selection document that names the instances of a study (IHE XDS-I.b)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata
from hilum.archive.objects import frames_of
from hilum.cli.invocation.archives import existing_archive
from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.cli.invocation.targets import instances_of, live_target
from hilum.config import Settings
from hilum.dicom.building.manifest import (
    KEY_OBJECT_SELECTION,
    ManifestInstance,
    ManifestSeries,
    Repository,
    is_manifest,
    make_manifest,
)
from hilum.store.rows.records import StoredInstance


def manifest(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Study Instance UID.")],
    *,
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the manifest goes.")],
    data: DataOption = None,
    config: ConfigOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Write the manifest of a study.

    It names each series' retrieve URL if http.public_url is set, and the archive by soap.repository_unique_id and
    soap.home_community_id. It is not stored: hilum send or hilum import does that. Manifests of the study that are
    stored already are not named in it. A file that is there already is not replaced.
    """
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    with existing_archive(settings) as archive:
        content, count = _manifest(study, settings, archive)
    try:
        with file.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}.") from error
    typer.echo(f"{count:,} instances named")


def _manifest(study: str, settings: Settings, archive: Archive) -> tuple[bytes, int]:
    """Return the manifest of a study, and how many instances it names.

    Raises:
        TransactionError: the study is not there.
        CommandFailed: nothing but manifests is in it.
    """
    target = live_target(study, archive=archive)
    if target.series_instance_uid:
        raise CommandFailed(f"{study} is no study.")
    instances = [
        instance
        for instance in instances_of(target, archive=archive)
        if instance.sop_class_uid != KEY_OBJECT_SELECTION or not is_manifest(_members(instance, archive))
    ]
    if not instances:
        raise CommandFailed(f"The study {study} holds nothing that a manifest names.")
    series = list(_series(instances, settings, archive))
    repository = Repository(settings.soap.repository_unique_id, settings.soap.home_community_id)
    now = datetime.now(UTC).astimezone()
    return make_manifest(_members(instances[0], archive), series, repository, now=now), len(instances)


def _members(instance: StoredInstance, archive: Archive) -> dict[str, Any]:
    members: dict[str, Any] = orjson.loads(b"".join(instance_metadata(instance, "", archive=archive)))
    return members


def _series(instances: list[StoredInstance], settings: Settings, archive: Archive) -> Iterator[ManifestSeries]:
    base = settings.http.public_url.rstrip("/")
    for uid, members in groupby(instances, key=lambda instance: instance.series_instance_uid):
        group = list(members)
        url = f"{base}{settings.http.dicomweb_root}/studies/{group[0].study_instance_uid}/series/{uid}" if base else ""
        named = [
            ManifestInstance(one.sop_class_uid, one.sop_instance_uid, frames_of(one, archive=archive) is not None)
            for one in group
        ]
        yield ManifestSeries(uid, url, named)
