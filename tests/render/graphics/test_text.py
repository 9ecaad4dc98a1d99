from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.render.graphics.text import cleaned, draw_line, runs_of, text_width, wrapped

SCRIPTS = [
    "Müller",
    "Иванова",
    "Παπαδόπουλος",
    "山田太郎",
    "김철수",
    "عبد الله",
    "כהן",
    "สมชาย",
    "अमित",
    "ნინო",
    "Nguyễn",
]
INKS = ((255, 255, 255), (0, 0, 0))


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_is_drawn_with_glyphs_of_its_own(text: str) -> None:
    image, missing = Image.new("L", (400, 40)), Image.new("L", (400, 40))

    draw_line(image, (4, 4), text, size=20, inks=INKS)
    draw_line(missing, (4, 4), "\U0010fffd" * len(text), size=20, inks=INKS)

    assert np.asarray(image).max() == 255
    assert (np.asarray(image) != np.asarray(missing)).any()


def test_a_line_of_several_scripts_is_cut_into_runs() -> None:
    runs = list(runs_of("Yamada 山田 Tarō"))

    assert [run.text for run in runs] == ["Yamada ", "山田 ", "Tarō"]
    assert runs[0].font == runs[2].font != runs[1].font


def test_lines_are_no_wider_than_asked() -> None:
    lines = wrapped("one two three Donaudampfschifffahrtsgesellschaft", 12, 60)

    assert "".join(lines).replace(" ", "") == "onetwothreeDonaudampfschifffahrtsgesellschaft"
    assert all(text_width(line, 12) <= 60 for line in lines)


def test_control_characters_are_no_text() -> None:
    assert cleaned(" a\x00b\x1bc\n") == "a b c"
