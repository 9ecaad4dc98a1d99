from __future__ import annotations

import io

import pytest
from PIL import Image

import archives
from hilum.archive.archive import Archive
from hilum.archive.rendering.thumbnails import retrieve_thumbnail
from hilum.dicom.resources import TargetResource
from hilum.errors import NotAcceptable, TargetNotFound
from hilum.render.parameters import RenderingParameters, Viewport
from hilum.wire.selection import Acceptable
from samples import make_series

ANY = Acceptable("*/*")
PLAIN = RenderingParameters()


def test_the_version_of_a_series_changes_with_its_instances(archive: Archive) -> None:
    first, second = make_series(2)
    series = TargetResource(first.StudyInstanceUID, first.SeriesInstanceUID)
    archives.stored(archive, first)
    before = retrieve_thumbnail(series, None, PLAIN, ANY, archive=archive).version
    again = retrieve_thumbnail(series, None, PLAIN, ANY, archive=archive).version
    archives.stored(archive, second)

    assert before == again != retrieve_thumbnail(series, None, PLAIN, ANY, archive=archive).version


@pytest.mark.requirement("REN-21")
def test_broken_pixels_have_an_icon(archive: Archive) -> None:
    (dataset,) = make_series(
        1, SOPClassUID="1.2.840.10008.5.1.4.1.1.2", PhotometricInterpretation="CMYK", SamplesPerPixel=1
    )
    archives.stored(archive, dataset)
    sized = RenderingParameters(viewport=Viewport(50, 70))

    for target in (archives.target_of(dataset), TargetResource(dataset.StudyInstanceUID)):
        data = retrieve_thumbnail(target, None, sized, ANY, archive=archive).render()
        assert Image.open(io.BytesIO(data)).size == (50, 50)


def test_what_is_not_there_or_not_acceptable_is_refused(archive: Archive) -> None:
    (dataset,) = make_series(1)
    archives.stored(archive, dataset)

    with pytest.raises(TargetNotFound):
        retrieve_thumbnail(TargetResource("1.2.3"), None, PLAIN, ANY, archive=archive)
    with pytest.raises(TargetNotFound):
        retrieve_thumbnail(archives.target_of(dataset), [2], PLAIN, ANY, archive=archive)
    with pytest.raises(NotAcceptable):
        retrieve_thumbnail(archives.target_of(dataset), None, PLAIN, Acceptable("text/html"), archive=archive)
