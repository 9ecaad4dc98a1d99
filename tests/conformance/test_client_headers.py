"""Each recorded header of a user agent gets what that user agent can read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, RLELossless

from client_headers import CASES, MOVIE, NATIVE, PDF, RLE, Case
from dicomweb import parts_of, path_of, store
from samples import encode, make_dataset
from videos import MPEG_4, stream, video


@pytest.fixture(scope="module")
def targets() -> dict[str, Dataset]:
    pixels = np.arange(2 * 64, dtype=np.uint16).reshape(2, 8, 8)
    described = {"Rows": 8, "Columns": 8, "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "NumberOfFrames": 2}
    found = {name: make_dataset(**described, PixelData=pixels.tobytes()) for name in (NATIVE, RLE)}
    for dataset in found.values():
        dataset["PixelData"].VR = "OW"
        encode(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found[RLE].compress(RLELossless, generate_instance_uid=False)
    found[MOVIE] = video([stream(5000)])
    found[PDF] = make_dataset(SOPClassUID=EncapsulatedPDFStorage, EncapsulatedDocument=stream(2000))
    found[PDF].MIMETypeOfEncapsulatedDocument = "application/pdf"
    del found[PDF].PixelData
    return found


@pytest.fixture
def stored(client: httpx.Client, targets: Mapping[str, Dataset]) -> Mapping[str, Dataset]:
    syntaxes = {RLE: RLELossless, MOVIE: MPEG_4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, dataset in targets.items():
            data = encode(dataset, syntaxes[name]) if name in syntaxes else encode(dataset)
            # Identical objects stored again are no failure.
            assert store(client, data).status_code == 200
    return targets


def path_to(case: Case, dataset: Dataset) -> str:
    study = f"/studies/{dataset.StudyInstanceUID}"
    series = f"{study}/series/{dataset.SeriesInstanceUID}"
    return case.resource.format(study=study, series=series, instance=path_of(dataset))


@pytest.mark.requirement(
    "NEG-03", "NEG-05", "NEG-06", "NEG-11", "NEG-12", "NEG-15", "NEG-16", "MT-26", "MT-43", "TSX-04", "TSX-05"
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.user_agent)
def test_each_user_agent_gets_what_it_can_read(client: httpx.Client, stored: Mapping[str, Dataset], case: Case) -> None:
    dataset = stored[case.target]
    accept = {"Accept": case.accept}
    parameters = {"StudyInstanceUID": dataset.StudyInstanceUID} if case.resource == "/studies" else {}
    response = client.get(path_to(case, dataset), headers=accept, params=parameters)

    assert response.status_code == case.status, response.text
    assert response.headers["content-type"].startswith(case.content_type)
    if case.part_type:
        parts = parts_of(response)
        assert parts
        assert all(part.headers["content-type"].startswith(case.part_type) for part in parts)
