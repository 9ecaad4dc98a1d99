from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.errors import InvalidRequest
from hilum.services.image_display.request import (
    ImageDisplay,
    NamedStudies,
    PatientStudies,
    parse_image_display,
)

PATIENT = ("requestType", "PATIENT")
STUDY = ("requestType", "STUDY")


@pytest.mark.requirement("IHE-IID-01")
def test_a_request_for_studies_is_read() -> None:
    display = parse_image_display(
        [STUDY, ("studyUID", "1.2, 1.3,1.2"), ("viewerType", "x"), ("keyImagesOnly", "true"), ("lang", "<script>")]
    )

    assert display == ImageDisplay(NamedStudies(("1.2", "1.3")), viewer_type="x", key_images_only="true")
    assert display.patient_id == ""


@pytest.mark.requirement("IHE-IID-01")
def test_a_request_for_a_patients_studies_is_read() -> None:
    display = parse_image_display(
        [
            PATIENT,
            ("patientID", "4711^^^&1.2.3&ISO"),
            ("patientName", "Doe^Jane"),
            ("patientBirthDate", "1970-01-02"),
            ("lowerDateTime", "2024-01-02"),
            ("upperDateTime", "2024-01-03"),
            ("mostRecentResults", "2"),
            ("modalitiesInStudy", "ct, MR"),
        ]
    )

    assert display.wanted == PatientStudies(
        patient_id="4711",
        assigner="1.2.3",
        name="Doe^Jane",
        birth_date="19700102",
        lower="20240102000000",
        upper="20240103235959",
        modalities=("CT", "MR"),
        most_recent=2,
    )
    assert display.patient_id == "4711"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05", "20240102030405"),
        ("20240102T030405", "20240102030405"),
        ("20240102", "20240102000000"),
        ("0001-02-03", "00010203000000"),
    ],
)
def test_points_in_time_are_those_of_iso_8601(text: str, moment: str) -> None:
    display = parse_image_display([PATIENT, ("patientID", "1"), ("lowerDateTime", text)])

    assert isinstance(display.wanted, PatientStudies)
    assert display.wanted.lower == moment


@pytest.mark.requirement("IHE-IID-01")
@pytest.mark.parametrize(
    "parameters",
    [
        [],
        [("requestType", "study")],
        [("requestType", "SERIES"), ("studyUID", "1.2")],
        [STUDY],
        [STUDY, ("studyUID", "")],
        [STUDY, ("studyUID", ",")],
        [STUDY, ("studyUID", "1.2"), ("accessionNumber", "A")],
        [STUDY, ("studyUID", "1.2,x")],
        [STUDY, ("studyUID", ",".join(f"1.{number}" for number in range(201)))],
        [STUDY, ("studyUID", "1.2"), ("studyUID", "1.3")],
        [STUDY, ("studyUID", "1.2"), ("diagnosticQuality", "yes")],
        [STUDY, ("accessionNumber", "A\\B")],
        [STUDY, ("accessionNumber", "A\0")],
        [PATIENT],
        [PATIENT, ("patientID", "^^^X")],
        [PATIENT, ("patientID", "1" * 300)],
        [PATIENT, ("patientID", "1"), ("mostRecentResults", "0")],
        [PATIENT, ("patientID", "1"), ("mostRecentResults", "-1")],
        [PATIENT, ("patientID", "1"), ("mostRecentResults", "9" * 5000)],
        [PATIENT, ("patientID", "1"), ("lowerDateTime", "yesterday")],
        [PATIENT, ("patientID", "1"), ("upperDateTime", "0001-01-01T00:00:00+23:59")],
        [PATIENT, ("patientID", "1"), ("patientBirthDate", "1970")],
    ],
)
def test_what_makes_no_sense_is_refused(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_image_display(parameters)

    assert str(refused.value).endswith(".")


@given(st.lists(st.tuples(st.sampled_from(["requestType", "patientID", "studyUID", "lowerDateTime", "x"]), st.text())))
@settings(max_examples=60)
def test_any_parameters_are_read_or_refused(parameters: list[tuple[str, str]]) -> None:
    try:
        parse_image_display([PATIENT, *((name, value) for name, value in parameters if name != "requestType")])
    except InvalidRequest:
        return
