"""Rendered resources and thumbnails over HTTP (PS3.18 8.3.5, 8.7.4, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import servers
from dicomweb import parts_of, path_of, store
from samples import PREFIX, encode, make_dataset, make_series, packaged_anew

CHROME_IMG = {"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}
FIREFOX_IMG = {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"}
SAFARI_IMG = {
    "Accept": "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,*/*;q=0.5"
}
OLD_IMG = {"Accept": "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"}
ANY = {"Accept": "*/*"}
PNG = {"Accept": "image/png"}
CT = "1.2.840.10008.5.1.4.1.1.2"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def make_ct(rows: int = 64, columns: int = 96, **attributes: object) -> Dataset:
    """Return a CT whose values rise from left to right, -1000 to 1000 over its columns."""
    values = np.tile(np.linspace(24, 2024, columns).astype(np.int16), (rows, 1))
    made = {
        "SOPClassUID": CT,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Rows": rows,
        "Columns": columns,
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


@pytest.fixture(scope="module")
def ct(server: servers.Server) -> str:
    """Store one CT and return the path of its instance."""
    dataset = make_ct()
    with server.client() as client:
        assert store(client, encode(dataset)).status_code == 200
    return path_of(dataset)


@pytest.fixture(scope="module")
def cine(server: servers.Server) -> str:
    """Store one ultrasound cine of five frames and return the path of its instance."""
    frames = np.stack([np.full((32, 48), 40 * number, np.uint8) for number in range(1, 6)])
    dataset = make_dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1",
        Modality="US",
        Rows=32,
        Columns=48,
        NumberOfFrames=5,
        FrameTime=40,
        PixelData=frames.tobytes(),
    )
    with server.client() as client:
        assert store(client, encode(dataset)).status_code == 200
    return path_of(dataset)


def pixels_of(response: httpx.Response) -> NDArray[np.uint8]:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


@pytest.mark.requirement("WADO-03", "WADO-56", "MT-30", "MT-31", "REN-16")
def test_an_instance_is_rendered_as_baseline_jpeg_by_default(client: httpx.Client, ct: str) -> None:
    response = client.get(f"{ct}/rendered", headers=ANY)

    assert response.headers["content-type"] == "image/jpeg"
    assert b"\xff\xc0" in response.content
    assert pixels_of(response).shape == (64, 96)
    assert response.headers["content-location"].endswith(f"{ct}/rendered")


@pytest.mark.requirement("MT-30", "MT-32", "MT-33", "MT-35")
@pytest.mark.parametrize(
    ("media_type", "start"),
    [
        ("image/jpeg", b"\xff\xd8"),
        ("image/png", b"\x89PNG"),
        ("image/gif", b"GIF8"),
        ("image/jp2", b"\0\0\0\x0cjP  "),
        ("image/jph", b"\0\0\0\x0cjP  "),
        ("image/jxl", b"\xff\x0a"),
        ("image/webp", b"RIFF"),
    ],
)
def test_each_media_type_that_is_asked_for_is_sent(
    client: httpx.Client, ct: str, media_type: str, start: bytes
) -> None:
    response = client.get(f"{ct}/rendered", headers={"Accept": media_type})

    assert response.headers["content-type"] == media_type
    assert response.content.startswith(start) or response.content[:12].endswith(b"JXL \r\n\x87\n"[-4:])


@pytest.mark.requirement("TSX-09")
def test_a_rendered_type_that_names_a_transfer_syntax_is_passed_over(client: httpx.Client, ct: str) -> None:
    accept = "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"

    assert client.get(f"{ct}/rendered", headers={"Accept": accept}).status_code == 406
    answer = client.get(f"{ct}/rendered", headers={"Accept": f"{accept}, image/png;q=0.1"})
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "headers", [CHROME_IMG, FIREFOX_IMG, SAFARI_IMG, OLD_IMG], ids=["chrome", "firefox", "safari", "old"]
)
def test_the_accept_header_of_an_image_element_is_served(
    client: httpx.Client, ct: str, headers: dict[str, str]
) -> None:
    assert pixels_of(client.get(f"{ct}/rendered", headers=headers)).shape[:2] == (64, 96)


@pytest.mark.requirement("WADO-03", "WADO-22")
def test_the_examples_of_the_standard_work(client: httpx.Client, ct: str) -> None:
    query = "annotation=patient,technique&viewport=1024,1024,0,0,512,512&window=200,600,linear"

    response = client.get(f"{ct}/rendered?{query}", headers={"Accept": "image/jp2;level=1,image/jpeg;q=0.5"})

    assert response.status_code == 200
    assert response.headers["content-type"] in {"image/jp2", "image/jpeg"}


def test_the_examples_work_under_another_root(tmp_path: Path) -> None:
    dataset = make_ct()
    with (
        servers.running(tmp_path / "data", settings={"HTTP__DICOMWEB_ROOT": "/radiology"}) as server,
        server.client() as client,
    ):
        assert store(client, encode(dataset)).status_code == 200
        query = "annotation=patient,technique&viewport=1024,1024,0,0,512,512&window=200,600,linear"
        response = client.get(
            f"{path_of(dataset)}/rendered?{query}", headers={"Accept": "image/jp2;level=1,image/jpeg;q=0.5"}
        )
        thumbnail = client.get(f"{path_of(dataset)}/thumbnail", headers=ANY)

    assert (response.status_code, thumbnail.status_code) == (200, 200)


@pytest.mark.requirement("WADO-22", "WADO-27")
def test_studies_and_series_are_rendered_in_multipart_alone(client: httpx.Client) -> None:
    series = make_series(3)
    assert store(client, *map(encode, series)).status_code == 200
    study = f"/studies/{series[0].StudyInstanceUID}"

    for path in (study, f"{study}/series/{series[0].SeriesInstanceUID}"):
        found = parts_of(client.get(f"{path}/rendered", headers={"Accept": 'multipart/related; type="image/jpeg"'}))
        single = client.get(f"{path}/rendered", headers={"Accept": "image/jpeg"})

        assert [part.headers["content-type"] for part in found] == ["image/jpeg"] * 3
        assert single.status_code == 406


@pytest.mark.requirement("WADO-22", "WADO-05")
def test_frames_are_rendered_one_a_part(client: httpx.Client, cine: str) -> None:
    one = client.get(f"{cine}/frames/2/rendered", headers=PNG)
    several = client.get(f"{cine}/frames/1,3/rendered", headers={"Accept": 'multipart/related; type="image/png"'})
    beyond = client.get(f"{cine}/frames/6/rendered", headers=PNG)

    assert (pixels_of(one) == 80).all()
    assert [int(np.asarray(Image.open(io.BytesIO(part.content))).max()) for part in parts_of(several)] == [40, 120]
    assert beyond.status_code == 404


@pytest.mark.requirement("MT-34", "REN-19")
def test_several_frames_are_an_animation_with_the_timing_of_the_object(client: httpx.Client, cine: str) -> None:
    response = client.get(f"{cine}/rendered", headers=ANY)
    image = Image.open(io.BytesIO(response.content))
    refused = client.get(f"{cine}/rendered", headers={"Accept": "image/jpeg"})

    assert response.headers["content-type"] == "image/gif"
    assert (image.n_frames, image.info["duration"], image.info["loop"]) == (5, 40, 0)  # type: ignore[attr-defined]
    assert refused.status_code == 406


@pytest.mark.requirement("REN-19")
@pytest.mark.parametrize("media_type", ["video/mp4", "video/mpeg"])
def test_several_frames_are_video_in_which_user_agents_seek(client: httpx.Client, cine: str, media_type: str) -> None:
    pytest.importorskip("av")
    whole = client.get(f"{cine}/rendered", headers={"Accept": media_type})
    part = client.get(f"{cine}/rendered", headers={"Accept": media_type, "Range": "bytes=4-11"})
    behind = client.get(f"{cine}/rendered", headers={"Accept": media_type, "Range": "bytes=99999999-"})

    assert whole.headers["content-type"] == media_type
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, whole.content[4:12])
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole.content)}"
    assert behind.status_code == 416


@pytest.mark.requirement("REND-26", "REND-27", "REND-01", "REN-01")
def test_a_window_changes_pixels_as_its_formula_says(client: httpx.Client, ct: str) -> None:
    values = np.linspace(24, 2024, 96).astype(np.int16) - 1024

    linear = pixels_of(client.get(f"{ct}/rendered?window=200,600,linear", headers=PNG))
    exact = pixels_of(client.get(f"{ct}/rendered?window=200,600,linear-exact", headers=PNG))
    sigmoid = pixels_of(client.get(f"{ct}/rendered?window=200,600,sigmoid", headers=PNG))

    assert (linear[0] == np.floor(np.clip(((values - 199.5) / 599 + 0.5) * 255, 0, 255) + 0.5)).all()
    assert (exact[0] == np.floor(np.clip(((values - 200) / 600 + 0.5) * 255, 0, 255) + 0.5)).all()
    assert (sigmoid[0] == np.floor(255 / (1 + np.exp(-4 * (values - 200) / 600)) + 0.5)).all()


@pytest.mark.requirement("REND-29")
def test_without_a_window_the_first_one_of_the_instance_holds(client: httpx.Client, ct: str) -> None:
    own = pixels_of(client.get(f"{ct}/rendered", headers=PNG))
    asked = pixels_of(client.get(f"{ct}/rendered?window=40,400,linear", headers=PNG))

    assert (own == asked).all()


@pytest.mark.requirement("REND-20", "REND-21", "REND-24", "REND-25", "REN-10")
def test_a_viewport_crops_then_scales_as_large_as_fits(client: httpx.Client, ct: str) -> None:
    whole = pixels_of(client.get(f"{ct}/rendered", headers=PNG))

    def shape(viewport: str) -> tuple[int, ...]:
        return pixels_of(client.get(f"{ct}/rendered?viewport={viewport}", headers=PNG)).shape

    assert whole.shape == (64, 96)
    assert shape("48,48") == (32, 48)
    assert shape("960,6400") == (640, 960)
    assert shape("100,100,0,0,32,64") == (100, 50)
    cropped = pixels_of(client.get(f"{ct}/rendered?viewport=32,64,40,0,32,64", headers=PNG))
    assert (cropped == whole[:, 40:72]).all()


@pytest.mark.requirement("REND-22", "REND-23", "REN-10")
def test_negative_sizes_mirror_and_empty_members_take_defaults(client: httpx.Client, ct: str) -> None:
    whole = pixels_of(client.get(f"{ct}/rendered", headers=PNG))
    mirrored = pixels_of(client.get(f"{ct}/rendered?viewport=96,64,,,-96,64", headers=PNG))
    upside_down = pixels_of(client.get(f"{ct}/rendered?viewport=96,64,,,96,-64", headers=PNG))
    defaults = pixels_of(client.get(f"{ct}/rendered?viewport=96,64,16", headers=PNG))

    assert (mirrored == whole[:, ::-1]).all()
    assert (upside_down == whole[::-1]).all()
    assert defaults.shape == (64, 80)


@pytest.mark.requirement("REND-10", "REN-14")
def test_an_annotation_is_burned_in_last(client: httpx.Client, ct: str) -> None:
    bare = pixels_of(client.get(f"{ct}/rendered?viewport=384,256", headers=PNG))
    patient = pixels_of(client.get(f"{ct}/rendered?viewport=384,256&annotation=patient", headers=PNG))
    technique = pixels_of(client.get(f"{ct}/rendered?viewport=384,256&annotation=technique", headers=PNG))

    assert patient.shape == technique.shape == bare.shape
    assert (patient[:64] != bare[:64]).any()
    assert (patient[128:] == bare[128:]).all()
    assert (technique[128:] != bare[128:]).any()


@pytest.mark.requirement("REND-12")
def test_an_unknown_annotation_is_passed_over_with_a_warning(client: httpx.Client, ct: str) -> None:
    response = client.get(f"{ct}/rendered?annotation=patient,planet", headers=ANY)

    assert response.status_code == 200
    assert "The following annotation values are not supported: planet" in response.headers["warning"]
    assert response.headers["warning"].startswith("299 ")


@pytest.mark.requirement("REND-15", "REND-16", "REN-16")
def test_quality_counts_for_lossy_types_alone(client: httpx.Client, ct: str) -> None:
    sizes = [
        len(client.get(f"{ct}/rendered?quality={quality}&annotation=technique", headers=ANY).content)
        for quality in (1, 30, 60, 90, 100)
    ]
    first = client.get(f"{ct}/rendered?quality=1", headers=PNG).content
    second = client.get(f"{ct}/rendered?quality=100", headers=PNG).content

    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert first == second


@pytest.mark.requirement("REND-30", "REND-31", "REND-33", "REND-34", "REN-15")
@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp"])
def test_a_colour_profile_is_converted_to_and_embedded(client: httpx.Client, media_type: str) -> None:
    dataset = make_color()
    assert store(client, encode(dataset)).status_code == 200
    path = f"{path_of(dataset)}/rendered"

    plain, none, srgb, adobe = (
        Image.open(io.BytesIO(client.get(path + query, headers={"Accept": media_type}).content))
        for query in ("", "?iccprofile=no", "?iccprofile=srgb", "?iccprofile=adobergb")
    )

    assert "icc_profile" not in plain.info
    assert "icc_profile" not in none.info
    assert b"sRGB".decode().encode("utf-16-be") in srgb.info["icc_profile"]
    assert "Adobe".encode("utf-16-be") in adobe.info["icc_profile"]
    assert abs(int(np.asarray(adobe)[8, 8, 0]) - 219) <= 3
    assert abs(int(np.asarray(srgb)[8, 8, 0]) - 255) <= 3


def make_color() -> Dataset:
    """Return a photograph, all red."""
    return make_dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4",
        Modality="XC",
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        Rows=32,
        Columns=32,
        PixelData=bytes((255, 0, 0)) * 1024,
    )


@pytest.mark.requirement("REND-32")
def test_a_gif_carries_no_colour_profile(client: httpx.Client, ct: str) -> None:
    gif = {"Accept": "image/gif"}

    assert client.get(f"{ct}/rendered?iccprofile=srgb", headers=gif).status_code == 400
    assert client.get(f"{ct}/rendered?iccprofile=no", headers=gif).status_code == 200


INVALID = [
    "window=40",
    "window=40,400",
    "window=40,400,",
    "window=,400,linear",
    "window=40,,linear",
    "window=a,b,linear",
    "window=40,400,cubic",
    "window=40,0.5,linear",
    "window=40,0,linear-exact",
    "window=40,-1,sigmoid",
    "window=nan,400,linear",
    "window=inf,400,linear",
    "window=40,400,linear,1",
    "window=",
    "window=40,400,linear&window=41,400,linear",
    "viewport=512",
    "viewport=",
    "viewport=0,512",
    "viewport=512,0",
    "viewport=-1,512",
    "viewport=512.5,512",
    "viewport=99999,1",
    "viewport=512,512,,",
    "viewport=512,512,0,0,32,64,1",
    "viewport=512,512,a,0,32,64",
    "viewport=512,512,0,0,0,64",
    "viewport=512,512,4000,0,32,64",
    "viewport=,512",
    "quality=",
    "quality=0",
    "quality=101",
    "quality=5.5",
    "quality=best",
    "quality=-1",
    "quality=50&quality=60",
    "annotation=",
    "annotation=patient,",
    "annotation=12",
    "annotation=patient%00",
    "iccprofile=",
    "iccprofile=cmyk",
    "charset=",
    "charset=%22",
    "accept=image/*",
    "accept=nonsense",
]


@pytest.mark.requirement("REND-11", "REND-15", "REND-23", "REND-25", "REND-26", "REND-27", "REND-30")
@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_parameter_is_named_in_a_400(client: httpx.Client, ct: str, query: str) -> None:
    response = client.get(f"{ct}/rendered?{query}", headers=ANY)

    assert response.status_code == 400
    assert query.partition("=")[0] in response.text


@pytest.mark.parametrize("accept", ["application/dicom", "text/html", "video/mp4", "image/avif", "image/jpeg;q=0"])
def test_a_type_that_is_not_rendered_is_not_acceptable(client: httpx.Client, ct: str, accept: str) -> None:
    response = client.get(f"{ct}/rendered", headers={"Accept": accept})

    assert response.status_code == 406
    assert "image/jpeg" in response.text


@pytest.mark.parametrize("suffix", ["rendered", "thumbnail"])
def test_what_does_not_exist_is_not_found(client: httpx.Client, suffix: str) -> None:
    for path in ("/studies/1.2.3", "/studies/1.2.3/series/1.2.4", "/studies/1.2.3/series/1.2.4/instances/1.2.5"):
        assert client.get(f"{path}/{suffix}", headers={"Accept": "*/*, multipart/related"}).status_code == 404


@pytest.mark.parametrize("suffix", ["rendered", "rendered?viewport=20,20", "thumbnail"])
def test_what_the_user_agent_has_is_not_sent_again(client: httpx.Client, ct: str, suffix: str) -> None:
    first = client.get(f"{ct}/{suffix}", headers=ANY)
    again = client.get(f"{ct}/{suffix}", headers={**ANY, "If-None-Match": first.headers["etag"]})
    other = client.get(f"{ct}/rendered?window=1,2,linear", headers={**ANY, "If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


@pytest.mark.requirement("WADO-04", "WADO-23", "WADO-58", "REN-21")
@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "test-SR.dcm", "waveform_ecg.dcm", "rtplan.dcm", "rtdose.dcm", "liver_1frame.dcm"]
)
def test_whatever_exists_has_a_thumbnail_at_every_level(client: httpx.Client, name: str) -> None:
    dataset, content = packaged_anew(name)
    assert store(client, content).status_code == 200
    instance = path_of(dataset)

    for target in (instance, instance.partition("/instances")[0], instance.partition("/series")[0]):
        response = client.get(f"{target}/thumbnail", headers=ANY)
        assert response.headers["content-type"] == "image/jpeg"
        assert max(pixels_of(response).shape[:2]) == 128


@pytest.mark.requirement("REND-40", "REND-25", "REN-21")
def test_a_thumbnail_takes_a_size_and_nothing_else(client: httpx.Client, ct: str) -> None:
    small = client.get(f"{ct}/thumbnail?viewport=48,48", headers=PNG)
    statuses = {
        query: client.get(f"{ct}/thumbnail?{query}", headers=ANY).status_code
        for query in (
            "viewport=48,48,0,0,10,10",
            "window=40,400,linear",
            "quality=50",
            "annotation=patient",
            "iccprofile=no",
            "viewport=0,1",
        )
    }

    assert pixels_of(small).shape == (32, 48)
    assert set(statuses.values()) == {400}
    assert client.get(f"{ct}/thumbnail", headers=ANY).content == client.get(f"{ct}/thumbnail", headers=ANY).content


@pytest.mark.requirement("WADO-04")
def test_a_frame_has_a_thumbnail(client: httpx.Client) -> None:
    frames = np.stack([np.full((32, 48), 40 * number, np.uint8) for number in range(1, 6)])
    dataset = make_dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.20",
        Modality="NM",
        Rows=32,
        Columns=48,
        NumberOfFrames=5,
        PixelData=frames.tobytes(),
    )
    assert store(client, encode(dataset)).status_code == 200
    path = path_of(dataset)

    assert (pixels_of(client.get(f"{path}/frames/2/thumbnail", headers=PNG)) == 80).all()
    assert (pixels_of(client.get(f"{path}/thumbnail", headers=PNG)) == 120).all()
    assert client.get(f"{path}/frames/6/thumbnail", headers=PNG).status_code == 404


@pytest.mark.requirement("WADO-58")
def test_a_thumbnail_shows_no_pixels_that_may_name_the_patient(client: httpx.Client) -> None:
    def thumbnail(dataset: Dataset) -> NDArray[np.uint8]:
        assert store(client, encode(dataset)).status_code == 200
        return pixels_of(client.get(f"{path_of(dataset)}/thumbnail", headers=PNG))

    captured = thumbnail(make_dataset())
    declared = thumbnail(make_ct(BurnedInAnnotation="YES"))
    clean = thumbnail(make_dataset(BurnedInAnnotation="NO"))
    label = thumbnail(make_ct(ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]))

    assert captured.ndim == declared.ndim == label.ndim == 3
    assert clean.ndim == 2


@pytest.mark.requirement("REN-13", "WADO-57", "REND-28", "REND-25")
def test_a_presentation_state_shows_the_images_that_it_references(client: httpx.Client) -> None:
    image = make_ct()
    state = make_state(image, PresentationLUTShape="INVERSE", ImageHorizontalFlip="Y", ImageRotation=0)
    assert store(client, encode(image), encode(state)).status_code == 200
    path = path_of(state)

    shown = pixels_of(client.get(f"{path}/rendered", headers=PNG))
    own = pixels_of(client.get(f"{path_of(image)}/rendered?window=40,400,linear", headers=PNG))

    assert (255 - own[:, ::-1].astype(int) == shown).all()
    assert client.get(f"{path}/rendered?window=40,400,linear", headers=PNG).status_code == 400
    assert client.get(f"{path}/rendered?viewport=10,10,0,0,5,5", headers=PNG).status_code == 400
    assert pixels_of(client.get(f"{path}/thumbnail", headers=PNG)).ndim == 3


def make_state(image: Dataset, **attributes: object) -> Dataset:
    """Return a grayscale presentation state for an image: window 40, 400."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedImageSequence = image.SeriesInstanceUID, [reference]
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = 40, 400
    state = make_dataset(
        SOPClassUID=GSPS,
        Modality="PR",
        StudyInstanceUID=image.StudyInstanceUID,
        SeriesInstanceUID=generate_uid(PREFIX),
        ReferencedSeriesSequence=[series],
        SoftcopyVOILUTSequence=[voi],
        **attributes,
    )
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(state, keyword)
    del state.PhotometricInterpretation, state.SamplesPerPixel
    return state


@pytest.mark.requirement("REN-22")
def test_a_result_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    dataset = make_ct()
    settings = {"RENDERING__MAX_PIXELS": "10000"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client() as client:
        assert store(client, encode(dataset)).status_code == 200
        large = client.get(f"{path_of(dataset)}/rendered?viewport=1000,1000", headers=ANY)
        small = client.get(f"{path_of(dataset)}/rendered", headers=ANY)

    assert (large.status_code, small.status_code) == (413, 200)
