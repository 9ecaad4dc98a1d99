"""Person names as fuzzy matching and the postings of searches see them: words, how close they are, and grams.

*Words* are what stands between the delimiters of a name, written in Latin letters where a simple table can do that,
so that one name spelled in several ways gives words that are equal or close: `Müller`, `Mueller` and `Мюллер`.
*Grams* are short runs of characters: a name that holds a text holds all grams of that text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_PATTERN_WORD: Final = re.compile(r"(?:[^\W_]|[*?])+")
_APOSTROPHES: Final = re.compile("['`\u2019\u02bc]")
# A vowel's second letter is how many languages write a mark: ue for ü, aa for å.
_DIGRAPH: Final = re.compile("([aou])e|aa")


def _table(pairs: str) -> dict[int, str]:
    return {ord(pair[0]): pair[1:].strip("-") for pair in pairs.split()}


_LATIN: Final = {
    # Latin letters that decomposition leaves alone.
    **_table("øo æa œo łl đd ðd þth ıi ħh ŧt ŋng əe"),  # noqa: RUF001 - the letters are meant
    # Cyrillic, without marks.
    **_table("аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ- ыy ь- эe юyu яya"),  # noqa: RUF001 - the letters are meant
    **_table("іi єe ґg ђdj јj љlj њnj ћc џdz ѕdz"),  # noqa: RUF001 - the letters are meant
    # Greek, without accents.
    **_table("αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ρr σs τt υy φf χch ψps ωo"),  # noqa: RUF001 - the letters are meant
    # Hiragana as katakana.
    **{code: chr(code + 0x60) for code in range(0x3041, 0x3097)},
}

_FIRST_IDEOGRAPHIC: Final = "\u2e80"
"""From here on a character says as much as a syllable or a word."""


def words_of(name: str) -> list[str]:
    """Return the words of a name, each once, in order.

    Args:
        name: as `text.folded` or `text.name_key` gives it.

    >>> words_of("muller-ludenscheidt^jorg"), words_of("o'neil^мария")
    (['muller', 'ludenscheidt', 'jorg'], ['oneil', 'mariya'])
    """
    found = (spelled(word) for word in _WORD.findall(_APOSTROPHES.sub("", name)))
    return list(dict.fromkeys(word for word in found if word))


def spelled(text: str) -> str:
    """Return folded text in Latin letters where a table knows them, without the second letter of a marked vowel.

    >>> spelled("mueller"), spelled("сергеи"), spelled("山田")
    ('muller', 'sergei', '山田')
    """
    return _DIGRAPH.sub(lambda match: match[1] or "a", text.translate(_LATIN))


def tolerance(word: str) -> int:
    """Return how many edits away from a word others still match: none in a short one or one of syllables.

    >>> tolerance("lee"), tolerance("smith"), tolerance("kowalski"), tolerance("山田太郎")
    (0, 1, 2, 0)
    """
    if len(word) < 4 or max(word) >= _FIRST_IDEOGRAPHIC:
        return 0
    return 1 if len(word) < 8 else 2


def is_close(word: str, other: str) -> bool:
    """Return whether `other` matches `word`: at most `tolerance(word)` edits away, with the same first letter.

    An edit is a letter more, less or another, or two neighbours changed round.

    >>> is_close("smith", "smiht"), is_close("smith", "smyth"), is_close("smith", "kmith"), is_close("smith", "smart")
    (True, True, False, False)
    """
    if word == other:
        return True
    most = tolerance(word)
    if not other or word[0] != other[0] or abs(len(word) - len(other)) > most:
        return False
    return _edits(word, other, most) <= most


def _edits(word: str, other: str, most: int) -> int:
    """Return the edits between two words, neighbours that changed places counted once; above `most`, some such number.

    Words of an index often begin alike, so the common beginning goes first and hopeless words end early.
    """
    start = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    # A letter before what differs may have changed places with it.
    word, other = word[max(0, start - 1) :], other[max(0, start - 1) :]
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(word):
        earlier, before, row = before, row, [place + 1]
        for column, sign in enumerate(other):
            least = min(before[column] + (letter != sign), before[column + 1] + 1, row[column] + 1)
            if place and column and letter == other[column - 1] and word[place - 1] == sign:
                least = min(least, earlier[column - 1] + 1)
            row.append(least)
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]


def near_patterns(word: str) -> list[str]:
    """Return patterns of which every word fits one that `word` is close to; a `*` stands for any run of letters.

    Cut into one piece more than there are edits, a word keeps one piece unharmed; only two neighbours that changed
    places across a cut harm two pieces, so the word is tried with these changed back as well.

    >>> near_patterns("lee"), near_patterns("smith")
    (['lee'], ['sm*', '*ith*', 'simth'])
    """
    return list(dict.fromkeys(_near(word, tolerance(word))))


def _near(word: str, edits: int) -> Iterator[str]:
    if not edits:
        yield word
        return
    size = len(word) // (edits + 1)
    cuts = [size * number for number in range(1, edits + 1)]
    for start, stop in pairwise([0, *cuts, len(word)]):
        yield f"{'*' if start else ''}{word[start:stop]}*"
    for cut in cuts:
        yield from _near(word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :], edits - 1)


def word_patterns(name: str) -> list[str]:
    """Return the words of a name with wildcards, each once; a `*` inside a word may stand for a delimiter too.

    Args:
        name: as `text.folded` gives it.

    >>> word_patterns("smith-jones^j*"), word_patterns("van*berg^?o"), word_patterns("^*")
    (['smith', 'jones', 'j*'], ['van*', '*berg', '?o'], [])
    """
    found = []
    for token in _PATTERN_WORD.findall(_APOSTROPHES.sub("", name)):
        runs = token.split("*")
        for place, run in enumerate(runs):
            if run:
                found.append(f"{'*' if place else ''}{spelled(run)}{'*' if place + 1 < len(runs) else ''}")
    return list(dict.fromkeys(word for word in found if word.strip("*")))


_START: Final = "^"
_END: Final = "$"
"""What grams of a name's beginning, and of its end, begin with."""


def grams_of(name: str) -> set[str]:
    """Return the grams of a component group by which patterns find it: runs of letters, and how it begins.

    >>> sorted(grams_of("smith^li"))
    ['$^li', '^s', '^sm', 'ith', 'mit', 'smi']
    """
    if not name:
        return set()
    return {*_runs(name), *(_START + name[:size] for size in (1, 2) if len(name) >= size), _END + name[-3:]}


def grams_of_pattern(pattern: str) -> list[str]:
    """Return grams that every name has which fits the pattern; those that say most come first.

    >>> grams_of_pattern("smith^j*"), grams_of_pattern("*ith?"), grams_of_pattern("s*"), grams_of_pattern("*a*")
    (['smi', 'mit', 'ith', '^sm'], ['ith'], ['^s'], [])
    >>> grams_of_pattern("*smith")
    ['$ith', 'smi', 'mit', 'ith']
    """
    literals = re.split(r"[*?]", pattern)
    found = [gram for literal in sorted(literals, key=len, reverse=True) for gram in _runs(literal)]
    if literals[0]:
        found.append(_START + literals[0][:2])
    if len(literals[-1]) >= 3:
        found.insert(0, _END + literals[-1][-3:])
    return list(dict.fromkeys(found))


def _runs(text: str) -> Iterator[str]:
    """Yield three letters in a row, or two that are a syllable or more each; never across a delimiter."""
    for place in range(len(text) - 1):
        run = text[place : place + 2]
        if min(run) < _FIRST_IDEOGRAPHIC:
            run = text[place : place + 3]
            if len(run) < 3 or max(run) >= _FIRST_IDEOGRAPHIC:
                continue
        if not {"^", " "} & set(run):
            yield run
