"""Web-based Image Capture (IHE WIC, RAD-108): what phones and cameras send becomes instances of the right study."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from typer.testing import CliRunner

from captures import (
    DICOM_JSON,
    DICOM_XML,
    LOCATION,
    PDF,
    PICTURE,
    attributes,
    capture,
    picture,
    stored_by,
    with_file,
)
from dicomweb import JSON, store, values
from hilum.cli.main import app
from movies import movie
from samples import encode, make_dataset
from servers import Server

FILES = {
    "image/jpeg": (picture("JPEG"), uid.JPEGBaseline8Bit, uid.VLPhotographicImageStorage),
    "image/png": (picture("PNG"), uid.ExplicitVRLittleEndian, uid.VLPhotographicImageStorage),
    "video/mp4": (movie(), "1.2.840.10008.1.2.4.102", uid.VideoPhotographicImageStorage),
    "video/quicktime": (
        movie(brand=b"qt  "),
        "1.2.840.10008.1.2.4.102",
        uid.VideoPhotographicImageStorage,
    ),
    "application/pdf": (PDF, uid.ExplicitVRLittleEndian, uid.EncapsulatedPDFStorage),
}
RENDERED = {"image/jpeg": "image/jpeg", "image/png": "image/jpeg", "video/mp4": "video/mp4"}


def only(found: list[Dataset]) -> Dataset:
    (one,) = found
    return one


@pytest.mark.requirement("IHE-WIC-01", "IHE-WIC-02", "IHE-WIC-13", "IHE-WIC-15")
@pytest.mark.parametrize("form", [DICOM_JSON, DICOM_XML])
@pytest.mark.parametrize("media_type", FILES)
def test_a_file_with_the_least_metadata_becomes_an_instance_of_its_study(
    client: httpx.Client, media_type: str, form: str
) -> None:
    content, syntax, sop_class = FILES[media_type]
    patient = make_dataset(PatientID="W1", PatientName="Müller^Jörg", StudyDescription="Wound")
    assert store(client, encode(patient)).status_code == 200
    study = str(patient.StudyInstanceUID)
    model = attributes(StudyInstanceUID=study, PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 192")

    response = capture(
        client, [with_file(model, media_type)], [(media_type, LOCATION, content)], form=form, study=study
    )

    found = only(stored_by(client, response))
    assert response.status_code == 200
    assert (found.file_meta.TransferSyntaxUID, found.SOPClassUID) == (syntax, sop_class)
    assert (found.StudyInstanceUID, str(found.PatientName), found.PatientID) == (study, "Müller^Jörg", "W1")
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
    (listed,) = client.get(f"/studies?StudyInstanceUID={study}", headers=JSON).json()
    assert values(listed, "00201208") == [2]
    if media_type in RENDERED:
        path = f"/studies/{study}/series/{found.SeriesInstanceUID}/instances/{found.SOPInstanceUID}/rendered"
        shown = client.get(path, headers={"Accept": RENDERED[media_type]})
        assert (shown.status_code, shown.headers["content-type"]) == (200, RENDERED[media_type])


@pytest.mark.requirement("IHE-WIC-02", "IHE-WIC-14")
@pytest.mark.parametrize("form", [DICOM_JSON, DICOM_XML])
def test_one_request_holds_several_instances_each_with_its_outcome(client: httpx.Client, form: str) -> None:
    model = attributes(SeriesInstanceUID="1.2.8.1")
    names = ("image/jpeg", "application/pdf", "video/mp4")
    models = [with_file(model, name, f"file/{name}") for name in names] + [with_file(model, "image/jpeg", "nowhere")]
    models = [{**one, "00080018": {"vr": "UI", "Value": [str(uid.generate_uid())]}} for one in models]
    models[1]["0020000E"] = {"vr": "UI", "Value": ["1.2.8.2"]}

    response = capture(client, models, [(name, f"file/{name}", FILES[name][0]) for name in names], form=form)

    assert response.status_code == 202
    module = response.json()
    assert len(values(module, "00081199")) == 3
    assert all(values(item, "00081190")[0].startswith(str(client.base_url)) for item in values(module, "00081199"))
    (failed,) = values(module, "00081198")
    assert values(failed, "00081155") == values(models[3], "00080018")
    assert values(failed, "00081197") == [0xC000]
    assert values(module, "00081190")[0].endswith(values(model, "0020000D")[0])
    assert len(stored_by(client, response)) == 3


@pytest.mark.requirement("IHE-WIC-03", "IHE-WIC-04", "IHE-WIC-16")
def test_a_jpeg_is_kept_with_its_exif_and_described_from_its_bytes(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned: viewers of the file turn it back.
    content = picture("JPEG", exif=exif, quality=80)

    found = only(
        stored_by(client, capture(client, [with_file(attributes(), "image/jpeg")], [("image/jpeg", LOCATION, content)]))
    )

    (frame,) = generate_frames(found.PixelData, number_of_frames=1)
    assert frame.rstrip(b"\0") == content.rstrip(b"\0")
    described = (found.Rows, found.Columns, found.SamplesPerPixel, found.BitsAllocated, found.BitsStored, found.HighBit)
    assert described == (24, 32, 3, 8, 8, 7)
    assert (found.PhotometricInterpretation, found.PixelRepresentation, found.PlanarConfiguration) == (
        "YBR_FULL_422",
        0,
        0,
    )
    assert (found.LossyImageCompression, found.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert found.LossyImageCompressionRatio > 1


@pytest.mark.requirement("IHE-WIC-05")
def test_attributes_that_contradict_the_image_are_corrected_and_told(client: httpx.Client) -> None:
    model = with_file(attributes(Rows=999, Columns=1), "image/jpeg")

    response = capture(client, [model], [("image/jpeg", LOCATION, FILES["image/jpeg"][0])])

    (item,) = values(response.json(), "00081199")
    assert (response.status_code, values(item, "00081196")) == (202, [0xB000])
    assert (only(stored_by(client, response)).Rows, only(stored_by(client, response)).Columns) == (24, 32)


@pytest.mark.requirement("IHE-WIC-06", "IHE-WIC-09")
@pytest.mark.parametrize("media_type", ["video/mp4", "video/quicktime"])
def test_a_video_is_encapsulated_with_its_rate_and_length(client: httpx.Client, media_type: str) -> None:
    content = movie(profile=100, level=41, frames=50, brand=b"qt  " if media_type == "video/quicktime" else b"isom")

    response = capture(client, [with_file(attributes(), media_type)], [(media_type, LOCATION, content)])

    found = only(stored_by(client, response))
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.102"
    assert (found.NumberOfFrames, found.Rows, found.Columns, found.CineRate) == (50, 48, 64, 25)
    assert float(found.FrameTime) == 40


@pytest.mark.requirement("IHE-WIC-06", "IHE-WIC-14")
def test_a_video_that_no_transfer_syntax_fits_is_refused_with_a_reason(client: httpx.Client) -> None:
    content = movie(codec=b"vp09")

    response = capture(client, [with_file(attributes(), "video/mp4")], [("video/mp4", LOCATION, content)])

    assert response.status_code == 409
    module = response.json()
    (failed,) = values(module, "00081198") if "00081198" in module else values(module, "0008119A")
    assert values(failed, "00081197") == [0xC000]
    assert values(values(failed, "00741048")[0], "00000902")[0]


@pytest.mark.requirement("IHE-WIC-07")
def test_a_pdf_is_an_even_document_of_its_own_length(client: httpx.Client) -> None:
    content = PDF + b" " * (1 - len(PDF) % 2)
    assert len(content) % 2

    found = only(
        stored_by(
            client,
            capture(client, [with_file(attributes(), "application/pdf")], [("application/pdf", LOCATION, content)]),
        )
    )

    assert found.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert (found.EncapsulatedDocumentLength, len(found.EncapsulatedDocument)) == (len(content), len(content) + 1)
    assert found.EncapsulatedDocument[: len(content)] == content


@pytest.mark.requirement("IHE-WIC-07", "IHE-WIC-02")
@pytest.mark.parametrize("form", [DICOM_JSON, DICOM_XML])
@pytest.mark.parametrize(
    "sop_class",
    [uid.BasicTextSRStorage, uid.KeyObjectSelectionDocumentStorage, uid.GrayscaleSoftcopyPresentationStateStorage],
)
def test_documents_may_be_metadata_alone(client: httpx.Client, sop_class: str, form: str) -> None:
    text = Dataset()
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", "A finding."
    uids = {keyword: uid.generate_uid() for keyword in ("SOPInstanceUID", "SeriesInstanceUID")}
    model = attributes(SOPClassUID=sop_class, Modality="SR", ValueType="CONTAINER", ContentSequence=[text], **uids)

    found = only(stored_by(client, capture(client, [model], form=form)))

    assert found.SOPClassUID == sop_class
    assert found.ContentSequence[0].TextValue == "A finding."


PALETTE = Image.fromarray(PICTURE).quantize(16)
DEEP = np.random.default_rng(9).integers(0, 65535, (24, 32), dtype=np.uint16)
PNGS: dict[str, tuple[bytes, Any]] = {
    "a palette": (picture("PNG", PALETTE), np.asarray(PALETTE.convert("RGB"))),
    "alpha": (picture("PNG", np.dstack([PICTURE, PICTURE[..., :1]])), PICTURE),
    "16 bits": (picture("PNG", DEEP), DEEP),
    "grey": (picture("PNG", PICTURE[..., 0].copy()), PICTURE[..., 0]),
}


@pytest.mark.requirement("IHE-WIC-08")
@pytest.mark.parametrize("name", PNGS)
def test_a_png_is_stored_without_loss(client: httpx.Client, name: str) -> None:
    content, pixels = PNGS[name]

    found = only(
        stored_by(client, capture(client, [with_file(attributes(), "image/png")], [("image/png", LOCATION, content)]))
    )

    assert np.array_equal(found.pixel_array, pixels)
    assert "LossyImageCompression" not in found or found.LossyImageCompression == "00"


CLASSES = (
    "1.2.840.10008.5.1.4.1.1.77.1.4",
    "1.2.840.10008.5.1.4.1.1.77.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.2",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.7.1",
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.2.1",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.104.1",
    "1.2.840.10008.5.1.4.1.1.104.2",
    "1.2.840.10008.5.1.4.1.1.88.59",
    "1.2.840.10008.5.1.4.1.1.88.11",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.11.1",
    "2.25.1",
)


@pytest.mark.requirement("IHE-WIC-10")
def test_objects_of_all_these_classes_are_stored_without_loss(client: httpx.Client) -> None:
    objects = {str(one.SOPInstanceUID): one for one in (make_dataset(SOPClassUID=uid.UID(name)) for name in CLASSES)}

    response = store(client, *map(encode, objects.values()))

    assert response.status_code == 200
    for found in stored_by(client, response):
        assert encode(found) == encode(objects[str(found.SOPInstanceUID)])


@pytest.mark.requirement("IHE-WIC-11")
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_objects_without_their_uids_are_refused(client: httpx.Client, keyword: str) -> None:
    data_set = make_dataset()
    delattr(data_set, keyword)

    response = store(client, encode(data_set))

    assert response.status_code == 409
    (failed,) = values(response.json(), "0008119A")
    assert values(failed, "00081197") == [0xC000]


@pytest.mark.requirement("IHE-WIC-11")
def test_metadata_without_a_patient_get_empty_attributes(client: httpx.Client) -> None:
    model = {tag: value for tag, value in attributes().items() if not tag.startswith("0010")}

    response = capture(client, [with_file(model, "image/jpeg")], [("image/jpeg", LOCATION, FILES["image/jpeg"][0])])

    found = only(stored_by(client, response))
    assert (found.PatientID, found.PatientName, found.PatientBirthDate) == ("", "", "")


@pytest.mark.requirement("IHE-WIC-12")
def test_another_study_than_that_of_the_path_is_refused(client: httpx.Client) -> None:
    model = with_file(attributes(), "image/jpeg")

    response = capture(client, [model], [("image/jpeg", LOCATION, FILES["image/jpeg"][0])], study="1.2.8.404")

    assert response.status_code == 409
    assert client.get("/studies/1.2.8.404/metadata", headers=JSON).status_code == 404


@pytest.mark.requirement("IHE-WIC-13")
def test_text_keeps_what_it_says_in_the_character_set_of_the_metadata(client: httpx.Client) -> None:
    model = attributes(PatientName="Buc^Jérôme", SpecificCharacterSet="ISO_IR 100")

    found = only(
        stored_by(
            client,
            capture(client, [with_file(model, "image/png")], [("image/png", LOCATION, FILES["image/png"][0])]),
        )
    )

    # JSON-43: the declared set if it holds all of the text.
    assert (found.SpecificCharacterSet, str(found.PatientName)) == ("ISO_IR 100", "Buc^Jérôme")


@pytest.mark.requirement("IHE-WIC-01", "IHE-WIC-15")
def test_plain_files_are_sent_by_the_command_line(server: Server, client: httpx.Client, tmp_path: Path) -> None:
    endings = {
        "image/jpeg": "photo.jpg",
        "image/png": "scan.png",
        "video/mp4": "clip.mp4",
        "video/quicktime": "clip.mov",
        "application/pdf": "letter.pdf",
    }
    folder = tmp_path / "in"
    folder.mkdir()
    for media_type, name in endings.items():
        (folder / name).write_bytes(FILES[media_type][0])
    known = make_dataset(PatientID="W9", PatientName="Roe^Richard")
    assert store(client, encode(known)).status_code == 200
    study = str(known.StudyInstanceUID)
    options = ["--study", study, "--set", "PatientID=W9", "--set", "PatientName=Roe^Richard"]

    result = CliRunner().invoke(
        app, ["send", server.url, str(folder), *options, "--set", "StudyDescription=Wound of the left hand"]
    )

    assert result.exit_code == 0, result.output
    listed = client.get(f"/studies/{study}/instances?includefield=PatientID", headers=JSON).json()
    assert len(listed) == 6
    classes = {values(one, "00080016")[0] for one in listed}
    assert classes == {str(known.SOPClassUID), *(str(sop_class) for *_, sop_class in FILES.values())}
    (found,) = client.get(f"/studies?StudyInstanceUID={study}&includefield=StudyDescription", headers=JSON).json()
    assert values(found, "00081030") == ["Wound of the left hand"]
    assert values(found, "00100020") == ["W9"]


def test_what_comes_back_can_be_read_by_others(client: httpx.Client) -> None:
    response = capture(
        client, [with_file(attributes(), "image/jpeg")], [("image/jpeg", LOCATION, FILES["image/jpeg"][0])]
    )

    found = only(stored_by(client, response))
    buffer = io.BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    assert pydicom.dcmread(io.BytesIO(buffer.getvalue())).pixel_array.shape == (24, 32, 3)
