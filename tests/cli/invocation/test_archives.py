from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cli.invocation.archives import existing_archive, prepare_beside_server
from hilum.cli.invocation.failures import CommandFailed
from hilum.config import Settings


def test_a_fresh_folder_is_prepared(data: Path) -> None:
    settings = Settings(data=data)

    prepare_beside_server(settings)

    with existing_archive(settings) as archive:
        assert list(archive.index.rows()) == []


def test_a_folder_that_does_not_exist_is_no_archive_and_is_not_made(data: Path) -> None:
    with pytest.raises(CommandFailed, match="does not exist"), existing_archive(Settings(data=data)):
        pass
    assert not data.exists()


def test_a_folder_without_index_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed), existing_archive(Settings(data=tmp_path)):
        pass


def test_a_blobs_url_that_is_no_folder_is_refused(data: Path) -> None:
    with pytest.raises(CommandFailed, match="blobs_url"):
        prepare_beside_server(Settings(data=data, blobs_url="s3://bucket"))
