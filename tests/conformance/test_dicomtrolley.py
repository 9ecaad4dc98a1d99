"""dicomtrolley, a user agent that hospitals use with SOAP servers, against a running server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pydicom
import pytest
import requests
from dicomtrolley.core import InstanceReference, Query, QueryLevels, SeriesReference, StudyReference
from dicomtrolley.exceptions import DICOMTrolleyError
from dicomtrolley.qido_rs import QidoRS
from dicomtrolley.rad69 import Rad69, XDSMissingDocumentError
from dicomtrolley.trolley import Trolley
from dicomtrolley.wado_rs import WadoRS
from dicomtrolley.wado_uri import WadoURI

from command_line import part10
from dicomweb import store
from samples import packaged_anew
from servers import Server

STUDIES = ("1.2.7.3", "1.2.7.4")
PLACES = [
    (study, f"{study}.{series}", f"{study}.{series}.{number}")
    for study in STUDIES
    for series in (1, 2)
    for number in range(1, 4)
]
# urllib3's own files, closed by the collector, are no matter of this server.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.trust_env = False
        yield one


@pytest.fixture
def filled(server: Server, client: httpx.Client) -> Server:
    objects = [part10(uid, study=study, series=series) for study, series, uid in PLACES]
    assert store(client, *objects).status_code == 200
    return server


def _uids(data_sets: Any) -> list[str]:
    return sorted(str(one.SOPInstanceUID) for one in data_sets)


def _found(filled: Server, session: requests.Session, study: str) -> Any:
    """Return a study with its series and instances, as the client's search finds them."""
    searcher = QidoRS(session, filled.url)
    (found,) = searcher.find_studies(Query(StudyInstanceUID=study, query_level=QueryLevels.INSTANCE))
    return found


def _wanted(filled: Server, session: requests.Session, what: str) -> tuple[Any, list[str]]:
    study = STUDIES[0]
    whole = _found(filled, session, study)
    match what:
        case "study":
            return [whole], sorted(uid for one, _, uid in PLACES if one == study)
        case "series":
            series = next(one for one in whole.series if one.uid == f"{study}.2")
            return [series], sorted(uid for _, one, uid in PLACES if one == f"{study}.2")
        case _:
            study_uid, series_uid, uid = PLACES[0]
            return [InstanceReference(study_uid=study_uid, series_uid=series_uid, instance_uid=uid)], [uid]


@pytest.mark.requirement("WS-12", "WS-01", "WS-04", "WS-05", "IHE-XDSI-01")
@pytest.mark.parametrize("what", ["study", "series", "instance"])
@pytest.mark.parametrize("options", [{}, {"request_per_series": False}, {"use_async": True, "max_workers": 3}], ids=str)
def test_documents_come_by_soap(filled: Server, session: requests.Session, what: str, options: dict[str, Any]) -> None:
    objects, expected = _wanted(filled, session, what)

    downloader = Rad69(session, f"{filled.origin}/wado-ws", **options)

    assert _uids(downloader.datasets(objects)) == expected


@pytest.mark.requirement("WS-12")
def test_several_studies_in_one_body_come_together(filled: Server, session: requests.Session) -> None:
    studies = [_found(filled, session, study) for study in STUDIES]

    downloader = Rad69(session, f"{filled.origin}/wado-ws", request_per_series=False)

    assert _uids(downloader.datasets(studies)) == sorted(uid for *_, uid in PLACES)


@pytest.mark.requirement("WS-06")
def test_what_is_missing_is_the_clients_own_exception(filled: Server, session: requests.Session) -> None:
    absent = InstanceReference(study_uid=STUDIES[0], series_uid=f"{STUDIES[0]}.1", instance_uid="1.2.7.404")

    with pytest.raises(XDSMissingDocumentError):
        list(Rad69(session, f"{filled.origin}/wado-ws").datasets([absent]))


@pytest.mark.requirement("WS-07")
def test_what_is_there_comes_beside_what_is_missing(filled: Server, session: requests.Session) -> None:
    wanted = [
        InstanceReference(study_uid=STUDIES[0], series_uid=f"{STUDIES[0]}.1", instance_uid=uid)
        for uid in ("1.2.7.404", PLACES[0][2])
    ]

    assert _uids(Rad69(session, f"{filled.origin}/wado-ws").datasets(wanted)) == [PLACES[0][2]]


@pytest.mark.requirement("WS-08")
@pytest.mark.parametrize("name", ["JPEG2000.dcm", "image_dfl.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_compressed_objects_come_in_a_syntax_that_the_client_reads(
    filled: Server, client: httpx.Client, session: requests.Session, name: str
) -> None:
    stored, content = packaged_anew(name)
    assert store(client, content).status_code == 200
    reference = InstanceReference(
        study_uid=str(stored.StudyInstanceUID),
        series_uid=str(stored.SeriesInstanceUID),
        instance_uid=str(stored.SOPInstanceUID),
    )

    found = Rad69(session, f"{filled.origin}/wado-ws").get_dataset(reference)

    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert found.pixel_array.shape == stored.pixel_array.shape


@pytest.mark.parametrize("what", ["study", "series", "instance"])
@pytest.mark.parametrize("per_series", [True, False])
def test_objects_come_by_wado_rs(filled: Server, session: requests.Session, what: str, *, per_series: bool) -> None:
    study = STUDIES[0]
    references = {
        "study": (
            _found(filled, session, study) if per_series else StudyReference(study_uid=study),
            [uid for one, _, uid in PLACES if one == study],
        ),
        "series": (
            SeriesReference(study_uid=study, series_uid=f"{study}.1"),
            [uid for _, one, uid in PLACES if one == f"{study}.1"],
        ),
        "instance": (
            InstanceReference(study_uid=study, series_uid=f"{study}.1", instance_uid=PLACES[0][2]),
            [PLACES[0][2]],
        ),
    }
    reference, expected = references[what]

    downloader = WadoRS(session, filled.url, request_per_series=per_series)

    assert _uids(downloader.datasets([reference])) == sorted(expected)


def test_objects_come_by_wado_uri(filled: Server, session: requests.Session) -> None:
    objects, expected = _wanted(filled, session, "study")

    # `use_async` of dicomtrolley takes no study here: it asks it for an instance's UIDs.
    assert _uids(WadoURI(session, f"{filled.origin}/wado").datasets(objects)) == expected


def test_studies_are_found_and_downloaded_in_one_go(filled: Server, session: requests.Session, tmp_path: Any) -> None:
    searcher = QidoRS(session, filled.url)
    trolley = Trolley(downloader=Rad69(session, f"{filled.origin}/wado-ws"), searcher=searcher)
    found = trolley.find_study(Query(StudyInstanceUID=STUDIES[1]))

    trolley.download(found, tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert _uids(map(pydicom.dcmread, files)) == sorted(uid for one, _, uid in PLACES if one == STUDIES[1])


def test_a_search_without_matches_is_the_clients_own_exception(filled: Server, session: requests.Session) -> None:
    with pytest.raises(DICOMTrolleyError):
        QidoRS(session, filled.url).find_study(Query(PatientID="nobody at all"))
