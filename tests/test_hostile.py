from __future__ import annotations

import io

import pydicom
import pytest

import hostile
from hilum.dicom.searching.query import Level, QueryError, parse_query
from hilum.dicom.uids import is_uid


def test_the_valid_object_has_no_defect() -> None:
    ds = pydicom.dcmread(io.BytesIO(hostile.valid_object()))

    assert (ds.StudyInstanceUID, ds.SOPInstanceUID) == (hostile.STUDY, hostile.INSTANCE)
    assert ds.pixel_array.shape == (4, 4)


def test_everything_is_repeatable_and_has_a_name_of_its_own() -> None:
    for make in (
        hostile.broken_objects,
        hostile.doubtful_objects,
        hostile.tolerated_uploads,
        hostile.refused_uploads,
    ):
        names = [item.name for item in make()]
        assert len(names) == len(set(names))
        assert list(make()) == list(make())
    assert list(hostile.mutated_objects(50)) == list(hostile.mutated_objects(50))
    assert [item.data for item in hostile.mutated_objects(50)] != [item.data for item in hostile.mutated_objects(50, 1)]


def test_beginnings_of_an_object_are_all_shorter_than_it() -> None:
    whole = hostile.valid_object()

    assert [len(item.data) for item in hostile.truncated_objects()] == list(range(len(whole)))


def test_a_bomb_inflates_to_what_it_says() -> None:
    bomb = hostile.deflated_bomb(3_000_001)

    assert len(bomb) < 20_000
    assert len(pydicom.dcmread(io.BytesIO(bomb)).PixelData) == 3_000_001


def test_bad_uids_are_none() -> None:
    assert not [name for name, uid in hostile.BAD_UIDS if is_uid(uid)]


@pytest.mark.requirement("QIDO-42")
@pytest.mark.parametrize("query", hostile.BAD_QUERIES)
def test_bad_queries_are_refused_by_the_parser(query: str) -> None:
    for level in Level:
        with pytest.raises(QueryError):
            parse_query(level, query, max_results=10)


def test_bad_paths_cover_every_place() -> None:
    paths = list(hostile.bad_paths())

    assert len(paths) == len(hostile.PATHS) * len(hostile.BAD_PATH_SEGMENTS)
    assert all(path.isascii() and "{}" not in path for path in paths)
