from __future__ import annotations

import pytest

from hilum.dicom.resources import TargetResource


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (TargetResource("1.2"), "/studies/1.2"),
        (TargetResource("1.2", "1.3"), "/studies/1.2/series/1.3"),
        (TargetResource("1.2", "1.3", "1.4"), "/studies/1.2/series/1.3/instances/1.4"),
    ],
)
def test_the_path_ends_where_the_uids_end(target: TargetResource, path: str) -> None:
    assert target.path == path


def test_equal_uids_make_equal_targets() -> None:
    assert TargetResource("1.2", "1.3") == TargetResource("1.2", "1.3")
    assert len({TargetResource("1.2"), TargetResource("1.2"), TargetResource("1.2", "1.2")}) == 2
