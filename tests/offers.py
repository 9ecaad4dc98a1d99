"""Instances as ingest offers them to the index, in few words."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import zstandard

from hilum.store.rows.records import NewInstance

_numbers = itertools.count(1)

Attributes = Mapping[str, object]
"""Tag to DICOM JSON Model element, or to one plain value whose VR `_VRS` knows."""

_VRS = {
    "00080008": "CS", "00080020": "DA", "00080030": "TM", "00080050": "SH", "00080060": "CS", "00080090": "PN",
    "00080201": "SH", "0008103E": "LO", "00081030": "LO", "00100010": "PN", "00100020": "LO", "00100030": "DA",
    "00100040": "CS", "00101020": "DS", "00180015": "CS", "00180050": "DS", "00181030": "LO", "0020000D": "UI",
    "0020000E": "UI", "00200010": "SH", "00200011": "IS", "00200013": "IS", "00280008": "IS", "00280010": "US",
    "00280011": "US", "00280100": "US", "00400244": "DA", "00400245": "TM",
}  # fmt: skip


def _element(tag: str, value: object) -> object:
    """Return the element of a plain value; elements stay as they are."""
    if isinstance(value, dict):
        return value
    vr = _VRS[tag]
    if value == "":
        return {"vr": vr}
    return {"vr": vr, "Value": [{"Alphabetic": value} if vr == "PN" else value]}


def _json(attributes: Attributes) -> bytes:
    return orjson.dumps({tag: _element(tag, value) for tag, value in sorted(attributes.items())})


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance in few words: study `1.s`, series `1.s.e`, instance `1.s.e.i`."""

    study: int = 1
    series: int = 1
    number: int = 1
    of_study: Attributes = field(default_factory=dict)
    of_series: Attributes = field(default_factory=dict)
    of_instance: Attributes = field(default_factory=dict)
    metadata: Attributes = field(default_factory=dict)
    """Attributes that stand in the metadata alone."""
    content: str = ""
    """Another content gives another digest."""

    def instance(self) -> NewInstance:
        """Return the instance as ingest offers it, under a fresh blob id."""
        uids = f"1.{self.study}", f"1.{self.study}.{self.series}", f"1.{self.study}.{self.series}.{self.number}"
        of_series = {"00080060": "CT", "00200011": self.series, **self.of_series}
        of_instance = {"00200013": self.number, **self.of_instance}
        text = _json({**self.of_study, **of_series, **of_instance, **self.metadata})
        return NewInstance(
            study_instance_uid=uids[0],
            series_instance_uid=uids[1],
            sop_instance_uid=uids[2],
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            blob_id=f"{next(_numbers):032x}",
            size_bytes=1000,
            data_set_offset=400,
            head_digest=hashlib.sha256(b"head").digest(),
            data_set_digest=hashlib.sha256("/".join((*uids, self.content)).encode()).digest(),
            study_attributes=_json({"0020000D": uids[0], **self.of_study}),
            series_attributes=_json({"0020000E": uids[1], **of_series}),
            instance_attributes=_json(of_instance),
            metadata=zstandard.ZstdCompressor(level=1).compress(text),
            metadata_size=len(text),
            uri_offsets=b"",
            bulk=b"[]",
            frames=None,
            wire_form=None,
            character_set="",
        )
