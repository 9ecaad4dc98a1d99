from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from hilum.archive.file_names import file_of
from hilum.store.rows.records import StoredInstance

INSTANCE = StoredInstance(1, 1, "1.2", "1.2.3", "1.2.3.4", "1.2", "1.2", "0" * 32, 1, 0, None)


def test_files_are_named_by_uids() -> None:
    assert file_of(INSTANCE) == PurePosixPath("1.2/1.2.3/1.2.3.4.dcm")


@pytest.mark.parametrize(
    "uid", ["..", ".", "", "a/b", "../x", "/etc", "a\\b", "a\0b", ".hidden", "é", "x" * 65, "a b", "-o", "\udcff"]
)
def test_what_is_no_plain_name_is_replaced(uid: str) -> None:
    found = file_of(replace(INSTANCE, study_instance_uid=uid, series_instance_uid=uid, sop_instance_uid=uid))

    assert len(found.parts) == 3
    assert all(part.startswith("uid-") and part.isascii() for part in found.parts)
