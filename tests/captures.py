"""Store requests of metadata and files, as web-based image capture sends them (IHE RAD-108)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import orjson
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicomweb import BOUNDARY, JSON, OBJECTS_AS_STORED, parts_of, values
from hilum.dicom.xml import json_to_xml
from samples import PREFIX

DICOM_JSON, DICOM_XML = "application/dicom+json", "application/dicom+xml"
LOCATION = "file/1"
PICTURE = np.random.default_rng(8).integers(0, 255, (24, 32, 3), dtype=np.uint8)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"


def picture(form: str, pixels: Any = PICTURE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def attributes(**given: Any) -> dict[str, Any]:
    """Return the least that a capturer knows, in the DICOM JSON Model."""
    data_set = Dataset()
    data_set.PatientID, data_set.PatientName = "W1", "Doe^Jane"
    data_set.StudyInstanceUID = generate_uid(PREFIX)
    for keyword, value in given.items():
        setattr(data_set, keyword, value)
    model: dict[str, Any] = data_set.to_json_dict()
    return model


def with_file(model: dict[str, Any], media_type: str, location: str = LOCATION) -> dict[str, Any]:
    tag = "00420011" if media_type in ("application/pdf", "text/xml") else "7FE00010"
    return {**model, tag: {"vr": "OB", "BulkDataURI": location}}


def capture(
    client: httpx.Client,
    models: Sequence[dict[str, Any]],
    files: Sequence[tuple[str, str, bytes]] = (),
    *,
    form: str = DICOM_JSON,
    study: str = "",
) -> httpx.Response:
    """Store metadata and files; a file is its media type, location and bytes."""
    if form == DICOM_JSON:
        documents = [(DICOM_JSON, "", orjson.dumps(list(models)))]
    else:
        documents = [(DICOM_XML, "", json_to_xml(model)) for model in models]
    body = b""
    for media_type, location, content in (*documents, *files):
        lines = [f"--{BOUNDARY}", f"Content-Type: {media_type}"]
        lines += [f"Content-Location: {location}"] if location else []
        body += "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"
    body += f"--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f'multipart/related; type="{form}"; boundary={BOUNDARY}', **JSON}
    return client.post(f"/studies/{study}" if study else "/studies", content=body, headers=headers)


def stored_by(client: httpx.Client, response: httpx.Response) -> list[Dataset]:
    """Return the instances that a response says are stored, as they come back."""
    assert response.status_code in (200, 202), response.text
    found = []
    for item in values(response.json(), "00081199"):
        answer = client.get(values(item, "00081190")[0], headers=OBJECTS_AS_STORED)
        assert answer.status_code == 200, answer.text
        (part,) = parts_of(answer)
        found.append(pydicom.dcmread(io.BytesIO(part.content)))
    return found
