from __future__ import annotations

import io
from collections.abc import Iterator

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage

import archives
from hilum.archive.archive import Archive
from hilum.archive.rewriting.deidentified import deidentified_object, deidentified_source
from hilum.dicom.confidentiality.basic_profile import ACTIONS
from hilum.errors import NotAcceptable
from samples import encode, make_dataset, packaged_objects

SECRET = "SECRET"


def make_ct(**attributes: object) -> Dataset:
    values = {"SOPClassUID": CTImageStorage, "ImageType": ["ORIGINAL", "PRIMARY"], **attributes}
    return make_dataset(**values)


def anonymous(archive: Archive, dataset: Dataset, data: bytes | None = None) -> tuple[Dataset, bytes]:
    instance = archives.stored(archive, dataset, data)
    form = deidentified_object(instance, None, archive=archive)
    body = b"".join(form.chunks())
    assert form.length in (None, len(body))
    return pydicom.dcmread(io.BytesIO(body)), body


def texts(dataset: Dataset) -> Iterator[str]:
    """Yield every value of an attribute that the profile removes or replaces, if it is long enough to be found."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from texts(item)
        elif int(element.tag) in ACTIONS or element.tag.is_private:
            text = element.value if isinstance(element.value, str) else ""
            if len(text) > 4 and not text.startswith("1.2.840.10008."):
                yield text


@pytest.mark.requirement("DEID-01", "DEID-03", "DEID-04", "DEID-05")
@pytest.mark.parametrize(
    "name",
    [
        *("CT_small.dcm", "693_J2KR.dcm", "emri_small_RLE.dcm", "emri_small_big_endian.dcm", "eCT_Supplemental.dcm"),
        *("color3d_jpeg_baseline.dcm", "gdcm-US-ALOKA-16.dcm", "explicit_VR-UN.dcm"),
    ],
)
def test_no_value_of_the_profile_survives_in_real_objects(archive: Archive, name: str) -> None:
    path = packaged_objects()[name]
    dataset = pydicom.dcmread(path)

    found, body = anonymous(archive, dataset, path.read_bytes())

    head = body[: body.rfind(b"\xe0\x7f\x10\x00")]
    # A value that stands in an attribute that the profile keeps as well is nobody's.
    kept = {str(element.value) for element in dataset.iterall() if int(element.tag) not in ACTIONS}
    for text in set(texts(dataset)) - kept:
        assert text.encode() not in head, text
    assert not any(element.tag.is_private for element in found.iterall())
    assert found.PatientIdentityRemoved == "YES"
    assert found.pixel_array.shape == dataset.pixel_array.shape


@pytest.mark.requirement("DEID-01", "DEID-03")
def test_nested_private_and_unknown_values_go(archive: Archive) -> None:
    inner = Dataset()
    inner.PatientName, inner.ReferencedSOPInstanceUID = f"{SECRET}^Inner", "1.2.3.4.5"
    inner.add_new(0x00110010, "LO", SECRET)
    dataset = make_ct(PatientName=f"{SECRET}^Outer", OtherPatientIDs=SECRET, InstitutionName=SECRET)
    dataset.ReferencedImageSequence = Sequence([inner])
    dataset.add_new(0x00090010, "LO", SECRET)
    dataset.add_new(0x00091001, "UN", SECRET.encode())
    dataset.add_new(0x60004000, "LT", SECRET)
    data = encode(dataset)
    # After the pixel data: trailing padding may hold anything.
    dataset.add_new(0xFFFCFFFC, "OB", SECRET.encode())

    found, body = anonymous(archive, dataset, data)

    assert SECRET.encode() not in body
    assert found.ReferencedImageSequence[0].ReferencedSOPInstanceUID != "1.2.3.4.5"


@pytest.mark.requirement("DEID-02")
def test_the_same_uids_become_the_same(archive: Archive) -> None:
    dataset = make_ct()

    first, second = (anonymous(archive, dataset)[0] for _ in range(2))

    assert first == second
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID


@pytest.mark.requirement("DEID-06")
@pytest.mark.parametrize(
    "dataset",
    [
        make_dataset(),
        make_ct(BurnedInAnnotation="YES"),
        make_ct(RecognizableVisualFeatures="YES"),
        make_ct(ContentSequence=[Dataset()]),
    ],
)
def test_what_cannot_be_cleaned_is_refused(archive: Archive, dataset: Dataset) -> None:
    instance = archives.stored(archive, dataset)

    with pytest.raises(NotAcceptable):
        deidentified_object(instance, None, archive=archive)
    with pytest.raises(NotAcceptable):
        deidentified_source(instance, archive=archive)


@pytest.mark.requirement("DEID-07")
def test_a_source_of_rendering_names_nobody(archive: Archive) -> None:
    dataset = make_ct(PatientName=f"{SECRET}^Outer")

    source = deidentified_source(archives.stored(archive, dataset), archive=archive)

    assert source.attributes.text("PatientName") == ""
    assert source.resource_path == ""
    with pytest.raises(NotAcceptable):
        source.read_object()
