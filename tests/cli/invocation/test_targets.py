from __future__ import annotations

from pathlib import Path

import pytest

from command_line import SERIES, STUDY, part10
from hilum.cli.demo import load_folder
from hilum.cli.invocation.archives import existing_archive, prepare_beside_server
from hilum.cli.invocation.targets import instances_of, live_target
from hilum.config import Settings
from hilum.dicom.resources import TargetResource
from hilum.errors import InvalidRequest, TargetNotFound


def test_a_uid_alone_stands_for_the_resource_that_has_it(data: Path, stored: list[str]) -> None:

    with existing_archive(Settings(data=data)) as archive:
        assert live_target(STUDY, archive=archive) == TargetResource(STUDY)
        assert live_target(SERIES, archive=archive) == TargetResource(STUDY, SERIES)
        assert live_target(stored[0], archive=archive) == TargetResource(STUDY, SERIES, stored[0])
        assert live_target(f"{STUDY}/{SERIES}/", archive=archive) == TargetResource(STUDY, SERIES)
        assert [found.sop_instance_uid for found in instances_of(TargetResource(STUDY), archive=archive)] == stored
        with pytest.raises(TargetNotFound):
            live_target("1.2.3.4.5", archive=archive)


def test_a_series_uid_of_two_studies_needs_its_study(tmp_path: Path, data: Path) -> None:
    (tmp_path / "a").write_bytes(part10("1.2.3.1", study="1.2.3", series=SERIES))
    (tmp_path / "b").write_bytes(part10("1.2.4.1", study="1.2.4", series=SERIES))
    prepare_beside_server(Settings(data=data))
    load_folder(tmp_path, Settings(data=data))

    with existing_archive(Settings(data=data)) as archive, pytest.raises(InvalidRequest, match=f"1.2.4/{SERIES}"):
        live_target(SERIES, archive=archive)
