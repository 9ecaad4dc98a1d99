"""Presentation states on pixels; the whole of one is held against an image that was looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.errors import NotAcceptable
from hilum.render.parameters import RenderingParameters, Viewport, Window
from render_sources import shown, source
from samples import make_dataset

APPROVED = Path(__file__).parent / "approved_state.png"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
PIXELS = (
    "PixelData",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "SamplesPerPixel",
)


def made_state(image: Dataset, sop_class_uid: str = GSPS, **attributes: Any) -> Dataset:
    reference, series = Dataset(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedImageSequence = image.SeriesInstanceUID, [reference]
    state = make_dataset(SOPClassUID=sop_class_uid, Modality="PR", ReferencedSeriesSequence=[series])
    for keyword in PIXELS:
        delattr(state, keyword)
    for keyword, value in attributes.items():
        setattr(state, keyword, value)
    return state


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def area(left: int, top: int, right: int, bottom: int, **attributes: Any) -> Dataset:
    return item(
        DisplayedAreaTopLeftHandCorner=[left, top],
        DisplayedAreaBottomRightHandCorner=[right, bottom],
        **{"PresentationSizeMode": "SCALE TO FIT", **attributes},
    )


def gradient(**attributes: Any) -> Dataset:
    """Return an image of 120 rows and 160 columns that gets brighter to the right and has a bright corner."""
    values = np.tile(np.linspace(0, 3000, 160).astype("<i2"), (120, 1))
    values[:20, :20] = 3000
    return make_dataset(
        Rows=120, Columns=160, BitsAllocated=16, BitsStored=12, HighBit=11, PixelData=values.tobytes(), **attributes
    )


def applied(archive: Archive, image: Dataset, state: Dataset, parameters: RenderingParameters | None = None) -> Any:
    return shown(source(archive, image), parameters, state=source(archive, state))


@pytest.mark.requirement("REN-13")
def test_without_a_voi_a_state_means_the_identity(archive: Archive) -> None:
    image = gradient(WindowCenter=1000, WindowWidth=100)

    found = applied(archive, image, made_state(image))

    assert found[60, 159] == np.floor(3000 / 4095 * 255 + 0.5)


@pytest.mark.requirement("REN-13", "REN-02")
def test_the_window_and_the_shape_of_the_state_hold(archive: Archive) -> None:
    image = gradient(PhotometricInterpretation="MONOCHROME1")
    windowed = made_state(image, SoftcopyVOILUTSequence=[item(WindowCenter=1500, WindowWidth=1000)])
    inverse = made_state(
        image, SoftcopyVOILUTSequence=[item(WindowCenter=1500, WindowWidth=1000)], PresentationLUTShape="INVERSE"
    )
    plain = shown(source(archive, gradient()), RenderingParameters(window=Window(1500, 1000)))

    # MONOCHROME1 does not invert once more: the shape of the state rules.
    assert (applied(archive, image, windowed) == plain).all()
    assert (applied(archive, image, inverse) == 255 - plain).all()


@pytest.mark.requirement("REN-13")
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_an_image_is_rotated_clockwise_and_then_flipped(archive: Archive, rotation: int, flip: str) -> None:
    image = gradient()
    plain = applied(archive, image, made_state(image))

    found = applied(archive, image, made_state(image, ImageRotation=rotation, ImageHorizontalFlip=flip))

    expected = np.rot90(plain, -rotation // 90)
    assert (found == (np.fliplr(expected) if flip == "Y" else expected)).all()


@pytest.mark.requirement("REN-13")
def test_the_displayed_area_crops_and_may_reach_outside(archive: Archive) -> None:
    image = gradient()
    plain = applied(archive, image, made_state(image))

    found = applied(archive, image, made_state(image, DisplayedAreaSelectionSequence=[area(-9, 11, 40, 60)]))

    assert found.shape == (50, 50)
    assert (found[:, 10:] == plain[10:60, :40]).all()
    assert found[:, :10].max() == 0


def test_magnification_scales_without_a_viewport(archive: Archive) -> None:
    image = gradient()
    magnified = area(1, 1, 80, 60, PresentationSizeMode="MAGNIFY", PresentationPixelMagnificationRatio=2.5)
    state = made_state(image, DisplayedAreaSelectionSequence=[magnified])

    assert applied(archive, image, state).shape == (150, 200)
    assert applied(archive, image, state, RenderingParameters(viewport=Viewport(40, 40))).shape == (30, 40)


def test_a_pseudo_color_state_gives_colours(archive: Archive) -> None:
    image = gradient()
    state = made_state(image, "1.2.840.10008.5.1.4.1.1.11.3")
    for number, channel in enumerate(("Red", "Green", "Blue")):
        setattr(state, f"{channel}PaletteColorLookupTableDescriptor", [256, 0, 8])
        setattr(state, f"{channel}PaletteColorLookupTableData", bytes(range(256)) if number == 0 else bytes(256))

    found = applied(archive, image, state)

    assert found.shape == (120, 160, 3)
    assert found[..., 1:].max() == 0
    assert found[60, 159, 0] > 180


@pytest.mark.parametrize(
    ("sop_class_uid", "attributes"),
    [
        ("1.2.840.10008.5.1.4.1.1.11.4", {}),
        ("1.2.840.10008.5.1.4.1.1.11.5", {}),
        (GSPS, {"ImageRotation": 45}),
        (GSPS, {"MaskSubtractionSequence": [item(MaskOperation="AVG_SUB")]}),
        (
            GSPS,
            {
                "GraphicAnnotationSequence": [
                    item(
                        GraphicObjectSequence=[
                            item(GraphicAnnotationUnits="MATRIX", GraphicType="POLYLINE", GraphicData=[0, 0, 9, 9])
                        ]
                    )
                ]
            },
        ),
    ],
)
def test_what_is_not_applied_is_refused_and_never_passed_over(
    archive: Archive, sop_class_uid: str, attributes: dict[str, Any]
) -> None:
    image = gradient()

    with pytest.raises(NotAcceptable):
        applied(archive, image, made_state(image, sop_class_uid, **attributes))


def overlay(state: Dataset) -> Dataset:
    bits = np.zeros((120, 160), np.uint8)
    bits[100:110, 100:150] = 1
    state.add_new(0x60000010, "US", 120)
    state.add_new(0x60000011, "US", 160)
    state.add_new(0x60000040, "CS", "G")
    state.add_new(0x60000050, "SS", [1, 1])
    state.add_new(0x60000100, "US", 1)
    state.add_new(0x60000102, "US", 0)
    state.add_new(0x60001001, "CS", "OVERLAY")
    state.add_new(0x60003000, "OW", np.packbits(bits.ravel(), bitorder="little").tobytes())
    return state


def everything(image: Dataset) -> Dataset:
    graphics = [
        item(
            GraphicAnnotationUnits="PIXEL",
            GraphicType="POLYLINE",
            GraphicData=[30, 30, 90, 30, 90, 60],
            GraphicFilled="N",
        ),
        item(GraphicAnnotationUnits="PIXEL", GraphicType="CIRCLE", GraphicData=[60, 70, 60, 85], GraphicFilled="N"),
        item(
            GraphicAnnotationUnits="PIXEL",
            GraphicType="ELLIPSE",
            GraphicData=[90, 80, 130, 80, 110, 70, 110, 90],
            GraphicFilled="Y",
        ),
        item(GraphicAnnotationUnits="PIXEL", GraphicType="POINT", GraphicData=[40, 80], GraphicFilled="N"),
        item(
            GraphicAnnotationUnits="DISPLAY",
            GraphicType="INTERPOLATED",
            GraphicData=[0.1, 0.9, 0.4, 0.8, 0.7, 0.95, 0.95, 0.85],
            GraphicFilled="N",
        ),
    ]
    texts = [
        item(
            UnformattedTextValue="Лезия 病変",
            BoundingBoxAnnotationUnits="PIXEL",
            BoundingBoxTopLeftHandCorner=[35, 35],
            BoundingBoxBottomRightHandCorner=[80, 45],
        ),
        item(UnformattedTextValue="Area 3 cm²", AnchorPointAnnotationUnits="DISPLAY", AnchorPoint=[0.5, 0.05]),
    ]
    return overlay(
        made_state(
            image,
            SoftcopyVOILUTSequence=[item(WindowCenter=1500, WindowWidth=3000)],
            PresentationLUTShape="INVERSE",
            ImageRotation=90,
            ImageHorizontalFlip="Y",
            DisplayedAreaSelectionSequence=[area(11, 6, 155, 118)],
            ShutterShape="RECTANGULAR",
            ShutterLeftVerticalEdge=14,
            ShutterRightVerticalEdge=150,
            ShutterUpperHorizontalEdge=10,
            ShutterLowerHorizontalEdge=115,
            ShutterPresentationValue=0,
            GraphicLayerSequence=[
                item(
                    GraphicLayer="L",
                    GraphicLayerOrder=1,
                    GraphicLayerRecommendedDisplayCIELabValue=[50000, 20000, 50000],
                )
            ],
            GraphicAnnotationSequence=[
                item(GraphicLayer="L", GraphicObjectSequence=graphics, TextObjectSequence=texts)
            ],
        )
    )


@pytest.mark.requirement("REN-13", "WADO-57")
def test_a_state_with_everything_gives_the_approved_image(archive: Archive) -> None:
    image = gradient()

    found = applied(archive, image, everything(image), RenderingParameters(viewport=Viewport(480, 480)))

    # Text is drawn alike by every version of the fonts' rasteriser, but for the shades of its edges.
    difference = np.abs(found.astype(int) - np.asarray(Image.open(APPROVED)))
    assert (difference > 64).mean() < 0.001
