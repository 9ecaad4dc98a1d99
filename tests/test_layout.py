"""The tests mirror the code, and each mandatory rule about folders and files holds."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "hilum"

# Shown by tests of another kind: HTTP requests (tests/conformance), real processes (tests/cli), or no code at all.
WITHOUT_TWIN = {
    "app.py": "tests/conformance and tests/cli start it",
    "errors.py": "tests/web/test_errors.py holds its table",
    "dicom/confidentiality/basic_profile.py": "tests/dicom/confidentiality/test_profile.py",
    "dicom/reading/instance.py": "records without behaviour",
    "archive/archive.py": "a record",
    "archive/integrity/digests.py": "tests/archive/integrity/test_verify.py, tests/conformance/test_commitment.py",
    "cli/agent/sending.py": "tests/cli/test_send.py sends to a real server",
    "cli/agent/wanted.py": "tests/cli/test_get.py asks a real server",
    "services/commitment/request.py": "tests/conformance/test_commitment.py",
    "services/commitment/result_check.py": "tests/conformance/test_commitment.py",
    "services/studies/search.py": "tests/conformance/test_search.py",
    "services/studies/retrieve.py": "tests/conformance/test_retrieve.py",
    "services/studies/archive_file.py": "tests/conformance/test_archive_files.py",
    "services/studies/delete.py": "tests/conformance/test_delete.py",
    "archive/documents.py": "tests/conformance/test_bulk_data.py",
    "soap/methods/documents.py": "tests/conformance/test_wado_ws.py",
    "soap/elements.py": "tests/conformance/test_wado_ws.py",
    "soap/faults.py": "tests/conformance/test_wado_ws.py",
    "soap/methods/metadata.py": "tests/conformance/test_wado_ws.py",
    "soap/methods/rendered.py": "tests/conformance/test_wado_ws_rendered.py",
    "soap/lookup.py": "tests/conformance/test_wado_ws.py",
    "soap/refusals.py": "tests/conformance/test_wado_ws_rendered.py",
    "soap/names.py": "tests/conformance/test_wado_ws.py",
    "soap/responses.py": "tests/conformance/test_wado_ws.py",
    "soap/wado_ws.py": "tests/conformance/test_wado_ws.py",
    "soap/xpath_process.py": "tests/soap/test_xpath.py",
    "store/rows/records.py": "records without behaviour",
    "store/blobs/protocol.py": "tests/store/blobs holds its contract",
    "web/application.py": "tests/conformance",
    "web/origin.py": "a record",
    "web/resources/soap.py": "tests/web/description/test_openapi.py",
    "web/services/soap.py": "tests/conformance/test_wado_ws.py",
    "web/services/studies.py": "tests/conformance",
    "web/parse.py": "tests/conformance",
    "web/represent.py": "tests/conformance",
    "web/resources/resource.py": "records without behaviour",
    "web/resources/services.py": "tests/web/description/test_openapi.py",
    "web/resources/commitment.py": "tests/web/description/test_openapi.py",
    "web/services/commitment.py": "tests/conformance/test_commitment.py",
    "web/resources/studies.py": "tests/web/description/test_openapi.py",
    "web/description/docs.py": "tests/web/description/test_openapi.py",
    "web/operations.py": "tests/conformance",
    "render/parameters.py": "records without behaviour",
    "render/rendering.py": "a record",
    "render/source.py": "records without behaviour",
    "services/studies/rendered.py": "tests/conformance/test_rendered.py",
    "web/services/rendered.py": "tests/conformance/test_rendered.py",
    "web/resources/rendered.py": "tests/web/description/test_openapi.py",
    "web/services/store.py": "tests/conformance/test_store_instances.py",
    "web/services/store_metadata.py": "tests/conformance/test_store_metadata.py",
    "store/worklist/records.py": "records without behaviour",
    "store/worklist/search.py": "tests/store/worklist/test_worklist.py",
    "store/worklist/subscriptions.py": "tests/store/worklist/test_worklist.py",
    "store/worklist/reports.py": "tests/store/worklist/test_worklist.py",
    "services/worklist/attributes.py": "tests/conformance/test_workitems.py",
    "services/worklist/retrieve.py": "tests/conformance/test_workitems.py",
    "services/worklist/update.py": "tests/conformance/test_workitems.py",
    "services/worklist/change_state.py": "tests/conformance/test_workitems.py",
    "services/worklist/request_cancellation.py": "tests/conformance/test_workitems.py",
    "services/worklist/search.py": "tests/conformance/test_workitem_search.py",
    "services/worklist/event_reports.py": "tests/conformance/test_event_reports.py",
    "web/services/worklist.py": "tests/conformance/test_workitems.py",
    "web/services/workitem_targets.py": "tests/conformance/test_workitems.py",
    "web/services/data_sets.py": "tests/conformance/test_workitems.py",
    "web/services/events.py": "tests/conformance/test_event_reports.py",
    "web/resources/worklist.py": "tests/web/description/test_openapi.py",
    "services/uri/parameters.py": "tests/conformance/test_uri_service.py",
    "services/uri/retrieve_instance.py": "tests/conformance/test_uri_service.py",
    "services/uri/retrieve_rendered.py": "tests/conformance/test_uri_service.py",
    "web/services/uri.py": "tests/conformance/test_uri_service.py",
    "web/resources/uri.py": "tests/web/description/test_openapi.py",
    "archive/npi/ingest.py": "tests/conformance/test_non_patient.py",
    "archive/npi/objects.py": "tests/conformance/test_non_patient.py",
    "services/npi/retrieve.py": "tests/conformance/test_non_patient.py",
    "services/npi/search.py": "tests/conformance/test_non_patient.py",
    "services/npi/store.py": "tests/conformance/test_non_patient.py",
    "services/npi/store_result.py": "tests/conformance/test_non_patient.py",
    "store/npi/records.py": "records without behaviour",
    "store/npi/search.py": "tests/store/npi/test_instances.py",
    "web/resources/npi.py": "tests/web/description/test_openapi.py",
    "web/services/npi.py": "tests/conformance/test_non_patient.py",
    "cli/checking/records.py": "records without behaviour",
    "cli/checking/retrievals.py": "tests/cli/checking/test_command.py",
    "cli/checking/searches.py": "tests/cli/checking/test_command.py",
    "cli/checking/services.py": "tests/cli/checking/test_command.py",
    "cli/checking/stores.py": "tests/cli/checking/test_command.py",
    "cli/worklist/server.py": "tests/cli/worklist/test_commands.py",
    "viewer/release.py": "doctests; tests/browser/test_ohif.py installs the release",
    "services/image_display/invoke.py": "tests/conformance/test_image_display.py",
    "web/viewer/image_display.py": "tests/conformance/test_image_display.py",
    "web/resources/image_display.py": "tests/conformance/test_image_display.py",
    "web/viewer/handlers.py": "tests/conformance/test_viewer.py",
    "web/resources/viewer.py": "tests/conformance/test_viewer.py",
}


def modules() -> list[str]:
    found = (path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
    return sorted(
        name for name in found if not name.endswith("__init__.py") and not name.startswith("store/database/migrations/")
    )


@pytest.mark.parametrize("module", modules())
def test_each_module_has_its_tests(module: str) -> None:
    path = Path(module)
    twin = ROOT / "tests" / path.parent / f"test_{path.name}"

    assert twin.exists() != (module in WITHOUT_TWIN), f"{twin} is missing, or WITHOUT_TWIN still names {module}"


def test_no_exception_outlives_its_module() -> None:
    assert set(WITHOUT_TWIN) <= set(modules())


@pytest.mark.parametrize("module", modules())
def test_no_module_passes_600_lines(module: str) -> None:
    assert (SOURCE / module).read_text().count("\n") <= 600


@pytest.mark.parametrize("folder", sorted({SOURCE, *(path.parent for path in SOURCE.rglob("*.py"))}), ids=str)
def test_no_folder_outgrows_a_glance(folder: Path) -> None:
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]

    assert len(files) <= 12
