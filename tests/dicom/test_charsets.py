"""Specific Character Set."""

from __future__ import annotations

import pydicom.charset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.valuerep import PersonName

from hilum.dicom.charsets import character_set, text_as_utf8

_SETS = {
    "ISO_IR 100": "Müller Ægir ÿ",
    "ISO_IR 101": "Žižka łódź",
    "ISO_IR 109": "Ħaġar",
    "ISO_IR 110": "Ķēniņš",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 127": "قباني",
    "ISO_IR 138": "שרון",
    "ISO_IR 144": "\u041b\u044e\u043a\u0441\u0435\u043c",
    "ISO_IR 148": "Çavuşoğlu",
    "ISO_IR 166": "นามสกุล",
    "ISO_IR 13": "ﾔﾏﾀﾞ",
    "ISO_IR 192": "王^小東 😀",
    "GB18030": "王小东😀",
    "GBK": "王小东",
}


@pytest.mark.requirement("JSON-40")
@pytest.mark.parametrize(("term", "text"), _SETS.items())
def test_every_single_set_is_decoded(term: str, text: str) -> None:
    raw = pydicom.charset.encode_string(text, pydicom.charset.convert_encodings([term]))

    assert character_set(term.encode()).values(raw) == text


@pytest.mark.parametrize(
    ("terms", "raw", "text"),
    [
        (  # PS3.5 annex H.3.1
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (  # PS3.5 annex H.3.2
            b"ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (  # PS3.5 annex I.2
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (  # PS3.5 annex K.2
            b"\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
        ),
        (
            b"ISO 2022 IR 100\\ISO 2022 IR 144",
            b"M\xfcller^\x1b-L\xbb\xee\xda",
            "Müller^Люк",
        ),
    ],
)
def test_code_extensions_of_person_names_are_followed(terms: bytes, raw: bytes, text: str) -> None:
    assert character_set(terms).names(raw) == text
    if b"IR 58" not in terms:  # of which pydicom leaves the escape sequences in the text
        assert str(PersonName(raw, pydicom.charset.convert_encodings(terms.decode().split("\\")))) == text


@pytest.mark.requirement("JSON-28")
def test_a_backslash_byte_inside_of_a_character_separates_nothing() -> None:
    assert character_set(b"GB18030").values(b"\x90\x5c\\A").split("\\") == ["怽", "A"]
    assert character_set(b"GBK").values(b"\x81\x5c") == b"\x81\x5c".decode("gbk")
    # The second half of this character of JIS X 0208 is 5CH.
    assert character_set(b"\\ISO 2022 IR 87").values(b"\x1b$B%\\\x1b(B\\B").split("\\") == ["\u30dc", "B"]


def test_a_delimiter_brings_the_first_set_back() -> None:
    charset = character_set(b"ISO 2022 IR 100\\ISO 2022 IR 144")

    assert charset.values(b"\x1b-L\xbb\\\xfc") == "Л\\ü"
    assert charset.text(b"\x1b-L\xbb\r\n\xfc") == "Л\r\nü"
    assert charset.names(b"\x1b-L\xbb^\xfc=\xfc") == "Л^ü=ü"


@pytest.mark.requirement("JSON-45")
def test_what_cannot_be_decoded_becomes_replacement_characters() -> None:
    assert character_set(b"ISO_IR 192").text(b"a\xffb") == "a\ufffdb"


@pytest.mark.parametrize("terms", [b"ISO-IR 100", b"iso_ir 100", b"ISO_IR100 ", b"ISO 2022 IR 100", b"ISO2022 IR 100"])
def test_misspelt_terms_are_understood(terms: bytes) -> None:
    assert character_set(terms).values(b"\xfc") == "ü"


@pytest.mark.parametrize("terms", [b"", b"nonsense", b"\xff\xfe", b"os\\path", b"ISO_IR 99999"])
def test_unknown_terms_are_the_default_repertoire(terms: bytes) -> None:
    assert character_set(terms).values(b"A\xfc") == "Aü"


@pytest.mark.requirement("JSON-39")
def test_bulk_text_becomes_utf8() -> None:
    assert text_as_utf8(b"M\xfcller\\x ", "ISO_IR 100") == "Müller\\x".encode()
    assert text_as_utf8(b"\x1b$B;3ED\x1b(B", "\\ISO 2022 IR 87") == "山田".encode()
    assert text_as_utf8(b"abc\0", "") == b"abc"


@given(terms=st.binary(max_size=40), raw=st.binary(max_size=60))
@settings(max_examples=200)
def test_no_bytes_fail_under_any_terms(terms: bytes, raw: bytes) -> None:
    charset = character_set(terms)

    for decode in (charset.text, charset.values, charset.names):
        decode(raw).encode()


@given(
    raw=st.lists(
        st.sampled_from([b"\x1b$B", b"\x1b(B", b"\x1b$)C", b"\x1b", b"\\", b"^", b";3", b"\xb0\xa1", b"A"])
    ).map(b"".join)
)
@settings(max_examples=200)
def test_no_escape_sequences_fail(raw: bytes) -> None:
    charset = character_set(b"\\ISO 2022 IR 87\\ISO 2022 IR 149")

    for decode in (charset.text, charset.values, charset.names):
        decode(raw).encode()
