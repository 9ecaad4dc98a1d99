"""Studies for a viewer to open: small ones, whose look is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    PositronEmissionTomographyImageStorage,
    SegmentationStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from hilum.dicom.pixels.encode import encode_frame
from hilum.dicom.pixels.pixel_format import PixelFormat
from samples import PREFIX, encode, make_dataset

SIDE: Final = 128
"""Rows and columns of each image."""
WINDOW: Final = (40, 400)
"""Centre and width of the window in each CT."""
HOUNSFIELD: Final = ((-60, 240), (140, 40))
"""Values of the four quadrants of each CT: a quarter of 255 when shown in the window; white; three quarters; half."""

_COMPRESSED: Final = (JPEG2000Lossless, HTJ2KLossless)


def quadrants(values: Sequence[Sequence[int]]) -> NDArray[np.int16]:
    """Return an image of four even quadrants."""
    return np.repeat(np.repeat(np.array(values, np.int16), SIDE // 2, axis=0), SIDE // 2, axis=1)


def ct_series(count: int, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> list[bytes]:
    """Return the instances of one CT: axial slices 1 mm apart."""
    return [encode(dataset, transfer_syntax_uid) for dataset in ct_datasets(count, transfer_syntax_uid)]


def ct_datasets(count: int, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> list[Dataset]:
    """Return the data sets of `ct_series`."""
    study, series, frame_of_reference = (generate_uid(PREFIX) for _ in range(3))
    pixels = (quadrants(HOUNSFIELD) + 1024).astype(np.uint16).tobytes()
    if transfer_syntax_uid in _COMPRESSED:
        layout = PixelFormat(SIDE, SIDE, 1, 16, 16, 15, 0, "MONOCHROME2", 0, 1)
        stream = encode_frame(pixels, transfer_syntax_uid=transfer_syntax_uid, source=layout)
        pixels = encapsulate([stream])
    return [_ct_slice(number, pixels, (study, series, frame_of_reference)) for number in range(1, count + 1)]


def _ct_slice(number: int, pixels: bytes, uids: tuple[str, str, str]) -> Dataset:
    dataset = make_dataset(
        SOPClassUID=CTImageStorage,
        StudyInstanceUID=uids[0],
        SeriesInstanceUID=uids[1],
        FrameOfReferenceUID=uids[2],
        Modality="CT",
        SeriesDescription="Quadrants",
        StudyDescription="Phantom",
        InstanceNumber=number,
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        RescaleIntercept=-1024,
        RescaleSlope=1,
        RescaleType="HU",
        WindowCenter=WINDOW[0],
        WindowWidth=WINDOW[1],
        KVP=120,
        AcquisitionNumber=1,
        PositionReferenceIndicator="",
    )
    _place(dataset, number)
    _set_words(dataset, pixels)
    return dataset


def _place(dataset: Dataset, number: int) -> None:
    dataset.ImagePositionPatient = [-64, -64, number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [1, 1]
    dataset.SliceThickness = 1
    dataset.SliceLocation = number


def _set_words(dataset: Dataset, pixels: bytes) -> None:
    dataset.Rows = dataset.Columns = SIDE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OW"


def ultrasound(frames: int) -> bytes:
    """Return a colour ultrasound of several frames; the first is red, green, blue and white in its quadrants."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    half = SIDE // 2
    picture[:half, :half] = (255, 0, 0)
    picture[:half, half:] = (0, 255, 0)
    picture[half:, :half] = (0, 0, 255)
    picture[half:, half:] = (255, 255, 255)
    dataset = make_dataset(
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        Modality="US",
        SeriesDescription="Cine",
        NumberOfFrames=frames,
        FrameTime=40,
        FrameIncrementPointer=0x00181063,
        ImageType=["ORIGINAL", "PRIMARY", "", "0001"],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        Rows=SIDE,
        Columns=SIDE,
        PixelData=b"".join(np.roll(picture, shift, axis=0).tobytes() for shift in range(frames)),
    )
    return encode(dataset)


def pdf_document() -> bytes:
    """Return an encapsulated PDF of one page that is red all over."""
    return encode(
        _without_pixels(
            SOPClassUID=EncapsulatedPDFStorage,
            Modality="DOC",
            SeriesDescription="Report",
            DocumentTitle="Red",
            MIMETypeOfEncapsulatedDocument="application/pdf",
            BurnedInAnnotation="NO",
            EncapsulatedDocument=red_pdf(),
        )
    )


def red_pdf() -> bytes:
    """Return a PDF of one page, filled with red."""
    content = b"1 0 0 rg 0 0 200 200 re f"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    )
    document = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj%s endobj\n" % (number, body)
    start = len(document)
    document += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    return document + b" " * (len(document) % 2)


def _without_pixels(**attributes: object) -> Dataset:
    dataset = make_dataset(**attributes)
    for keyword in (
        "PixelData",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "SamplesPerPixel",
        "PhotometricInterpretation",
    ):
        delattr(dataset, keyword)
    return dataset


def structured_report() -> bytes:
    """Return a Basic Text SR with one finding."""
    dataset = _without_pixels(
        SOPClassUID=BasicTextSRStorage,
        Modality="SR",
        SeriesDescription="Findings",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=_code("121111", "DCM", "Summary"),
        ContinuityOfContent="SEPARATE",
        CompletionFlag="COMPLETE",
        VerificationFlag="UNVERIFIED",
        ContentDate="20240102",
        ContentTime="101112",
    )
    finding = Dataset()
    finding.RelationshipType = "CONTAINS"
    finding.ValueType = "TEXT"
    finding.ConceptNameCodeSequence = _code("121071", "DCM", "Finding")
    finding.TextValue = "A red square of 200 points."
    dataset.ContentSequence = Items([finding])
    return encode(dataset)


def _code(value: str, scheme: str, meaning: str) -> Items:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Items([item])


def segmentation_of(images: Sequence[Dataset]) -> bytes:
    """Return a segmentation of a CT: one segment, the right half of each slice."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, SIDE // 2 :] = 1
    first = images[0]
    dataset = make_dataset(
        SOPClassUID=SegmentationStorage,
        StudyInstanceUID=first.StudyInstanceUID,
        FrameOfReferenceUID=first.FrameOfReferenceUID,
        Modality="SEG",
        SeriesNumber=2,
        SeriesDescription="Right half",
        ContentLabel="RIGHT_HALF",
        ContentDescription="",
        ContentCreatorName="Test",
        ImageType=["DERIVED", "PRIMARY"],
        SegmentationType="BINARY",
        NumberOfFrames=len(images),
        LossyImageCompression="00",
        Rows=SIDE,
        Columns=SIDE,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        PixelData=np.packbits(np.tile(mask, (len(images), 1, 1)).ravel(), bitorder="little").tobytes(),
    )
    dataset["PixelData"].VR = "OB"
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = 1, "Right half", "MANUAL"
    segment.SegmentedPropertyCategoryCodeSequence = _code("123037004", "SCT", "Anatomical structure")
    segment.SegmentedPropertyTypeCodeSequence = _code("85756007", "SCT", "Tissue")
    dataset.SegmentSequence = Items([segment])
    dataset.ReferencedSeriesSequence = Items([_referenced_series(images)])
    dataset.DimensionOrganizationSequence, dataset.DimensionIndexSequence = _dimensions()
    shared = Dataset()
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = first.ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness, measures.SpacingBetweenSlices = first.PixelSpacing, 1, 1
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([orientation]), Items([measures])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    dataset.PerFrameFunctionalGroupsSequence = Items(
        [_frame_groups(number, image) for number, image in enumerate(images, 1)]
    )
    return encode(dataset)


def _referenced_series(images: Sequence[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ReferencedInstanceSequence = Items([_reference(image) for image in images])
    return series


def _reference(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def _dimensions() -> tuple[Items, Items]:
    organization, index = Dataset(), []
    organization.DimensionOrganizationUID = generate_uid(PREFIX)
    for pointer, group in ((0x0062000B, 0x0062000A), (0x00200032, 0x00209113)):
        item = Dataset()
        item.DimensionOrganizationUID = organization.DimensionOrganizationUID
        item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, group
        index.append(item)
    return Items([organization]), Items(index)


def _frame_groups(number: int, image: Dataset) -> Dataset:
    content, position, identification, source, derivation = (Dataset() for _ in range(5))
    content.DimensionIndexValues = [1, number]
    position.ImagePositionPatient = image.ImagePositionPatient
    identification.ReferencedSegmentNumber = 1
    source = _reference(image)
    source.PurposeOfReferenceCodeSequence = _code("121322", "DCM", "Source image for image processing operation")
    derivation.SourceImageSequence = Items([source])
    derivation.DerivationCodeSequence = _code("113076", "DCM", "Segmentation")
    groups = Dataset()
    groups.FrameContentSequence, groups.PlanePositionSequence = Items([content]), Items([position])
    groups.SegmentIdentificationSequence = Items([identification])
    groups.DerivationImageSequence = Items([derivation])
    return groups


SUV_SCALE_FACTOR: Final = 0.0005
"""Of `pet_series`, in g/ml a count."""


def pet_series(count: int, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> list[bytes]:
    """Return a PET in counts: only a private value says how they become SUV."""
    study, series, frame_of_reference = (generate_uid(PREFIX) for _ in range(3))
    instances = []
    for number in range(1, count + 1):
        dataset = make_dataset(
            SOPClassUID=PositronEmissionTomographyImageStorage,
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            FrameOfReferenceUID=frame_of_reference,
            Modality="PT",
            SeriesDescription="Counts",
            InstanceNumber=number,
            SeriesDate="20240102",
            SeriesTime="101112",
            AcquisitionDate="20240102",
            AcquisitionTime="101112",
            ImageType=["ORIGINAL", "PRIMARY"],
            Units="CNTS",
            CountsSource="EMISSION",
            SeriesType=["WHOLE BODY", "IMAGE"],
            CorrectedImage=["ATTN", "DECY"],
            DecayCorrection="START",
            # Of another sex than these two OHIF calculates no SUV, not even by weight.
            PatientSex="F",
            PatientWeight=70,
            PatientSize=1.75,
            RescaleIntercept=0,
            RescaleSlope=2,
            NumberOfSlices=count,
            ImageIndex=number,
            FrameReferenceTime=0,
            ActualFrameDuration=60000,
        )
        radiopharmaceutical = Dataset()
        radiopharmaceutical.RadiopharmaceuticalStartTime = "091112"
        radiopharmaceutical.RadionuclideTotalDose = 370000000
        radiopharmaceutical.RadionuclideHalfLife = 6586.2
        dataset.RadiopharmaceuticalInformationSequence = Items([radiopharmaceutical])
        dataset.add_new(0x70530010, "LO", "Philips PET Private Group")
        dataset.add_new(0x70531000, "DS", str(SUV_SCALE_FACTOR))
        _place(dataset, number)
        _set_words(dataset, quadrants(((1000, 2000), (4000, 8000))).astype(np.uint16).tobytes())
        instances.append(encode(dataset, transfer_syntax_uid))
    return instances
