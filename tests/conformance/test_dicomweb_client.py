"""The Python user agent most people use, with its default headers, against a running server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

import servers
from samples import encode, make_dataset, make_series


@pytest.fixture
def user_agent(server: servers.Server) -> DICOMwebClient:
    return DICOMwebClient(url=server.url)


@pytest.fixture
def series(user_agent: DICOMwebClient) -> list[Dataset]:
    datasets = make_series(4, Modality="CT", StudyDescription="For a user agent")
    for dataset in datasets:
        block = dataset.private_block(0x0009, "HILUM TEST", create=True)
        block.add_new(2, "OB", bytes(range(200)) * 10)
        encode(dataset)
    user_agent.store_instances(datasets=datasets)
    return datasets


def test_it_stores_and_reads_the_answer(user_agent: DICOMwebClient) -> None:
    dataset = make_dataset()
    encode(dataset)

    answer = user_agent.store_instances(datasets=[dataset])
    into_study = user_agent.store_instances(datasets=[dataset], study_instance_uid=dataset.StudyInstanceUID)

    for module in (answer, into_study):
        (reference,) = module.ReferencedSOPSequence
        assert reference.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        assert module.RetrieveURL.endswith(f"/studies/{dataset.StudyInstanceUID}")


def test_it_searches_at_every_level(user_agent: DICOMwebClient, series: list[Dataset]) -> None:
    study, series_uid = series[0].StudyInstanceUID, series[0].SeriesInstanceUID

    studies = user_agent.search_for_studies(search_filters={"StudyInstanceUID": study}, fields=["StudyDescription"])
    of_study = user_agent.search_for_series(study)
    all_series = user_agent.search_for_series(search_filters={"SeriesInstanceUID": series_uid})
    instances = user_agent.search_for_instances(study, series_uid)
    page = user_agent.search_for_instances(study, limit=2, offset=1)
    everything = user_agent.search_for_instances(study, limit=3, get_remaining=True)

    assert studies[0]["00081030"]["Value"] == ["For a user agent"]
    assert of_study[0]["0020000E"]["Value"] == all_series[0]["0020000E"]["Value"] == [series_uid]
    assert len(instances) == len(everything) == 4
    assert [item["00200013"]["Value"] for item in page] == [[2], [3]]
    assert user_agent.search_for_studies(search_filters={"PatientID": "nobody at all"}) == []


def test_it_retrieves_studies_series_and_instances(user_agent: DICOMwebClient, series: list[Dataset]) -> None:
    study, series_uid = series[0].StudyInstanceUID, series[0].SeriesInstanceUID

    whole = user_agent.retrieve_study(study)
    of_series = user_agent.retrieve_series(study, series_uid)
    streamed = list(user_agent.iter_series(study, series_uid))
    streamed_study = list(user_agent.iter_study(study))
    instance = user_agent.retrieve_instance(study, series_uid, series[2].SOPInstanceUID)
    any_syntax = user_agent.retrieve_instance(
        study, series_uid, series[2].SOPInstanceUID, media_types=(("application/dicom", "*"),)
    )

    for received in (whole, of_series, streamed, streamed_study):
        assert sorted(item.SOPInstanceUID for item in received) == sorted(item.SOPInstanceUID for item in series)
    assert instance == any_syntax == series[2]


def test_it_retrieves_metadata_and_bulk_data(user_agent: DICOMwebClient, series: list[Dataset]) -> None:
    study, series_uid, instance_uid = series[0].StudyInstanceUID, series[0].SeriesInstanceUID, series[0].SOPInstanceUID

    of_study = user_agent.retrieve_study_metadata(study)
    of_series = user_agent.retrieve_series_metadata(study, series_uid)
    of_instance = user_agent.retrieve_instance_metadata(study, series_uid, instance_uid)

    assert (len(of_study), len(of_series)) == (4, 4)
    dataset = Dataset.from_json(of_instance, bulk_data_uri_handler=lambda uri: user_agent.retrieve_bulkdata(uri)[0])
    assert dataset.PatientName == series[0].PatientName
    assert bytes(dataset[0x0009, 0x1002].value) == bytes(range(200)) * 10
    uri = of_instance["00091002"]["BulkDataURI"]
    assert user_agent.retrieve_bulkdata(uri, media_types=("application/octet-stream",)) == [bytes(range(200)) * 10]
    assert list(user_agent.iter_bulkdata(uri)) == [bytes(range(200)) * 10]


def test_it_retrieves_frames(user_agent: DICOMwebClient) -> None:
    pixels = np.arange(3 * 64, dtype=np.uint16).reshape(3, 8, 8)
    dataset = make_dataset(
        Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=3, PixelData=pixels.tobytes()
    )
    dataset["PixelData"].VR = "OW"
    encode(dataset)
    dataset.compress(RLELossless, generate_instance_uid=False)
    encode(dataset, RLELossless)
    user_agent.store_instances(datasets=[dataset])
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)

    default = user_agent.retrieve_instance_frames(*uids, frame_numbers=[1, 3])
    octets = list(user_agent.iter_instance_frames(*uids, frame_numbers=[2], media_types=("application/octet-stream",)))
    rle = user_agent.retrieve_instance_frames(*uids, frame_numbers=[1], media_types=(("image/dicom-rle", RLELossless),))

    assert default == [pixels[0].tobytes(), pixels[2].tobytes()]
    assert octets == [pixels[1].tobytes()]
    assert len(rle) == 1


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
