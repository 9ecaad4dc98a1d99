from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import SERIES, STUDY, part10, write_objects
from hilum.cli.archives import existing_archive
from hilum.cli.targets import instances_of, live_target
from hilum.config import Settings
from hilum.dicom.resources import TargetResource
from hilum.errors import InvalidRequest, TargetNotFound


def test_a_uid_alone_stands_for_the_resource_that_has_it(
    tmp_path: Path, data: Path, hilum: Callable[..., Result]
) -> None:
    uids = write_objects(tmp_path / "in", 2)
    hilum("import", tmp_path / "in")

    with existing_archive(Settings(data=data)) as archive:
        assert live_target(STUDY, archive=archive) == TargetResource(STUDY)
        assert live_target(SERIES, archive=archive) == TargetResource(STUDY, SERIES)
        assert live_target(uids[0], archive=archive) == TargetResource(STUDY, SERIES, uids[0])
        assert live_target(f"{STUDY}/{SERIES}/", archive=archive) == TargetResource(STUDY, SERIES)
        assert [found.sop_instance_uid for found in instances_of(TargetResource(STUDY), archive=archive)] == uids
        with pytest.raises(TargetNotFound):
            live_target("1.2.3.4.5", archive=archive)


def test_a_series_uid_of_two_studies_needs_its_study(tmp_path: Path, data: Path, hilum: Callable[..., Result]) -> None:
    (tmp_path / "a").write_bytes(part10("1.2.3.1", study="1.2.3", series=SERIES))
    (tmp_path / "b").write_bytes(part10("1.2.4.1", study="1.2.4", series=SERIES))
    hilum("import", tmp_path / "a", tmp_path / "b")

    with existing_archive(Settings(data=data)) as archive, pytest.raises(InvalidRequest, match=f"1.2.4/{SERIES}"):
        live_target(SERIES, archive=archive)
