"""Studies, series and instances as zip archives."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

import servers
from dicomweb import path_of, store
from samples import PREFIX, encode, make_dataset, make_series

ZIP = {"Accept": "application/zip"}
FILE_SET = {"Accept": "application/zip; dicomdir=true"}


def opened(response: httpx.Response) -> zipfile.ZipFile:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    assert int(response.headers["content-length"]) == len(response.content)
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    return archive


@pytest.mark.requirement("PAY-09")
def test_an_archive_holds_each_object_as_it_travels_under_its_uids(client: httpx.Client) -> None:
    datasets = make_series(3, PatientName="Nobody^Should^Read^This")
    implicit = datasets[2]
    objects = [*(encode(dataset) for dataset in datasets[:2]), encode(implicit, ImplicitVRLittleEndian)]
    store(client, *objects)
    study, series = datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID

    for path in (f"/studies/{study}", f"/studies/{study}/series/{series}"):
        response = client.get(path, headers=ZIP)
        archive = opened(response)
        names = [f"{study}/{series}/{dataset.SOPInstanceUID}.dcm" for dataset in datasets]
        assert archive.namelist() == names
        assert [archive.read(name) for name in names[:2]] == objects[:2]
        read = pydicom.dcmread(io.BytesIO(archive.read(names[2])))
        assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        deepest = path.rpartition("/")[2]
        assert response.headers["content-disposition"] == f'attachment; filename="{deepest}.zip"'
    assert opened(client.get(path_of(datasets[1]), headers=ZIP)).read(names[1]) == objects[1]


@pytest.mark.requirement("PAY-09")
def test_an_archive_is_the_same_each_time_and_ranges_of_it_can_be_had(client: httpx.Client) -> None:
    datasets = make_series(4, PixelData=bytes(16))
    store(client, *(encode(dataset) for dataset in reversed(datasets)))
    path = f"/studies/{datasets[0].StudyInstanceUID}"

    first, second = client.get(path, headers=ZIP), client.get(path, headers=ZIP)
    part = client.get(path, headers={**ZIP, "Range": "bytes=1000-1999", "If-Range": first.headers["etag"]})
    known = client.get(path, headers={**ZIP, "If-None-Match": first.headers["etag"]})
    head = client.head(path, headers=ZIP)

    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])
    assert (part.status_code, part.content) == (206, first.content[1000:2000])
    assert (known.status_code, known.content) == (304, b"")
    assert head.headers["content-length"] == first.headers["content-length"]


@pytest.mark.requirement("PAY-09")
def test_a_file_set_has_a_dicomdir_that_pydicom_reads(client: httpx.Client, tmp_path: Path) -> None:
    study = generate_uid(PREFIX)
    datasets = [*make_series(3), *make_series(2, PatientName="Müller^Jürgen")]
    for dataset in datasets:
        dataset.StudyInstanceUID = study
    report = make_dataset(
        StudyInstanceUID=study, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", CompletionFlag="COMPLETE", Modality="SR"
    )
    store(client, *(encode(dataset) for dataset in [*datasets, report]))

    archive = opened(client.get(f"/studies/{study}", headers=FILE_SET))
    archive.extractall(tmp_path)

    assert archive.namelist()[0] == "DICOMDIR"
    assert all(len(part) <= 8 for name in archive.namelist() for part in name.split("/"))
    records = pydicom.dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence
    leaves = [record for record in records if "ReferencedFileID" in record]
    assert {leaf.ReferencedSOPInstanceUIDInFile for leaf in leaves} == {
        item.SOPInstanceUID for item in [*datasets, report]
    }
    for leaf in leaves:
        read = pydicom.dcmread(tmp_path.joinpath(*leaf.ReferencedFileID))
        assert read.SOPInstanceUID == leaf.ReferencedSOPInstanceUIDInFile
        assert read.file_meta.TransferSyntaxUID == leaf.ReferencedTransferSyntaxUIDInFile
    kinds = [record.DirectoryRecordType for record in records]
    assert (kinds.count("PATIENT"), kinds.count("STUDY"), kinds.count("SERIES")) == (1, 1, 3)
    assert (kinds.count("IMAGE"), kinds.count("SR DOCUMENT")) == (5, 1)
    assert opened(client.get(f"/studies/{study}", headers=FILE_SET)).read("DICOMDIR") == archive.read("DICOMDIR")


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmtk is not installed")
def test_dcmtk_reads_the_dicomdir(client: httpx.Client, tmp_path: Path) -> None:
    datasets = make_series(2)
    store(client, *(encode(dataset) for dataset in datasets))
    archive = opened(client.get(f"/studies/{datasets[0].StudyInstanceUID}", headers=FILE_SET))
    archive.extractall(tmp_path)

    dump = subprocess.run(["dcmdump", tmp_path / "DICOMDIR"], check=True, capture_output=True, text=True)

    assert dump.stdout.count("ReferencedFileID") == 2
    assert "W:" not in dump.stderr
    assert "E:" not in dump.stderr


@pytest.mark.requirement("PAY-09", "NEG-11")
def test_an_archive_comes_only_to_those_who_name_it(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    anything = client.get(path_of(dataset), headers={"Accept": "*/*"})
    less_liked = client.get(path_of(dataset), headers={"Accept": "application/zip;q=0.5, application/dicom"})
    by_parameter = client.get(path_of(dataset), params={"accept": "application/zip"}, headers={"Accept": "*/*"})
    decoded = client.get(path_of(dataset), headers={"Accept": "application/zip; transfer-syntax=1.2.840.10008.1.2.1"})
    unknown = client.get(f"/studies/{generate_uid(PREFIX)}", headers=ZIP)

    assert anything.headers["content-type"].startswith("multipart/related")
    assert less_liked.headers["content-type"].startswith("application/dicom;")
    assert by_parameter.headers["content-type"] == "application/zip"
    assert (decoded.status_code, unknown.status_code) == (406, 404)


def test_a_large_archive_streams_whole(tmp_path: Path) -> None:
    datasets = make_series(6, Rows=1024, Columns=1024, PixelData=bytes(range(256)) * 4096)
    with servers.running(tmp_path / "data") as server, server.client() as client:
        store(client, *(encode(dataset) for dataset in datasets))
        archive = opened(client.get(f"/studies/{datasets[0].StudyInstanceUID}", headers=ZIP))

    assert [archive.read(name) for name in archive.namelist()] == [encode(dataset) for dataset in datasets]


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
