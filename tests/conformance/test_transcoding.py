"""Instances, frames and pixel data in other transfer syntaxes than the stored one, over HTTP."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from dicomweb import OCTETS, parts_of, path_of, store
from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.encode import ENCODERS, LOSSLESS_TARGETS, LOSSY_TARGETS, encode_frame
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.reading.file_meta import read_head
from hilum.dicom.transfer_syntaxes import SYNTAXES
from samples import encode, make_dataset, make_series, packaged_objects
from transcoded import our_samples, read

GREY = PixelFormat(48, 40, 1, 16, 12, 11, 0, "MONOCHROME2", 0, 2)
EIGHT_BITS = PixelFormat(48, 40, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 1)


def image(source: PixelFormat = GREY, **attributes: object) -> Dataset:
    steps = np.random.default_rng(2).integers(0, 1 << source.bits_stored, source.samples_per_frame)
    frames = [np.roll(steps, index) for index in range(source.number_of_frames)]
    dataset = make_dataset(
        Rows=source.rows,
        Columns=source.columns,
        BitsAllocated=source.bits_allocated,
        BitsStored=source.bits_stored,
        HighBit=source.high_bit,
        NumberOfFrames=source.number_of_frames,
        PixelData=b"".join(frame.astype(f"<u{source.bits_allocated // 8}").tobytes() for frame in frames),
        **attributes,
    )
    dataset["PixelData"].VR = "OW"
    return dataset


def compressed(dataset: Dataset, uid: str, source: PixelFormat) -> bytes:
    """Return the object in an encapsulated syntax, whether pydicom knows it or not."""
    size = source.frame_bytes
    frames = [dataset.PixelData[index * size :][:size] for index in range(source.number_of_frames)]
    streams = [encode_frame(frame, transfer_syntax_uid=uid, source=source) for frame in frames]
    dataset.PixelData = encapsulate(streams)
    dataset["PixelData"].is_undefined_length = True
    data = encode(dataset, JPEG2000Lossless)
    head = read_head(data)
    return head.rewritten(uid) + data[head.length :]


def dicom_in(uid: str) -> dict[str, str]:
    return {"Accept": f'multipart/related; type="application/dicom"; transfer-syntax={uid}'}


@pytest.fixture(scope="module")
def native(server: object) -> Dataset:
    """Return an uncompressed image of two frames that the server holds."""
    dataset = image()
    with server.client() as client:  # type: ignore[attr-defined]
        assert store(client, encode(dataset)).status_code == 200
    return dataset


@pytest.mark.requirement("TSX-04", "TSX-08", "TSX-10", "TSX-11", "WADO-41")
@pytest.mark.parametrize("uid", LOSSLESS_TARGETS)
def test_an_instance_comes_in_the_lossless_syntax_that_is_asked_for(
    client: httpx.Client, native: Dataset, uid: str
) -> None:
    response = client.get(path_of(native), headers=dicom_in(uid))
    (part,) = parts_of(response)

    received = read(part.content)
    assert part.headers["content-type"] == f"application/dicom; transfer-syntax={uid}"
    assert int(response.headers["content-length"]) == len(response.content)
    assert received.file_meta.TransferSyntaxUID == uid
    assert (our_samples(received) == native.pixel_array.ravel()).all()
    assert "LossyImageCompression" not in received


@pytest.mark.requirement("TSX-04", "TSX-08")
@pytest.mark.parametrize("uid", LOSSY_TARGETS)
def test_lossy_syntaxes_come_on_explicit_request_alone(client: httpx.Client, uid: str) -> None:
    dataset = image(EIGHT_BITS if uid in {syntaxes.JPEG_BASELINE, syntaxes.JPEG_XL} else GREY)
    store(client, encode(dataset))
    media_type = SYNTAXES[uid].media_type

    (part,) = parts_of(client.get(path_of(dataset), headers=dicom_in(uid)))
    named = client.get(f"{path_of(dataset)}/frames/1", headers={"Accept": f"{media_type}; transfer-syntax={uid}"})
    unnamed = [
        client.get(f"{path_of(dataset)}/frames/1", headers={"Accept": f"{media_type}{end}"})
        for end in ("", "; transfer-syntax=*")
    ]

    assert read(part.content).LossyImageCompression == "01"
    assert named.headers["content-type"] == f"{media_type}; transfer-syntax={uid}"
    for response in unnamed:
        assert response.status_code == 200
        assert response.headers["content-type"].partition("transfer-syntax=")[2] in LOSSLESS_TARGETS


@pytest.mark.requirement("MT-20", "MT-21", "MT-22", "MT-25", "WADO-25", "WADO-54")
@pytest.mark.parametrize(
    ("media_type", "uid"),
    [
        ("image/jpeg", syntaxes.JPEG_LOSSLESS_SV1),
        ("image/dicom-rle", syntaxes.RLE_LOSSLESS),
        ("image/jls", syntaxes.JPEG_LS_LOSSLESS),
        ("image/jp2", syntaxes.JPEG_2000_LOSSLESS),
        ("image/jphc", syntaxes.HTJ2K_LOSSLESS),
        ("image/jxl", syntaxes.JPEG_XL_LOSSLESS),
        ("application/x-deflate", syntaxes.DEFLATED_IMAGE_FRAME),
    ],
)
@pytest.mark.parametrize("resource", ["frames/1,2", "pixeldata", "bulkdata/7FE00010"])
def test_frames_come_as_the_media_type_that_is_asked_for(
    client: httpx.Client, native: Dataset, media_type: str, uid: str, resource: str
) -> None:
    response = client.get(
        f"{path_of(native)}/{resource}", headers={"Accept": f'multipart/related; type="{media_type}"'}
    )
    parts = parts_of(response)

    assert len(parts) == 2
    expected = [native.PixelData[: GREY.frame_bytes], native.PixelData[GREY.frame_bytes :]]
    for part, pixels in zip(parts, expected, strict=True):
        assert part.headers["content-type"] == f"{media_type}; transfer-syntax={uid}"
        assert part.content == encode_frame(pixels, transfer_syntax_uid=uid, source=GREY)


@pytest.mark.requirement("MT-12", "MT-28")
def test_frames_without_compression_come_in_fragments_too(client: httpx.Client, native: Dataset) -> None:
    accept = f"application/octet-stream; transfer-syntax={syntaxes.ENCAPSULATED_UNCOMPRESSED}"

    response = client.get(f"{path_of(native)}/frames/2", headers={"Accept": accept})

    assert response.content == native.PixelData[GREY.frame_bytes :]


@pytest.mark.requirement("MT-25")
def test_lossless_jpeg_of_another_process_becomes_the_default_one(client: httpx.Client) -> None:
    dataset = image(EIGHT_BITS)
    pixels = dataset.PixelData
    data = compressed(dataset, syntaxes.JPEG_LOSSLESS_SV1, EIGHT_BITS)
    head = read_head(data)
    store(client, head.rewritten(syntaxes.JPEG_LOSSLESS) + data[head.length :])

    response = client.get(f"{path_of(dataset)}/frames/1", headers={"Accept": "image/jpeg"})

    assert response.headers["content-type"] == f"image/jpeg; transfer-syntax={syntaxes.JPEG_LOSSLESS_SV1}"
    assert response.content == encode_frame(pixels, transfer_syntax_uid=syntaxes.JPEG_LOSSLESS_SV1, source=EIGHT_BITS)


@pytest.mark.requirement("NEG-18", "TSX-06", "TSX-08", "WADO-42", "WADO-71")
def test_each_instance_of_a_study_is_chosen_for_by_itself(client: httpx.Client) -> None:
    first, second, third = make_series(3)
    del third.PixelData
    second.PixelData = encapsulate([encode_frame(second.PixelData, transfer_syntax_uid=RLELossless, source=tiny())])
    second["PixelData"].is_undefined_length = True
    store(client, encode(first), encode(second, RLELossless), encode(third))
    study = f"/studies/{first.StudyInstanceUID}"
    accept = dicom_in(JPEGLSLossless)["Accept"]

    some = client.get(study, headers={"Accept": accept})
    every = client.get(study, headers={"Accept": f'{accept}, multipart/related; type="application/dicom"; q=0.5'})

    assert (some.status_code, every.status_code) == (206, 200)
    found = [read(part.content).file_meta.TransferSyntaxUID for part in parts_of(some)]
    assert found == [JPEGLSLossless, JPEGLSLossless]
    found = [read(part.content).file_meta.TransferSyntaxUID for part in parts_of(every)]
    assert sorted(found) == sorted([JPEGLSLossless, JPEGLSLossless, ExplicitVRLittleEndian])


def tiny() -> PixelFormat:
    return PixelFormat(4, 4, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 1)


@pytest.mark.requirement("TSX-03", "TSX-08", "WADO-74")
def test_what_is_lossy_is_not_compressed_lossily_again(client: httpx.Client) -> None:
    dataset = image(EIGHT_BITS)
    store(client, compressed(dataset, syntaxes.JPEG_2000, EIGHT_BITS))

    refused = client.get(path_of(dataset), headers=dicom_in(JPEGBaseline8Bit))
    (part,) = parts_of(client.get(path_of(dataset), headers=dicom_in(JPEGLSLossless)))

    assert refused.status_code == 406
    assert syntaxes.JPEG_2000 in refused.text
    assert read(part.content).file_meta.TransferSyntaxUID == JPEGLSLossless


@pytest.mark.requirement("MT-23", "WADO-55", "TSX-08")
@pytest.mark.parametrize("uid", [*ENCODERS, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_video_is_never_decoded(client: httpx.Client, uid: str) -> None:
    dataset = make_dataset(PixelData=encapsulate([b"\0\0\1\xb3 a stream of a video "]))
    dataset["PixelData"].is_undefined_length = True
    store(client, encode(dataset, MPEG4HP41))

    whole = client.get(path_of(dataset), headers=dicom_in(uid))
    pixels = client.get(
        f"{path_of(dataset)}/pixeldata", headers={"Accept": f"application/octet-stream; transfer-syntax={uid}"}
    )

    assert (whole.status_code, pixels.status_code) == (406, 406)


@pytest.mark.requirement("TSX-08", "WADO-74")
@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels_come_as_they_are_alone(client: httpx.Client, keyword: str) -> None:
    bits = 32 if keyword == "FloatPixelData" else 64
    dataset = make_dataset(BitsAllocated=bits, **{keyword: bytes(16 * bits // 8)})
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    store(client, encode(dataset))

    assert client.get(path_of(dataset), headers=dicom_in(RLELossless)).status_code == 406
    assert client.get(path_of(dataset), headers=dicom_in(ExplicitVRLittleEndian)).status_code == 200


@pytest.mark.requirement("TSX-13")
def test_an_instance_comes_deflated_if_asked_for(client: httpx.Client) -> None:
    dataset = image()
    store(client, encode(dataset, ImplicitVRLittleEndian))

    (part,) = parts_of(client.get(path_of(dataset), headers=dicom_in(DeflatedExplicitVRLittleEndian)))

    received = read(part.content)
    assert received.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert received.PixelData == dataset.PixelData


def test_a_broken_frame_costs_no_other_instance(client: httpx.Client) -> None:
    first, second = make_series(2)
    first.PixelData = encapsulate([b"no codestream at all"])
    first["PixelData"].is_undefined_length = True
    store(client, encode(first, JPEG2000Lossless), encode(second))

    response = client.get(f"/studies/{first.StudyInstanceUID}", headers=dicom_in(JPEGLSLossless))

    assert response.status_code == 206
    assert [read(part.content).SOPInstanceUID for part in parts_of(response)] == [second.SOPInstanceUID]


def test_the_same_frame_is_the_same_again_and_has_an_etag(client: httpx.Client, native: Dataset) -> None:
    path, headers = f"{path_of(native)}/frames/1", {"Accept": "image/jphc"}

    first, again = client.get(path, headers=headers), client.get(path, headers=headers)
    unchanged = client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
    octets = client.get(path, headers=OCTETS)

    assert first.content == again.content
    assert unchanged.status_code == 304
    assert octets.headers["etag"] != first.headers["etag"]


PROBED = [
    "MR_small.dcm",
    "emri_small.dcm",
    "SC_rgb.dcm",
    "SC_rgb_2frame.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "MR_small_jp2klossless.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
    "CT_small.dcm",
]


UNKNOWN_TO_DCIODVFY = {
    syntaxes.ENCAPSULATED_UNCOMPRESSED,
    syntaxes.DEFLATED_IMAGE_FRAME,
    syntaxes.JPEG_XL_LOSSLESS,
    syntaxes.JPEG_XL,
    syntaxes.HTJ2K_LOSSLESS,
    syntaxes.HTJ2K_LOSSLESS_RPCL,
    syntaxes.HTJ2K,
}
"""It takes them for uncompressed ones, and looks into no codestream: another name does."""


def complaints(data: bytes, folder: Path) -> set[str]:
    """Return the errors that dciodvfy finds, without the offsets in them."""
    path = folder / "object.dcm"
    head = read_head(data)
    if head.transfer_syntax_uid in UNKNOWN_TO_DCIODVFY:
        data = head.rewritten(syntaxes.JPEG_2000) + data[head.length :]
    path.write_bytes(data)
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
    lines = (run.stdout + run.stderr).splitlines()
    # It is older than the photometric interpretation of lossy JPEG XL.
    errors = (line for line in lines if line.startswith("Error") and "<XYB>" not in line)
    return {line.partition(" - 0x")[0] for line in errors}


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("name", PROBED)
def test_dciodvfy_finds_no_error_that_the_source_did_not_have(client: httpx.Client, tmp_path: Path, name: str) -> None:
    data = packaged_objects()[name].read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    store(client, data)
    before = complaints(data, tmp_path)

    checked = 0
    for uid in (*ENCODERS, ExplicitVRLittleEndian):
        response = client.get(path_of(original), headers=dicom_in(uid))
        if response.status_code == 200:
            (part,) = parts_of(response)
            assert complaints(part.content, tmp_path) <= before, uid
            checked += 1
    assert checked >= 4
