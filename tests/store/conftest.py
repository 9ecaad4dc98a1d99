"""Instances to offer to an index, and indexes to offer them to."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest
import zstandard

from hilum.store.index.index import Index
from hilum.store.index.records import DuplicatePolicy, NewInstance

_numbers = itertools.count(1)


class OpenIndex(Protocol):
    """Opens the index of a test once more, as another process would."""

    def __call__(
        self,
        policy: DuplicatePolicy = DuplicatePolicy.REJECT,
        instance_keys: tuple[str, ...] = (),
        scan_limit: int = 1000,
    ) -> Index: ...


@pytest.fixture
def open_index(index_url: str, tmp_path: Path) -> Iterator[OpenIndex]:
    """Yield a function that opens the index; all are closed after the test."""
    opened: list[Index] = []

    def open_(
        policy: DuplicatePolicy = DuplicatePolicy.REJECT,
        instance_keys: tuple[str, ...] = (),
        scan_limit: int = 1000,
    ) -> Index:
        index = Index.open(
            index_url,
            lock_path=tmp_path / "index.lock",
            duplicates=policy,
            instance_keys=instance_keys,
            scan_limit=scan_limit,
        )
        opened.append(index)
        return index

    yield open_
    for index in opened:
        index.close()


@pytest.fixture
def index(open_index: OpenIndex) -> Index:
    """Return an open, empty index."""
    return open_index()


Attributes = Mapping[str, Any]
"""Tag to DICOM JSON Model element, or to one plain value whose VR `_VRS` knows."""

_VRS = {
    "00080020": "DA", "00080030": "TM", "00080050": "SH", "00080060": "CS", "00080090": "PN", "00080201": "SH",
    "0008103E": "LO", "00081030": "LO", "00100010": "PN", "00100020": "LO", "00100030": "DA", "00100040": "CS",
    "00101020": "DS", "0020000D": "UI", "0020000E": "UI", "00200010": "SH", "00200011": "IS", "00200013": "IS",
    "00280008": "IS", "00280010": "US", "00280011": "US", "00280100": "US", "00400244": "DA", "00400245": "TM",
    "00080008": "CS", "00081080": "LO", "00102160": "SH", "00180015": "CS", "00181030": "LO",
}  # fmt: skip


def element(tag: str, value: Any) -> Any:
    """Return the element of a plain value; elements stay as they are."""
    if isinstance(value, dict):
        return value
    vr = _VRS[tag]
    if value in ("", None):
        return {"vr": vr}
    return {"vr": vr, "Value": [{"Alphabetic": value} if vr == "PN" else value]}


class MakeInstance(Protocol):
    """Makes instances as ingest offers them; UIDs are short: study `1.s`, series `1.s.e`, instance `1.s.e.i`."""

    def __call__(
        self,
        study: int = 1,
        series: int = 1,
        number: int = 1,
        study_attributes: Attributes = ...,
        series_attributes: Attributes = ...,
        instance_attributes: Attributes = ...,
        metadata: Attributes | None = None,
        **changes: Any,
    ) -> NewInstance: ...


def _json(attributes: Attributes) -> bytes:
    return orjson.dumps({tag: element(tag, value) for tag, value in sorted(attributes.items())})


@pytest.fixture
def make_instance() -> MakeInstance:
    """Return a function that makes instances."""

    def make(
        study: int = 1,
        series: int = 1,
        number: int = 1,
        study_attributes: Attributes = {},  # noqa: B006 - nobody changes it
        series_attributes: Attributes = {},  # noqa: B006 - nobody changes it
        instance_attributes: Attributes = {},  # noqa: B006 - nobody changes it
        metadata: Attributes | None = None,
        **changes: Any,
    ) -> NewInstance:
        uids = f"1.{study}", f"1.{study}.{series}", f"1.{study}.{series}.{number}"
        of_instance = {"00200013": number, **instance_attributes}
        text = _json({**study_attributes, **series_attributes, **of_instance} if metadata is None else metadata)
        made = NewInstance(
            study_instance_uid=uids[0],
            series_instance_uid=uids[1],
            sop_instance_uid=uids[2],
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            blob_id=f"{next(_numbers):032x}",
            size_bytes=1000,
            data_set_offset=400,
            head_digest=hashlib.sha256(b"head").digest(),
            data_set_digest=hashlib.sha256("/".join(uids).encode()).digest(),
            study_attributes=_json({"0020000D": uids[0], **study_attributes}),
            series_attributes=_json({"0020000E": uids[1], "00080060": "CT", "00200011": series, **series_attributes}),
            instance_attributes=_json(of_instance),
            metadata=zstandard.ZstdCompressor(level=1).compress(text),
            metadata_size=len(text),
            uri_offsets=b"",
            bulk=b"[]",
            frames=None,
            wire_form=None,
            character_set="",
        )
        return replace(made, **changes)

    return make
