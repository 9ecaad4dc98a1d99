"""User agents of the URI Service and of rendered documents: a client library, and a browser that shows what it gets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from dicomtrolley.core import InstanceReference
from dicomtrolley.wado_uri import WadoURI
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

import servers
from dicomweb import path_of, store
from samples import encode, make_dataset, packaged_objects


def test_dicomtrolley_downloads_instances(server: servers.Server) -> None:
    dataset = make_dataset()
    with server.client() as client:
        assert store(client, encode(dataset)).status_code == 200
    instance = InstanceReference(
        study_uid=dataset.StudyInstanceUID,
        series_uid=dataset.SeriesInstanceUID,
        instance_uid=dataset.SOPInstanceUID,
    )
    with requests.Session() as session:
        session.trust_env = False
        (found,) = WadoURI(session, f"{server.origin}/wado").datasets([instance])

    assert found == dataset


def shown(url: str, folder: Path) -> NDArray[np.uint8]:
    """Return what a browser shows of a page, shape (rows, columns, 3)."""
    picture = folder / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-proxy-server"]
    place = [f"--user-data-dir={folder / 'profile'}", f"--screenshot={picture}", "--window-size=1000,800"]
    subprocess.run(["chromium", *options, *place, url], check=True, capture_output=True, timeout=120)
    return np.asarray(Image.open(picture).convert("RGB"))


def store_packaged(server: servers.Server, name: str) -> Dataset:
    path = packaged_objects()[name]
    with server.client() as client:
        assert store(client, path.read_bytes()).status_code == 200
    return pydicom.dcmread(path, stop_before_pixels=True)


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's package chromium")
@pytest.mark.parametrize("name", ["test-SR.dcm", "waveform_ecg.dcm", "CT_small.dcm"])
def test_a_browser_shows_documents_waveforms_and_images(server: servers.Server, tmp_path: Path, name: str) -> None:
    url = f"{server.origin}{server.root}{path_of(store_packaged(server, name))}/rendered"

    pixels = shown(url, tmp_path)

    # A page of an error is a line of black on white, without colour or surface.
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    assert (pixels.max(axis=2) < 100).sum() > 500
