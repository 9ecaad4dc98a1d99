from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, bindparam, select

from hilum.store.database import tables, text
from hilum.store.database.database import Database, Kind, Session, Value, transaction
from hilum.store.rows.keys import inserting

ANY_TEXT = st.text(st.characters(), max_size=40)
PATTERNS = st.text(st.sampled_from("ab*?"), max_size=8)


def awkward_strings() -> list[str]:
    """200 strings that databases disagree on: case, accents, wildcards, escapes, width, order, planes."""
    fixed = [
        *("", " ", "a", "A", "á", "a\u0301", "Å", "ß", "SS", "ss", "İ", "i", "\u0131", "\u017f", "%", "_", "\\", "*"),
        *("?", "[", "]", "[a]", "[^a]", "a%b", "a_b", "a\\b", "a\\%b", "a[b", "'", '"', "''", "\t", "\n", "\x1f"),
        *("\x7f", "\x80", "山田^太郎", "ﾔﾏﾀﾞ", "やまだ", "김희중", "Яна", "\u200b", "\ufeff", "\ufffd", "\U0001f9b4"),
        *("\U0010ffff", "-1", "01", "1e5", "10", "9", "a-b", "a b", "a  b", "aa", "ab", "Zz", "zZ", "é", "e\u0301"),
        *("\uff21", "①", "½", "\ufb01"),
    ]
    alphabet = "aAbB%_\\*?[]^-. 'é\u0301ßÅ山\U0001f9b4\ufffd"
    dice = random.Random(5)
    made = ["".join(dice.choices(alphabet, k=dice.randint(1, 6))) for _ in range(400)]
    return list(dict.fromkeys([*fixed, *made]))[:200]


def stored(session: Session, strings: list[str]) -> None:
    rows: list[dict[str, Value]] = [
        {"owner": 1, "path": "p", "item": "", "position": number, "value": text.storable(one), "rest": ""}
        for number, one in enumerate(strings)
    ]
    session.run_many(inserting(tables.study_key).inline(), rows)


@pytest.fixture
def filled(database: Database) -> Database:
    """Return a database whose study keys are the awkward strings."""

    def fill(session: Session) -> None:
        with transaction(session, database.kind):
            if database.kind is Kind.POSTGRESQL:
                session.control("SET LOCAL session_replication_role = replica")
            stored(session, awkward_strings())

    database.read(fill)
    return database


KEY = tables.study_key.c


def found(database: Database, condition: ColumnElement[bool], **values: str) -> set[str]:
    statement = select(KEY.value).where(condition)
    return {row[0] for row in database.read(lambda session: session.rows(statement, values))}


def test_both_databases_keep_and_compare_200_awkward_strings_binary(filled: Database) -> None:
    strings = awkward_strings()
    statement = select(KEY.value).order_by(KEY.value)

    in_order = [row[0] for row in filled.read(lambda session: session.rows(statement, {}))]

    assert len(strings) == 200
    assert in_order == sorted(strings)
    for one in strings:
        assert found(filled, KEY.value == bindparam("v"), v=one) == {one}


def test_both_databases_find_prefixes_by_the_same_range(filled: Database) -> None:
    strings = awkward_strings()
    for prefix in [one[:length] for one in strings for length in (1, 2) if len(one) >= length]:
        end = text.prefix_end(prefix)
        expected = {one for one in strings if one.startswith(prefix)}

        if end is None:
            assert found(filled, KEY.value >= bindparam("v"), v=prefix) == expected
        else:
            condition = (KEY.value >= bindparam("v")) & (KEY.value < bindparam("w"))
            assert found(filled, condition, v=prefix, w=end) == expected


def test_both_databases_fit_patterns_as_our_own_matching_does(filled: Database) -> None:
    strings = awkward_strings()
    wild = [one for one in strings if "*" in one or "?" in one]
    for pattern in [*wild, *(f"*{one}" for one in strings[:60]), *(f"{one}?*" for one in strings[:60])]:
        if filled.kind is Kind.SQLITE:
            got = found(filled, KEY.value.bool_op("GLOB")(bindparam("v")), v=text.glob_pattern(pattern))
        else:
            got = found(filled, KEY.value.like(bindparam("v"), escape="\\"), v=text.like_pattern(pattern))

        assert got == {one for one in strings if text.matches_pattern(one, pattern)}, pattern


@given(st.text(st.characters(exclude_categories=()), max_size=20))
@settings(max_examples=100)
def test_storable_text_is_utf_8_without_nul(one: str) -> None:
    kept = text.storable(one)

    assert "\0" not in kept
    assert kept.encode().decode() == kept
    assert text.storable(kept) == kept


@given(ANY_TEXT)
@settings(max_examples=200)
def test_folding_twice_changes_nothing_and_hides_case(one: str) -> None:
    once = text.folded(one)

    assert text.folded(once) == once
    assert text.folded(one.upper().lower()) == text.folded(one.lower().upper().lower())


@given(ANY_TEXT, ANY_TEXT)
@settings(max_examples=200)
def test_a_prefix_is_exactly_the_range_up_to_its_end(prefix: str, one: str) -> None:
    end = text.prefix_end(prefix)

    for candidate in (one, prefix + one):
        inside = candidate >= prefix and (end is None or candidate < end)
        assert inside == candidate.startswith(prefix)


@given(PATTERNS, st.text("ab", max_size=10))
@settings(max_examples=300)
def test_pattern_matching_agrees_with_plain_backtracking(pattern: str, one: str) -> None:
    def fits(at: int, inside: int) -> bool:
        if inside == len(pattern):
            return at == len(one)
        if pattern[inside] == "*":
            return any(fits(start, inside + 1) for start in range(at, len(one) + 1))
        return at < len(one) and pattern[inside] in {"?", one[at]} and fits(at + 1, inside + 1)

    assert text.matches_pattern(one, pattern) == fits(0, 0)


def test_hostile_patterns_cost_no_more_than_the_product_of_the_lengths() -> None:
    assert not text.matches_pattern("a" * 1000, "*a" * 100 + "b")


@pytest.mark.parametrize(
    ("written", "key"),
    [("1", "1"), ("01", "1"), ("1.0", "1"), (" 1 ", "1"), ("-0", "0"), ("1e3", "1000"), (".5", "0.5"), ("1,5", "1,5")],
)
def test_numbers_have_one_key_however_they_are_written(written: str, key: str) -> None:
    assert text.number_key(written) == key


def test_a_number_of_a_huge_exponent_stays_short() -> None:
    assert len(text.number_key("1e999")) < 10


@given(st.dates(), st.dates(), st.sampled_from(["", "101500.000000"]))
@settings(max_examples=100)
def test_order_keys_ascend_as_dates_descend(one: object, other: object, time: str) -> None:
    first, second = (str(date).replace("-", "") for date in (one, other))

    if first > second:
        assert text.order_key(first, time, "9") < text.order_key(second, time, "1")
    assert text.order_key(first, time, "9") < text.order_key("", "", "1")
    assert text.order_key(first, "120000.000000", "9") < text.order_key(first, "", "1")


def test_long_column_keys_are_bounded_and_still_tell_texts_apart() -> None:
    one, other = "x" * 500 + "1", "x" * 500 + "2"

    assert len(text.column_key(one)) == text.KEY_LENGTH
    assert text.column_key(one) != text.column_key(other)
    assert text.column_key(one).startswith("x" * 100)
