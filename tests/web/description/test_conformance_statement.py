from __future__ import annotations

import pytest

from hilum.config import Settings, SoapSettings
from hilum.dicom.npi.categories import CATEGORIES
from hilum.dicom.transfer_syntaxes import SYNTAXES
from hilum.web.description.conformance_statement import conformance_statement, markdown, members
from hilum.web.resources.services import SERVICES

STATEMENT = conformance_statement(SERVICES, Settings(), version="1.2.3")


@pytest.mark.requirement("CAP-30")
def test_each_resource_that_is_served_is_told_and_no_other() -> None:
    text = markdown(conformance_statement(SERVICES, Settings(soap=SoapSettings(enabled=False)), version="1"))

    for service in SERVICES:
        for resource in service.resources:
            is_told = f"`{resource.method} {service.root(Settings().http)}{resource.path}`" in text
            assert is_told is (resource.is_served(Settings()) and service.name != "SOAP Service")


@pytest.mark.requirement("CAP-30", "NPI-03")
def test_syntaxes_classes_and_keys_come_from_the_tables() -> None:
    text = markdown(STATEMENT)

    assert all(f"| {uid} |" in text for uid in SYNTAXES)
    assert all(uid in text for category in CATEGORIES.values() for uid in category.sop_classes)
    assert "ISO_IR 192" in text
    assert "0122H" in text


def test_json_has_the_same_sections_as_the_page() -> None:
    assert [section["title"] for section in members(STATEMENT)] == [section.title for section in STATEMENT]
    assert all(set(row) == set(section.header) for section in STATEMENT for row in members([section])[0]["rows"])


def test_every_row_of_a_table_has_all_its_cells() -> None:
    for section in STATEMENT:
        assert all(len(row) == len(section.header) for row in section.rows)
