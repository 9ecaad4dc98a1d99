from __future__ import annotations

import pytest

from hilum.archive.ingest import FailureReason, Ingested
from hilum.services.studies.store import Conclusion, store_result
from hilum.store.rows.records import Outcome

SERVICE = "https://host/dicomweb"
GOOD = Ingested("1.1", "1.2.3", "1.2", "1.2.2", Outcome.STORED)
KEPT = Ingested("1.1", "1.2.4", "1.2", "1.2.2", Outcome.KEPT_FIRST, text="kept")
CLASH = Ingested("1.1", "1.2.5", "1.2", "1.2.2", Outcome.DIFFERENT, FailureReason.DUPLICATE, "A clash.")
JUNK = Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text="It is no DICOM object.")
FULL = Ingested(failure=FailureReason.OUT_OF_RESOURCES, text="Full.")


@pytest.mark.requirement("STOW-42", "STOW-43", "STOW-45")
@pytest.mark.parametrize(
    ("results", "conclusion"),
    [
        ([GOOD], Conclusion.STORED),
        ([GOOD, GOOD], Conclusion.STORED),
        ([KEPT], Conclusion.STORED_IN_PART),
        ([GOOD, CLASH], Conclusion.STORED_IN_PART),
        ([GOOD, FULL], Conclusion.STORED_IN_PART),
        ([CLASH], Conclusion.REFUSED),
        ([CLASH, JUNK, FULL], Conclusion.REFUSED),
        ([FULL, FULL], Conclusion.OUT_OF_RESOURCES),
    ],
)
def test_the_conclusion_follows_from_the_instances(results: list[Ingested], conclusion: Conclusion) -> None:
    assert store_result(results, service_url=SERVICE).conclusion is conclusion


@pytest.mark.requirement("STOW-50", "STOW-51", "STOW-52")
def test_the_module_names_each_instance_with_its_reason() -> None:
    module = store_result([GOOD, KEPT, CLASH, JUNK], service_url=SERVICE).module

    assert module == {
        "00081190": {"vr": "UR", "Value": [f"{SERVICE}/studies/1.2"]},
        "00081198": {"vr": "SQ", "Value": [{
            "00081150": {"vr": "UI", "Value": ["1.1"]},
            "00081155": {"vr": "UI", "Value": ["1.2.5"]},
            "00081197": {"vr": "US", "Value": [0x0111]},
            "00741048": {"vr": "SQ", "Value": [{"00000902": {"vr": "LO", "Value": ["A clash."]}}]},
        }]},
        "00081199": {"vr": "SQ", "Value": [
            {
                "00081150": {"vr": "UI", "Value": ["1.1"]},
                "00081155": {"vr": "UI", "Value": ["1.2.3"]},
                "00081190": {"vr": "UR", "Value": [f"{SERVICE}/studies/1.2/series/1.2.2/instances/1.2.3"]},
            },
            {
                "00081150": {"vr": "UI", "Value": ["1.1"]},
                "00081155": {"vr": "UI", "Value": ["1.2.4"]},
                "00081190": {"vr": "UR", "Value": [f"{SERVICE}/studies/1.2/series/1.2.2/instances/1.2.4"]},
                "00081196": {"vr": "US", "Value": [0xB006]},
            },
        ]},
        "0008119A": {"vr": "SQ", "Value": [{
            "00081197": {"vr": "US", "Value": [0xC000]},
            "00741048": {"vr": "SQ", "Value": [{"00000902": {"vr": "LO", "Value": ["It is no DICOM object."]}}]},
        }]},
    }  # fmt: skip


@pytest.mark.requirement("STOW-50")
def test_instances_of_two_studies_have_no_common_url() -> None:
    other = Ingested("1.1", "1.9.3", "1.9", "1.9.2", Outcome.STORED)

    result = store_result([GOOD, other], service_url=SERVICE)

    assert (result.module["00081190"], result.study_url) == ({"vr": "UR"}, "")
