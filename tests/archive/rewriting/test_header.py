from __future__ import annotations

import io

import pydicom

import archives
from hilum.archive.archive import Archive
from hilum.archive.rewriting.header import read_header, written_header
from samples import make_dataset

EXPLICIT = "1.2.840.10008.1.2.1"


def test_a_header_that_is_written_anew_reads_as_before(shared_archive: Archive) -> None:
    dataset = make_dataset(PatientName="Äpfel^Jörg", PatientComments="x" * 9_000)
    header = read_header(archives.stored(shared_archive, dataset), archive=shared_archive)

    found = pydicom.dcmread(io.BytesIO(written_header(header.data_set, EXPLICIT)))

    del dataset.PixelData
    assert found == dataset
    assert header.pixel_data is not None
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.preamble == bytes(128)


def test_an_object_without_pixels_is_all_header(shared_archive: Archive) -> None:
    dataset = make_dataset()
    del dataset.PixelData

    header = read_header(archives.stored(shared_archive, dataset), archive=shared_archive)

    assert header.pixel_data is None
    assert header.data_set == dataset
