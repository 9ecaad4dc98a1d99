from __future__ import annotations

import orjson
import pytest

from hilum.dicom.searching.query import Level, Query
from hilum.store.database.tables import NO_NUMBER, UNKNOWN
from hilum.store.rows.answers import study_pieces
from hilum.store.search.results import native_instance, native_series, native_study, vr_of, wanted


def parsed(item: tuple[str, str]) -> dict[str, object]:
    found: dict[str, object] = orjson.loads("http://h".join(item))
    assert list(found) == sorted(found)
    return found


def test_native_results_are_json_around_the_base_url() -> None:
    head, tail = study_pieces({}, ["CT"])
    study = parsed(native_study(("1.2", head, tail, 2, 3)))
    series = parsed(native_series(("1.2", "1.3", '"00080060":{"vr":"CS"}', '"0020000E":{"vr":"UI"}', 4, "")))
    row = ("1.2", "1.3", "1.4", "1.5", NO_NUMBER, UNKNOWN, 5, UNKNOWN, UNKNOWN, "")
    instance = parsed(native_instance(row))

    assert study["00081190"] == {"vr": "UR", "Value": ["http://h/studies/1.2"]}
    assert series["00201209"] == {"vr": "IS", "Value": [4]}
    assert instance["00200013"] == {"vr": "IS"}
    assert instance["00280010"] == {"vr": "US", "Value": [5]}
    assert "00280011" not in instance


@pytest.mark.parametrize(("tag", "vr"), [("00081030", "LO"), ("00280106", "US"), ("00231002", "UN")])
def test_unknown_values_get_the_vr_of_the_dictionary(tag: str, vr: str) -> None:
    assert vr_of(tag) == vr


def test_only_plain_results_are_native() -> None:
    assert wanted(Query(Level.STUDY)).is_native
    assert wanted(Query(Level.INSTANCE, "1.2", "1.3")).is_native
    assert not wanted(Query(Level.INSTANCE, "1.2")).is_native
    assert not wanted(Query(Level.STUDY, include=("00081030",))).is_native
    assert not wanted(Query(Level.STUDY, include_all=True)).is_native


def test_metadata_are_read_only_for_attributes_that_rows_do_not_keep() -> None:
    kept = frozenset({"00280010"})

    assert not wanted(Query(Level.INSTANCE, include=("00280010", "00081030"))).needs_metadata(kept)
    assert wanted(Query(Level.INSTANCE, include=("00180050",))).needs_metadata(kept)
    assert not wanted(Query(Level.SERIES, include=("00080060",))).needs_metadata(kept)
