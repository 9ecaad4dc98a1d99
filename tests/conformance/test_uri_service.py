"""The URI Service (WADO-URI, PS3.18 chapter 9) over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

import servers
from dicomweb import store
from samples import PREFIX, encode, make_dataset, packaged_objects

CT = "1.2.840.10008.5.1.4.1.1.2"
US = "1.2.840.10008.5.1.4.1.1.3.1"
US_SINGLE = "1.2.840.10008.5.1.4.1.1.6.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
EXPLICIT = "1.2.840.10008.1.2.1"


def make_ct(**attributes: object) -> Dataset:
    """Return a CT whose values rise from left to right, -1000 to 1000 over its columns."""
    values = np.tile(np.linspace(24, 2024, 96).astype(np.int16), (64, 1))
    made = {
        "SOPClassUID": CT,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Rows": 64,
        "Columns": 96,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelData": values.tobytes(),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "WindowCenter": 40,
        "WindowWidth": 400,
    }
    return make_dataset(**{**made, **attributes})


def make_cine(**attributes: object) -> Dataset:
    """Return an ultrasound cine of five frames, each of one grey value."""
    frames = np.stack([np.full((32, 48), 40 * number, np.uint8) for number in range(1, 6)])
    made = {
        "SOPClassUID": US,
        "Modality": "US",
        "Rows": 32,
        "Columns": 48,
        "NumberOfFrames": 5,
        "FrameTime": 40,
        "PixelData": frames.tobytes(),
    }
    return make_dataset(**{**made, **attributes})


def query_of(dataset: Dataset) -> str:
    """Return the part of a query that names an instance."""
    return (
        f"requestType=WADO&studyUID={dataset.StudyInstanceUID}&seriesUID={dataset.SeriesInstanceUID}"
        f"&objectUID={dataset.SOPInstanceUID}"
    )


class Wado:
    """A user agent of the URI Service."""

    def __init__(self, server: servers.Server) -> None:
        self._client = httpx.Client(trust_env=False, timeout=60)
        self._url = f"{server.origin}/wado"
        self._server = server

    def get(self, query: str, accept: str | None = "*/*", **headers: str) -> httpx.Response:
        own = {"Accept": accept} if accept is not None else {}
        request = self._client.build_request("GET", f"{self._url}?{query}", headers={**own, **headers})
        if accept is None:
            del request.headers["Accept"]
        return self._client.send(request)

    def store(self, dataset: Dataset, data: bytes | None = None) -> str:
        """Store an instance, and return the query that names it."""
        with self._server.client() as client:
            assert store(client, data or encode(dataset)).status_code == 200
        return query_of(dataset)

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def wado(server: servers.Server) -> Iterator[Wado]:
    agent = Wado(server)
    yield agent
    agent.close()


@pytest.fixture(scope="module")
def ct(wado: Wado) -> str:
    return wado.store(make_ct())


@pytest.fixture(scope="module")
def cine(wado: Wado) -> str:
    return wado.store(make_cine())


@pytest.fixture(scope="module")
def report(wado: Wado) -> str:
    path = packaged_objects()["test-SR.dcm"]
    return wado.store(pydicom.dcmread(path), path.read_bytes())


def pixels_of(response: httpx.Response) -> NDArray[np.uint8]:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def object_of(response: httpx.Response) -> Dataset:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/dicom")
    return pydicom.dcmread(io.BytesIO(response.content))


@pytest.mark.requirement("URI-01", "URI-05", "URI-06", "URI-08", "URI-09", "URI-23")
def test_an_image_is_jpeg_by_default(wado: Wado, ct: str) -> None:
    response = wado.get(ct)

    assert response.headers["content-type"] == "image/jpeg"
    assert b"\xff\xc0" in response.content
    assert pixels_of(response).shape == (64, 96)
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.requirement("URI-12")
def test_a_missing_accept_header_takes_everything(wado: Wado, ct: str) -> None:
    response = wado.get(ct, accept=None)

    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")


@pytest.mark.requirement("URI-05", "URI-10", "URI-44", "URI-46", "TSX-07")
def test_content_type_dicom_gives_the_object_in_explicit_vr_little_endian(wado: Wado) -> None:
    dataset = make_ct()
    query = wado.store(dataset, encode(dataset, "1.2.840.10008.1.2"))

    response = wado.get(f"{query}&contentType=application/dicom")

    assert response.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    found = object_of(response)
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.PixelData == dataset.PixelData


@pytest.mark.parametrize(
    "headers",
    [
        "application/json, text/plain, */*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "application/dicom",
        "application/dicom, */*;q=0.1",
    ],
    ids=["axios", "chrome", "exact", "preferred"],
)
@pytest.mark.requirement("URI-10", "URI-13")
def test_what_user_agents_send_beside_content_type_does_not_matter(wado: Wado, ct: str, headers: str) -> None:
    response = wado.get(f"{ct}&contentType=application/dicom", accept=headers)

    assert response.headers["content-type"].startswith("application/dicom")


@pytest.mark.requirement("URI-06", "URI-07", "REN-17")
def test_a_report_is_html_by_default(wado: Wado, report: str) -> None:
    response = wado.get(report)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in response.headers["content-security-policy"]
    assert "<h1>Diagnosis</h1>" in response.text


@pytest.mark.requirement("URI-16", "CHR-01", "CHR-04", "CHR-07", "CHR-08")
@pytest.mark.parametrize(
    ("query", "headers", "charset"),
    [
        ("&charset=UTF-8", {}, "utf-8"),
        ("&charset=ISO_IR%20100", {}, "iso-8859-1"),
        ("&charset=nothing-known,ISO-8859-1;q=0.5", {}, "iso-8859-1"),
        ("", {"Accept-Charset": "iso-8859-15, utf-8;q=0.5"}, "iso-8859-15"),
        ("", {"Accept-Charset": "nothing-known"}, "utf-8"),
        ("&charset=us-ascii", {}, "us-ascii"),
    ],
)
def test_text_comes_in_the_charset_that_is_asked_for(
    wado: Wado, report: str, query: str, headers: dict[str, str], charset: str
) -> None:
    response = wado.get(f"{report}&contentType=text/html{query}", **headers)

    assert response.headers["content-type"] == f"text/html; charset={charset}"
    text = response.content.decode(charset)
    assert f'charset="{charset}"' in text
    assert "J&#246;rg" in text if charset == "us-ascii" else "Jörg" in text


@pytest.mark.requirement("CHR-08")
def test_plain_text_that_the_charset_lacks_is_not_acceptable(wado: Wado, report: str) -> None:
    assert wado.get(f"{report}&contentType=text/plain&charset=us-ascii").status_code == 406


@pytest.mark.requirement("MT-30")
@pytest.mark.parametrize(
    ("media_type", "start"),
    [("text/plain", b"Diagnosis\n"), ("application/pdf", b"%PDF-"), ("text/xml", b"<?xml")],
)
def test_a_report_comes_in_each_type_of_documents(wado: Wado, report: str, media_type: str, start: bytes) -> None:
    response = wado.get(f"{report}&contentType={media_type}")

    assert response.headers["content-type"].partition(";")[0] == media_type
    assert response.content.startswith(start)


@pytest.mark.requirement("URI-50")
def test_parameters_of_images_do_not_matter_to_a_report(wado: Wado, report: str) -> None:
    assert (
        wado.get(f"{report}&rows=100&windowCenter=1&windowWidth=2&frameNumber=7&annotation=patient").status_code == 200
    )


@pytest.mark.requirement("URI-07", "URI-21")
def test_several_frames_are_dicom_by_default_and_the_first_as_an_image(wado: Wado, cine: str) -> None:
    default = wado.get(cine)
    image = wado.get(f"{cine}&contentType=image/png")

    assert default.headers["content-type"].startswith("application/dicom")
    assert pixels_of(image)[0, 0] == 40


@pytest.mark.requirement("URI-20")
def test_a_frame_is_chosen_by_its_number(wado: Wado, cine: str) -> None:
    response = wado.get(f"{cine}&frameNumber=4")

    assert response.headers["content-type"] == "image/jpeg"
    assert abs(int(pixels_of(response)[0, 0]) - 160) <= 1


@pytest.mark.requirement("URI-22", "URI-24", "URI-25", "URI-26", "URI-29")
@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("rows=32&columns=32", (21, 32)),
        ("rows=32", (32, 48)),
        ("columns=192", (128, 192)),
        ("region=0.5,0,1,0.5", (32, 48)),
        ("region=0.5,0,1,0.5&columns=24", (16, 24)),
    ],
)
def test_size_and_region_shape_the_image(wado: Wado, ct: str, query: str, shape: tuple[int, int]) -> None:
    assert pixels_of(wado.get(f"{ct}&contentType=image/png&{query}")).shape == shape


@pytest.mark.requirement("URI-26", "URI-29")
def test_the_region_is_cut_out_of_the_image(wado: Wado, ct: str) -> None:
    whole = pixels_of(wado.get(f"{ct}&contentType=image/png"))

    region = pixels_of(wado.get(f"{ct}&contentType=image/png&region=0.25,0.25,0.75,0.5"))

    assert np.array_equal(region, whole[16:32, 24:72])


@pytest.mark.requirement("URI-32", "URI-35")
def test_the_window_maps_by_the_linear_function(wado: Wado, ct: str) -> None:
    shown = pixels_of(wado.get(f"{ct}&contentType=image/png&windowCenter=0&windowWidth=1000"))

    values = np.linspace(24, 2024, 96).astype(np.int16) - 1024.0
    expected = np.clip(((values + 0.5) / 999 + 0.5) * 255, 0, 255)
    assert np.abs(shown[0] - expected).max() <= 0.51


@pytest.mark.requirement("URI-36")
def test_quality_makes_a_jpeg_larger(wado: Wado, ct: str) -> None:
    low, high = (len(wado.get(f"{ct}&imageQuality={quality}").content) for quality in (5, 100))

    assert low < high


@pytest.mark.requirement("URI-30")
@pytest.mark.parametrize("name", ["annotation", "imageAnnotation"])
def test_both_names_of_annotation_burn_text_in(wado: Wado, ct: str, name: str) -> None:
    plain = pixels_of(wado.get(f"{ct}&contentType=image/png&columns=512"))

    annotated = pixels_of(wado.get(f"{ct}&contentType=image/png&columns=512&{name}=patient,technique"))

    assert not np.array_equal(plain, annotated)


@pytest.mark.requirement("URI-30", "REND-12")
def test_an_unknown_annotation_is_told_in_a_warning(wado: Wado, ct: str) -> None:
    response = wado.get(f"{ct}&annotation=patient,laterality")

    assert response.status_code == 200
    assert "laterality" in response.headers["warning"]


def make_state(image: Dataset) -> Dataset:
    """Return a presentation state that mirrors an image and inverts it."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ReferencedImageSequence = Sequence([reference])
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [96, 64]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    state = make_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1", Modality="PR")
    for keyword in ("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(state, keyword)
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation", "ConversionType"):
        delattr(state, keyword)
    state.StudyInstanceUID, state.SeriesInstanceUID = image.StudyInstanceUID, generate_uid(PREFIX)
    state.ContentLabel, state.PresentationLUTShape = "TEST", "IDENTITY"
    state.ImageHorizontalFlip, state.ImageRotation = "Y", 0
    state.ReferencedSeriesSequence = Sequence([series])
    state.DisplayedAreaSelectionSequence = Sequence([area])
    return state


@pytest.fixture(scope="module")
def presented(wado: Wado) -> tuple[str, str]:
    """Store an image and a presentation state of it; return the query of the image, and what names the state."""
    image = make_ct(WindowCenter=0, WindowWidth=2000)
    state = make_state(image)
    query = wado.store(image)
    wado.store(state)
    return query, f"&presentationSeriesUID={state.SeriesInstanceUID}&presentationUID={state.SOPInstanceUID}"


@pytest.mark.requirement("URI-37", "URI-38", "URI-39", "URI-28", "URI-51")
def test_a_presentation_state_is_applied_before_the_region(wado: Wado, presented: tuple[str, str]) -> None:
    query, state = presented

    shown = pixels_of(wado.get(f"{query}{state}&contentType=image/png"))
    region = pixels_of(wado.get(f"{query}{state}&contentType=image/png&region=0,0,0.5,1"))

    assert shown[0, 0] > shown[0, -1]
    assert np.array_equal(region, shown[:, :48])


@pytest.mark.requirement("URI-33", "URI-37", "URI-38")
def test_a_presentation_state_takes_no_window_and_no_frame(wado: Wado, presented: tuple[str, str]) -> None:
    query, state = presented
    series, uid = state.strip("&").split("&")

    for wrong in (
        f"{state}&windowCenter=1&windowWidth=2",
        f"{state}&frameNumber=1",
        f"&{series}",
        f"&{uid}",
        f"&{series}&presentationUID=1.2.3",
        f"&presentationSeriesUID=1.2.3&{uid}",
    ):
        assert wado.get(query + wrong).status_code == 400, wrong


@pytest.mark.requirement("URI-03", "URI-04")
def test_uids_that_do_not_agree_name_nothing(wado: Wado, ct: str) -> None:
    names = dict(pair.split("=") for pair in ct.split("&"))

    for name in ("studyUID", "seriesUID", "objectUID"):
        query = "&".join(f"{key}={'1.2.3' if key == name else value}" for key, value in names.items())
        assert wado.get(query).status_code == 404, name
        assert wado.get(f"{query}&contentType=application/dicom").status_code == 404, name


@pytest.mark.requirement("URI-04")
def test_a_deleted_object_is_gone(tmp_path: Path) -> None:
    dataset = make_ct()
    with servers.running(tmp_path / "data", settings={"TRASH__HTTP_DELETE": "true"}) as server:
        agent = Wado(server)
        query = agent.store(dataset)
        with server.client() as client:
            assert client.delete(f"/studies/{dataset.StudyInstanceUID}").status_code == 204

        assert agent.get(query).status_code == 410
        assert agent.get(f"{query}&contentType=application/dicom").status_code == 410
        agent.close()


WRONG = [
    "contentType=",
    "contentType=image/*",
    "contentType=*/*",
    "contentType=application/dicom,image/jpeg",
    "contentType=application/dicom,image/jls",
    "contentType=image/jpeg;transfer-syntax=1.2.840.10008.1.2.4.50",
    "contentType=text/html;charset=utf-8",
    "contentType=application/dicom;transfer-syntax=*",
    "contentType=image/jpeg&contentType=image/png",
    "charset=",
    "charset=*",
    "charset=nothing-known",
    "anonymize=no",
    "anonymize=",
    "anonymize=yes,yes",
    "anonymize=yes&anonymize=yes",
    "anonymize=yes&annotation=patient",
    "transferSyntax=",
    "transferSyntax=jpeg",
    "transferSyntax=1.2.840.10008.1.2.1,1.2.840.10008.1.2.4.50",
    "transferSyntax=1.2.840.10008.1.2.1&transferSyntax=1.2.840.10008.1.2.4.50",
    "annotation=",
    "annotation=patient,",
    "annotation=patient&imageAnnotation=technique",
    "frameNumber=1",
    "rows=0",
    "rows=-1",
    "rows=1.5",
    "columns=x",
    "columns=20000",
    "rows=1&rows=1",
    "region=0,0,1",
    "region=0,0,1,1,1",
    "region=0.5,0,0.5,1",
    "region=0.5,0,0.4,1",
    "region=0,0,1.1,1",
    "region=-0.1,0,1,1",
    "region=a,b,c,d",
    "region=0,0,1,",
    "windowCenter=40",
    "windowWidth=400",
    "windowCenter=x&windowWidth=400",
    "windowCenter=40&windowWidth=0.5",
    "windowCenter=1,2&windowWidth=3,4",
    "windowCenter=nan&windowWidth=400",
    "windowCenter=40&windowWidth=400&contentType=application/dicom",
    "imageQuality=0",
    "imageQuality=101",
    "imageQuality=5.5",
    "imageQuality=",
]


@pytest.mark.requirement(
    *("URI-10", "URI-11", "URI-16", "URI-20", "URI-22", "URI-27", "URI-32", "URI-34", "URI-36", "URI-41", "URI-44")
)
@pytest.mark.parametrize("query", WRONG)
def test_a_wrong_parameter_is_a_bad_request(wado: Wado, ct: str, query: str) -> None:
    response = wado.get(f"{ct}&{query}")

    assert response.status_code == 400
    assert response.text.endswith(".\n")


@pytest.mark.requirement("URI-01", "URI-02")
@pytest.mark.parametrize("name", ["requestType", "studyUID", "seriesUID", "objectUID"])
@pytest.mark.parametrize("value", [None, "", "1..2", "wado"])
def test_what_names_the_object_is_mandatory(wado: Wado, ct: str, name: str, value: str | None) -> None:
    pairs = [pair for pair in ct.split("&") if not pair.startswith(name)]

    assert wado.get("&".join([*pairs, *([] if value is None else [f"{name}={value}"])])).status_code == 400


@pytest.mark.requirement("URI-11", "URI-13", "NEG-08", "NEG-09", "TSX-09")
@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("contentType=image/png", "image/jpeg"),
        ("contentType=application/dicom", "image/*"),
        ("", "application/dicom, image/jpeg"),
        ("", "application/dicom;transfer-syntax=*"),
        ("", "text/html;charset=utf-8"),
    ],
)
def test_an_accept_header_that_contradicts_is_a_bad_request(wado: Wado, ct: str, query: str, accept: str) -> None:
    assert wado.get(f"{ct}&{query}", accept=accept).status_code == 400


@pytest.mark.requirement("URI-15")
@pytest.mark.parametrize(
    "media_type",
    ["image/jphc", "image/jls", "image/dicom-rle", "application/octet-stream", "application/dicom+json"],
)
def test_what_is_no_rendered_type_falls_through_to_the_default(wado: Wado, ct: str, media_type: str) -> None:
    assert wado.get(f"{ct}&contentType={media_type}").headers["content-type"] == "image/jpeg"
    assert wado.get(f"{ct}&contentType={media_type}", accept=media_type).status_code == 406


@pytest.mark.requirement("URI-10")
def test_the_best_type_of_a_list_is_taken(wado: Wado, ct: str) -> None:
    response = wado.get(f"{ct}&contentType=image/gif;q=0.5,image/png")

    assert response.headers["content-type"] == "image/png"


@pytest.mark.requirement("URI-14")
@pytest.mark.parametrize("query", ["rows=10", "imageQuality=50", "region=0,0,1,0.5"])
def test_dicom_takes_no_parameters_of_rendering(wado: Wado, ct: str, query: str) -> None:
    assert wado.get(f"{ct}&contentType=application/dicom&{query}").status_code == 406


@pytest.mark.requirement("URI-48")
def test_annotation_does_not_matter_to_dicom(wado: Wado, ct: str) -> None:
    assert wado.get(f"{ct}&contentType=application/dicom&annotation=patient").status_code == 200


@pytest.mark.requirement("URI-45", "URI-47")
@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.4.95",
        "1.2.840.10008.1.2.4.204",
        "1.2.3",
        JPEG_BASELINE,
    ],
)
def test_a_syntax_that_the_object_does_not_come_in_is_not_acceptable(wado: Wado, ct: str, syntax: str) -> None:
    response = wado.get(f"{ct}&contentType=application/dicom&transferSyntax={syntax}")

    assert response.status_code == 406


@pytest.mark.requirement("URI-44", "URI-46", "TSX-03", "TSX-05")
def test_lossy_pixels_travel_as_they_are_and_decoded_when_asked(wado: Wado) -> None:
    path = packaged_objects()["SC_rgb_jpeg_dcmtk.dcm"]
    dataset = pydicom.dcmread(path)
    query = wado.store(dataset, path.read_bytes()) + "&contentType=application/dicom"

    default, stored, decoded = (
        object_of(wado.get(query + suffix)) for suffix in ("", "&transferSyntax=*", f"&transferSyntax={EXPLICIT}")
    )

    assert default.PixelData == stored.PixelData == dataset.PixelData
    assert default.file_meta.TransferSyntaxUID == JPEG_BASELINE
    assert decoded.file_meta.TransferSyntaxUID == EXPLICIT
    assert len(decoded.PixelData) == dataset.Rows * dataset.Columns * 3


@pytest.mark.requirement("URI-44")
def test_an_object_of_8_bits_comes_as_jpeg_baseline(wado: Wado) -> None:
    dataset = make_cine()
    query = wado.store(dataset)

    found = object_of(wado.get(f"{query}&contentType=application/dicom&transferSyntax={JPEG_BASELINE}"))

    assert found.file_meta.TransferSyntaxUID == JPEG_BASELINE
    assert (found.LossyImageCompression, found.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert np.abs(found.pixel_array.astype(int) - dataset.pixel_array).max() <= 1


def test_other_methods_are_not_allowed(server: servers.Server, ct: str) -> None:
    with httpx.Client(trust_env=False) as client:
        url = f"{server.origin}/wado?{ct}"
        assert client.post(url).status_code == 405
        head = client.head(url)

    assert (head.status_code, head.headers["content-type"], head.content) == (200, "image/jpeg", b"")


def test_a_representation_that_is_held_is_not_sent_again(wado: Wado, ct: str) -> None:
    for query in (ct, f"{ct}&contentType=application/dicom"):
        etag = wado.get(query).headers["etag"]

        assert wado.get(query, **{"If-None-Match": etag}).status_code == 304


def make_ultrasound() -> Dataset:
    """Return a colour ultrasound of 8 bits, white, that names one region of its pixels."""
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 8, 16
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 23, 31
    return make_dataset(
        SOPClassUID=US_SINGLE,
        Modality="US",
        Rows=40,
        Columns=32,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        PixelData=b"\xff" * (40 * 32 * 3),
        PatientName="Secret^Person",
        PatientID="SECRET-ID",
        InstitutionName="Secret Hospital",
        OtherPatientNames="Secret^Other",
        SequenceOfUltrasoundRegions=Sequence([region]),
    )


@pytest.mark.requirement("URI-40", "URI-42", "DEID-01", "DEID-02", "DEID-04", "DEID-05", "DEID-06", "DEID-07")
@pytest.mark.parametrize("syntax", ["", f"&transferSyntax={JPEG_BASELINE}"], ids=["explicit", "jpeg"])
def test_an_anonymized_object_tells_nothing_of_whose_it_is(wado: Wado, syntax: str) -> None:
    dataset = make_ultrasound()
    dataset.add_new(0x00090010, "LO", "SECRET")
    dataset.add_new(0x00091001, "LO", "SECRET VALUE")
    query = wado.store(dataset) + f"&contentType=application/dicom&anonymize=yes{syntax}"

    response = wado.get(query)
    found = object_of(response)

    assert b"secret" not in response.content.lower()
    for uid in (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID):
        assert uid.encode() not in response.content
        assert uid not in str(response.headers)
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID
    assert (found.PatientIdentityRemoved, found.BurnedInAnnotation) == ("YES", "NO")
    assert found.file_meta.TransferSyntaxUID == (JPEG_BASELINE if syntax else EXPLICIT)
    pixels = found.pixel_array
    assert pixels[20:30, 10:22].min() >= 250
    assert max(pixels[:6].max(), pixels[:, 28:].max()) <= 5
    assert object_of(wado.get(query)).SOPInstanceUID == found.SOPInstanceUID


@pytest.mark.requirement("URI-40", "DEID-02")
def test_anonymized_objects_of_a_study_stay_together(wado: Wado) -> None:
    first = make_ct()
    second = make_ct(StudyInstanceUID=first.StudyInstanceUID)
    queries = [wado.store(dataset) for dataset in (first, second)]

    found = [object_of(wado.get(f"{query}&contentType=application/dicom&anonymize=yes")) for query in queries]

    assert found[0].StudyInstanceUID == found[1].StudyInstanceUID != first.StudyInstanceUID
    assert found[0].SeriesInstanceUID != found[1].SeriesInstanceUID
    assert found[0].PixelData == first.PixelData
    assert found[0].PatientID == found[1].PatientID


@pytest.mark.requirement("URI-43", "DEID-06")
def test_what_cannot_be_anonymized_is_not_acceptable(wado: Wado, report: str) -> None:
    screen = wado.store(make_dataset())
    burned = wado.store(make_ct(BurnedInAnnotation="YES"))

    for query in (report, screen, burned):
        response = wado.get(f"{query}&contentType=application/dicom&anonymize=yes")
        assert response.status_code == 406
        assert wado.get(f"{query}&anonymize=yes").status_code == 406


@pytest.mark.requirement("URI-40", "DEID-07")
def test_a_rendering_of_an_anonymized_object_shows_its_regions_alone(wado: Wado) -> None:
    dataset = make_ultrasound()
    query = wado.store(dataset)

    response = wado.get(f"{query}&anonymize=yes&contentType=image/png")
    pixels = pixels_of(response)

    assert (pixels[17:30, 9:22].min(), pixels[:15].max()) == (255, 0)
    assert "content-location" not in response.headers
    assert dataset.StudyInstanceUID not in str(response.headers)


@pytest.mark.parametrize("root", ["/wado.php", "/radiology"])
def test_the_standards_examples_work_under_other_roots(tmp_path: Path, root: str) -> None:
    image, report = make_ultrasound(), pydicom.dcmread(packaged_objects()["test-SR.dcm"])
    wide = make_ct()
    with servers.running(tmp_path / "data", settings={"HTTP__URI_ROOT": root}) as server:
        with server.client() as client:
            for dataset in (encode(image), packaged_objects()["test-SR.dcm"].read_bytes(), encode(wide)):
                assert store(client, dataset).status_code == 200
        with httpx.Client(trust_env=False, base_url=server.origin) as client:
            example = f"&contentType=application%2Fdicom&anonymize=yes&transferSyntax={JPEG_BASELINE}"
            answers = [
                client.get(f"{root}?{query_of(dataset)}{rest}")
                for dataset, rest in ((image, ""), (report, "&charset=UTF-8"), (image, example), (wide, example))
            ]
            elsewhere = client.get(f"/wado?{query_of(image)}")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 406]
    assert [answer.headers["content-type"] for answer in answers[:3]] == [
        "image/jpeg",
        "text/html; charset=utf-8",
        f"application/dicom; transfer-syntax={JPEG_BASELINE}",
    ]
    assert elsewhere.status_code == 404


@pytest.mark.requirement("URI-42", "DEID-01", "DEID-06")
def test_text_in_a_codestream_does_not_survive(wado: Wado) -> None:
    image = Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", comment=b"SECRET PERSON")
    dataset = make_dataset(
        Rows=64,
        Columns=64,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        BurnedInAnnotation="NO",
        LossyImageCompression="01",
        PixelData=encapsulate([buffer.getvalue()]),
    )
    query = wado.store(dataset, encode(dataset, JPEG_BASELINE))

    found = object_of(wado.get(f"{query}&contentType=application/dicom&anonymize=yes"))

    assert found.file_meta.TransferSyntaxUID == JPEG_BASELINE
    assert b"SECRET PERSON" in buffer.getvalue()
    assert b"SECRET" not in found.PixelData
    assert np.array_equal(found.pixel_array, np.asarray(Image.open(buffer)))


@pytest.mark.requirement("DEID-06")
def test_an_overlay_in_the_bits_of_the_pixels_is_not_given_out(wado: Wado) -> None:
    dataset = make_ct()
    dataset.add_new(0x60000010, "US", dataset.Rows)
    dataset.add_new(0x60000102, "US", 15)

    response = wado.get(f"{wado.store(dataset)}&contentType=application/dicom&anonymize=yes")

    assert response.status_code == 406
