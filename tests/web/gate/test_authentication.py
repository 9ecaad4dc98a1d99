from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from hilum.web.gate.authentication import TokenFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text("# of the viewer\none\n\n  two  \n#three\n")
    return file


@pytest.mark.parametrize("header", ["Bearer one", "bearer two", "BEARER  one "])
def test_tokens_of_the_file_are_accepted(path: Path, header: str) -> None:
    assert TokenFile(path).accepts(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "one",
        "Basic one",
        "Bearer three",
        "Bearer #three",
        "Bearer on",
        "Bearer one two",
        "Bearer " + "x" * 9999,
        "Bearer \xe9",
    ],
)
def test_others_are_not(path: Path, header: str) -> None:
    assert not TokenFile(path).accepts(header)


def test_the_file_is_read_again_when_it_changes(path: Path) -> None:
    tokens = TokenFile(path)

    path.write_text("new\n")

    assert tokens.accepts("Bearer new")
    assert not tokens.accepts("Bearer one")


def test_a_file_put_in_its_place_is_seen_whatever_its_time(path: Path, tmp_path: Path) -> None:
    tokens = TokenFile(path)
    before = path.stat()
    other = tmp_path / "other"
    other.write_text(path.read_text().replace("one", "six"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))

    other.replace(path)

    assert tokens.accepts("Bearer six")
    assert not tokens.accepts("Bearer one")


def test_taking_the_file_away_takes_the_access_away(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokens = TokenFile(path)
    text = path.read_text()

    path.unlink()

    with caplog.at_level(logging.ERROR):
        assert not tokens.accepts("Bearer one")
        assert not tokens.accepts("Bearer one")
    assert len(caplog.records) == 1
    path.write_text(text)
    assert tokens.accepts("Bearer one")


def test_a_missing_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TokenFile(tmp_path / "none")
