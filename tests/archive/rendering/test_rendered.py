from __future__ import annotations

import pytest

import archives
from hilum.archive.archive import Archive
from hilum.archive.rendering.rendered import retrieve_rendered
from hilum.dicom.resources import TargetResource
from hilum.errors import InvalidRequest, NotAcceptable, TargetNotFound
from hilum.render.parameters import RenderingParameters, Viewport, Window
from hilum.wire.selection import Acceptable, Packaging
from samples import make_dataset, make_series

PLAIN = RenderingParameters()
MULTIPART = Acceptable("multipart/related; type=image/png")


def test_what_has_no_rendered_form_is_left_out_and_counted(archive: Archive) -> None:
    images = make_series(2)
    del images[1].PixelData
    images[1].SOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    for image in images:
        archives.stored(archive, image)
    study = TargetResource(images[0].StudyInstanceUID)

    found = retrieve_rendered(study, None, PLAIN, MULTIPART, archive=archive)

    assert (len(found.parts), found.left_out) == (1, 1)
    assert found.parts[0].offer.packaging is Packaging.MULTIPART
    assert found.parts[0].render().startswith(b"\x89PNG")


def test_versions_differ_by_frame_and_by_parameter(archive: Archive) -> None:
    dataset = make_dataset(NumberOfFrames=2, PixelData=bytes(32))
    archives.stored(archive, dataset)
    target = archives.target_of(dataset)

    def version(frame: int, parameters: RenderingParameters) -> str:
        return retrieve_rendered(target, [frame], parameters, Acceptable("*/*"), archive=archive).parts[0].version

    versions = {version(1, PLAIN), version(2, PLAIN), version(1, RenderingParameters(viewport=Viewport(2, 2)))}

    assert len(versions) == 3
    assert version(1, PLAIN) in versions


def test_a_named_presentation_state_must_exist_be_one_and_take_no_window(archive: Archive) -> None:
    dataset, other = make_dataset(), make_dataset()
    for stored in (dataset, other):
        archives.stored(archive, stored)

    def render(state: TargetResource, window: Window | None = None) -> None:
        parameters = RenderingParameters(presentation_state=state, window=window)
        retrieve_rendered(archives.target_of(dataset), None, parameters, Acceptable("*/*"), archive=archive)

    for state in (TargetResource("1.2", "1.3", "1.4"), archives.target_of(other)):
        with pytest.raises(InvalidRequest):
            render(state)


def test_an_object_without_rendered_form_is_not_acceptable(archive: Archive) -> None:
    dataset = make_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.66")
    del dataset.PixelData
    archives.stored(archive, dataset)

    with pytest.raises(NotAcceptable):
        retrieve_rendered(archives.target_of(dataset), None, PLAIN, Acceptable("*/*"), archive=archive)
    with pytest.raises(TargetNotFound):
        retrieve_rendered(archives.target_of(dataset), [1], PLAIN, Acceptable("*/*"), archive=archive)
