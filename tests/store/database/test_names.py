from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.store.database.names import (
    grams_of,
    grams_of_pattern,
    is_close,
    near_patterns,
    spelled,
    tolerance,
    word_patterns,
    words_of,
)
from hilum.store.database.text import matches_pattern, name_key

LETTERS = st.text("abc^ 山田", max_size=12)
WORDS = st.text("abcd", min_size=1, max_size=11)


@pytest.mark.parametrize(
    "names",
    [
        ("Müller", "MUELLER", "muller", "Мюллер"),
        ("Groß", "Gross", "GROSS"),
        ("Sørensen", "Soerensen", "Sorensen", "Sörensen"),
        ("Åberg", "Aaberg", "aberg"),
        ("O'Neil", "ONeil", "O\u2019NEIL"),
        ("Иванов", "Ivanov"),
        ("Παπαδόπουλος", "Papadopoylos"),
        ("Łukasz", "Lukasz"),
        ("やまだ", "ヤマダ", "ﾔﾏﾀﾞ"),
    ],
)
@pytest.mark.requirement("SRCH-24")
def test_ways_to_spell_a_name_give_words_that_are_equal_or_close(names: tuple[str, ...]) -> None:
    first, *others = [words_of(name_key(name)) for name in names]

    for other in others:
        assert len(first) == len(other) == 1
        assert is_close(first[0], other[0])


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("lee", "leo"),
        ("smith", "smart"),
        ("meier", "beier"),
        ("jones", "johnson"),
        ("ivanov", "petrov"),
        ("kowalski", "kowal"),
        ("山田", "山口"),
        ("smith", ""),
    ],
)
@pytest.mark.requirement("SRCH-24")
def test_other_names_are_not_close(word: str, other: str) -> None:
    assert not is_close(word, other)


@given(WORDS, WORDS)
@settings(max_examples=300)
def test_every_close_word_fits_a_pattern(word: str, other: str) -> None:
    if is_close(word, other):
        assert any(matches_pattern(other, pattern) for pattern in near_patterns(word))


@given(WORDS, st.data())
@settings(max_examples=300)
def test_words_with_as_many_edits_as_are_tolerated_are_close_and_found(word: str, data: st.DataObject) -> None:
    other = word
    for _ in range(tolerance(word)):
        place = data.draw(st.integers(1, max(1, len(other) - 1)))
        edit = data.draw(st.sampled_from(["more", "less", "other", "swap"]))
        head, tail = other[:place], other[place:]
        other = {
            "more": head + "x" + tail,
            "less": head + tail[1:],
            "other": head + "x" + tail[1:],
            "swap": head + tail[1:2] + tail[:1] + tail[2:],
        }[edit]

    assert any(matches_pattern(other, pattern) for pattern in near_patterns(word))


@given(LETTERS, st.lists(st.sampled_from(["a", "b", "c", "^", "*", "?", "山", "田"]), max_size=8))
@settings(max_examples=500)
def test_a_name_that_fits_a_pattern_has_all_grams_of_it(name: str, pieces: list[str]) -> None:
    name, pattern = name_key(name), "".join(pieces)

    if matches_pattern(name, pattern):
        assert grams_of(name).issuperset(grams_of_pattern(pattern))


@given(st.text("abü*?^ -", max_size=12))
def test_words_of_patterns_hold_no_delimiters(text: str) -> None:
    for word in word_patterns(name_key(text)):
        assert word.strip("*")
        assert not {"^", " ", "-"} & set(word)


def test_words_are_bounded_by_letters() -> None:
    assert words_of("van der_berg-2^x.y") == ["van", "der", "berg", "2", "x", "y"]
    assert words_of("ъ") == []
    assert spelled("naïve") == "naïve"
