"""The resource of Invoke Image Display (IHE RAD-106)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Parameter, Resource, Service
from hilum.web.viewer import image_display

IMAGE_DISPLAY_RESOURCES: Final = (
    Resource(
        "GET",
        "",
        image_display.display_images,
        transaction="Invoke Image Display",
        source="IHE RAD-106",
        statuses=(HTTPStatus.FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        parameters=(
            Parameter("requestType", "`PATIENT` or `STUDY`."),
            Parameter("patientID", "PATIENT: the ID, or `ID^^^assigner`."),
            Parameter("patientName", "PATIENT: a guard against another patient's studies."),
            Parameter("patientBirthDate", "PATIENT: the same."),
            Parameter("lowerDateTime", "PATIENT: earliest study, ISO 8601."),
            Parameter("upperDateTime", "PATIENT: latest study, ISO 8601."),
            Parameter("mostRecentResults", "PATIENT: so many of the newest studies.", "integer"),
            Parameter("modalitiesInStudy", "PATIENT: studies with one of these modalities."),
            Parameter("studyUID", "STUDY: UIDs with commas between them."),
            Parameter("accessionNumber", "STUDY: accession numbers with commas between them."),
            Parameter("viewerType", "Handed on where the viewer's URL has a place for it."),
            Parameter("diagnosticQuality", "The same.", "boolean"),
            Parameter("keyImagesOnly", "The same.", "boolean"),
        ),
    ),
)

IMAGE_DISPLAY_SERVICE: Final = Service(
    "Invoke Image Display", lambda http: http.image_display_path, IMAGE_DISPLAY_RESOURCES
)
