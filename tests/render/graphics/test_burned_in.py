from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.render.graphics.burned_in import annotate, patient_lines, technique_lines
from hilum.render.parameters import Annotation, Window
from render_sources import attributes

BOTH = frozenset(Annotation)


def made() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "Yamada^Tarou=山田^太郎"
    dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "P1", "19700102", "M"
    dataset.StudyDate, dataset.StudyTime, dataset.Modality = "20240102", "101112", "CT"
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.KVP, dataset.SliceThickness = 2, 7, 120, 1.25
    return dataset


@pytest.mark.requirement("REND-10")
def test_the_patient_is_named_in_each_script() -> None:
    assert list(patient_lines(attributes(made()))) == ["Yamada Tarou", "山田 太郎", "P1", "1970-01-02 M"]


@pytest.mark.requirement("REND-10")
def test_the_technique_names_the_window_that_is_shown() -> None:
    lines = [line for line in technique_lines(attributes(made()), 0, Window(40, 400)) if line]

    assert lines == ["2024-01-02 10:11 CT", "Se 2 Im 7", "120 kV ST 1.25 mm", "W 400 C 40"]


@pytest.mark.requirement("REN-14")
@pytest.mark.parametrize("background", [0, 128, 255])
@pytest.mark.parametrize("side", [64, 128, 512])
def test_text_reads_on_every_background_at_every_size(background: int, side: int) -> None:
    pixels = np.full((side, side), background, np.uint8)

    found = annotate(pixels, attributes(made()), BOTH, frame_index=0, window=None)

    assert found.min() == 0
    assert found.max() > 220
    # Nothing is cut: the border stays as it was.
    assert (found[[0, -1]] == background).all()


def test_lines_that_do_not_fit_are_left_out() -> None:
    pixels = np.zeros((30, 30), np.uint8)

    assert annotate(pixels, attributes(made()), BOTH, frame_index=0, window=None).shape == (30, 30)
    tiny = annotate(np.zeros((5, 5), np.uint8), attributes(made()), BOTH, frame_index=0, window=None)
    assert tiny.max() == 0
