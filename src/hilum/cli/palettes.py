"""`hilum palettes`: the Well-Known Color Palettes (PS3.6 B) into the archive."""

from __future__ import annotations

from importlib.resources import files

import typer

from hilum.archive.archive import Archive
from hilum.archive.npi.ingest import ingest_non_patient
from hilum.cli.invocation.archives import existing_archive, prepare_beside_server
from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.dicom.npi.categories import CATEGORIES


def palettes(*, data: DataOption = None, config: ConfigOption = None, index_url: IndexUrlOption = None) -> None:
    """Store the Well-Known Color Palettes of DICOM PS3.6; those that are stored already stay as they are."""
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    prepare_beside_server(settings)
    with existing_archive(settings) as archive:
        stored, failed = load_palettes(archive)
    typer.echo(f"{stored} color palettes are stored.")
    if failed:
        raise typer.Exit(ExitStatus.INCOMPLETE)


def load_palettes(archive: Archive) -> tuple[int, int]:
    """Store the palettes that come with pydicom; return how many are stored now, and how many could not be."""
    outcomes = []
    for palette in sorted((files("pydicom") / "data" / "palettes").iterdir(), key=lambda found: found.name):
        if palette.name.endswith(".dcm"):
            staged = archive.blobs.stage()
            staged.write(palette.read_bytes())
            result = ingest_non_patient(staged, archive=archive, category=CATEGORIES["color-palettes"])
            outcomes.append(result.failure is None)
    return sum(outcomes), outcomes.count(False)
