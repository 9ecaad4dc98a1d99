from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from archives import files_below, opened
from hilum.app import prepare
from hilum.archive.ingest import Ingested
from hilum.config import Settings, StoreSettings
from hilum.dicom.xml import json_to_xml
from hilum.errors import InvalidRequest, PayloadTooLarge
from hilum.services.studies.making import JSON, XML, KeptPart, StoreRequest, store_metadata
from samples import make_dataset

SETTINGS = StoreSettings(reserve_bytes=0, metadata_bytes=100_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(Settings(data=tmp_path / "data", store=SETTINGS))
    return tmp_path / "data"


def store(folder: Path, form: str, *parts: tuple[dict[str, str], bytes]) -> list[Ingested]:
    kept = []
    for number, (headers, content) in enumerate(parts):
        path = folder.parent / f"part{number}"
        path.write_bytes(content)
        kept.append(KeptPart(headers, path, len(content)))
    with opened(folder, store=SETTINGS) as archive:
        return store_metadata(StoreRequest(form, kept, "http://host/studies", None), archive=archive)


def model(location: str) -> dict[str, Any]:
    found: dict[str, Any] = make_dataset().to_json_dict()
    return found | {"7FE00010": {"vr": "OW", "BulkDataURI": location}}


@pytest.mark.requirement("STOW-13", "STOW-29")
def test_each_instance_gets_the_part_of_its_location(folder: Path) -> None:
    root = ({"content-type": JSON}, orjson.dumps([model("a"), model("http://host/b"), model("c")]))
    parts = [({"content-location": name}, bytes(16)) for name in ("a", "/b")]

    results = store(folder, JSON, root, *parts)

    assert [result.failure is None for result in results] == [True, True, False]
    assert files_below(folder).count("blobs/dcm") == 2
    assert not [name for name in files_below(folder) if name.startswith("staging")]


def test_a_part_that_nothing_refers_to_is_told(folder: Path) -> None:
    root = ({"content-type": JSON}, orjson.dumps([model("a")]))

    results = store(folder, JSON, root, ({"content-location": "a"}, bytes(16)), ({"content-location": "b"}, b"x"))

    assert [result.failure is None for result in results] == [True, False]


@pytest.mark.requirement("STOW-29", "STOW-44")
def test_a_broken_document_costs_the_others_nothing(folder: Path) -> None:
    good = json_to_xml(make_dataset().to_json_dict() | {"7FE00010": {"vr": "OW", "BulkDataURI": "a"}})
    bulk = ({"content-location": "a"}, bytes(16))

    results = store(folder, XML, ({"content-type": XML}, good), ({"content-type": XML}, b"junk"), bulk)

    assert [result.failure is None for result in results] == [True, False]
    with pytest.raises(InvalidRequest):
        store(folder, XML, ({"content-type": XML}, b"junk"))


def test_metadata_have_a_bound(folder: Path) -> None:
    with pytest.raises(PayloadTooLarge):
        store(folder, JSON, ({"content-type": JSON}, b" " * 100_001))
