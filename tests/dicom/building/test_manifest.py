from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pydicom
import pytest

from hilum.dicom.building.manifest import (
    ManifestInstance,
    ManifestSeries,
    Repository,
    is_manifest,
    make_manifest,
)

STUDY: dict[str, Any] = {
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Ä", "Ideographic": "山田"}]},
    "00080020": {"vr": "DA"},
    "00280010": {"vr": "US", "Value": [4]},
}
SERIES = [
    ManifestSeries(
        "1.2.3.1",
        "",
        [
            ManifestInstance("1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", is_image=True),
            ManifestInstance("1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3.1.2", is_image=False),
            ManifestInstance("1.2.840.10008.5.1.4.1.1.88.11", "1.2.3.1.3", is_image=False),
        ],
    )
]


@pytest.mark.filterwarnings("error")
def test_a_manifest_is_a_valid_document_of_the_study() -> None:
    content = make_manifest(STUDY, SERIES, Repository(), now=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))

    document = pydicom.dcmread(io.BytesIO(content))
    assert (str(document.PatientName), document.SpecificCharacterSet) == ("Müller^Ä=山田", "ISO_IR 192")
    assert (document.ContentDate, document.ContentTime, document.TimezoneOffsetFromUTC) == (
        "20240102",
        "030405",
        "+0000",
    )
    assert document.file_meta.MediaStorageSOPInstanceUID == document.SOPInstanceUID
    assert "Rows" not in document
    assert document.StudyDate == document.AccessionNumber == ""
    assert len(document.ReferencedPerformedProcedureStepSequence) == 0
    assert [item.ValueType for item in document.ContentSequence] == ["IMAGE", "WAVEFORM", "COMPOSITE"]
    assert is_manifest(document.to_json_dict())


@pytest.mark.parametrize("members", [{}, {"0040A043": {"vr": "SQ"}}, {"0040A043": {"vr": "SQ", "Value": [{}]}}])
def test_other_documents_are_no_manifests(members: dict[str, Any]) -> None:
    assert not is_manifest(members)
