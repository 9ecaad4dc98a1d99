from __future__ import annotations

import io

import pydicom
import pytest

import archives
from hilum.archive.archive import Archive
from hilum.archive.rewriting.travelling import travelling_object
from hilum.errors import NotAcceptable
from samples import encode, make_dataset, packaged_objects

EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT = "1.2.840.10008.1.2"


@pytest.mark.requirement("URI-46", "TSX-01", "TSX-02", "TSX-03", "TSX-05")
@pytest.mark.parametrize(
    ("name", "wanted", "expected"),
    [
        ("CT_small.dcm", None, EXPLICIT),
        ("MR_small_implicit.dcm", None, EXPLICIT),
        ("MR_small_implicit.dcm", "*", EXPLICIT),
        ("MR_small_bigendian.dcm", "*", EXPLICIT),
        ("image_dfl.dcm", "*", DEFLATED),
        ("image_dfl.dcm", None, EXPLICIT),
        ("CT_small.dcm", DEFLATED, DEFLATED),
        ("CT_small.dcm", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.90"),
        ("MR_small_RLE.dcm", None, EXPLICIT),
        ("MR_small_RLE.dcm", "*", "1.2.840.10008.1.2.5"),
        ("SC_rgb_jpeg_dcmtk.dcm", None, "1.2.840.10008.1.2.4.50"),
        ("SC_rgb_jpeg_dcmtk.dcm", EXPLICIT, EXPLICIT),
    ],
)
def test_an_object_travels_in_the_syntax_asked_for(
    archive: Archive, name: str, wanted: str | None, expected: str
) -> None:
    path = packaged_objects()[name]
    instance = archives.stored(archive, pydicom.dcmread(path), path.read_bytes())

    form = travelling_object(instance, wanted, archive=archive)
    body = b"".join(form.chunks())

    assert form.transfer_syntax_uid == expected
    assert form.length in (None, len(body))
    found = pydicom.dcmread(io.BytesIO(body))
    assert found.file_meta.TransferSyntaxUID == expected
    assert found.pixel_array.shape == pydicom.dcmread(path).pixel_array.shape


@pytest.mark.requirement("URI-45")
@pytest.mark.parametrize("wanted", [IMPLICIT, "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.50", "1.2.3"])
def test_what_cannot_be_made_names_what_can(archive: Archive, wanted: str) -> None:
    dataset = make_dataset(BitsAllocated=16, BitsStored=16, HighBit=15, PixelData=bytes(32))
    instance = archives.stored(archive, dataset, encode(dataset, IMPLICIT))

    with pytest.raises(NotAcceptable):
        travelling_object(instance, wanted, archive=archive)
