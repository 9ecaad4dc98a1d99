import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.wire.media_types import MediaType, parse_media_type

_TOKENS = st.from_regex(r"[a-z0-9!#$&^_.+-]{1,12}", fullmatch=True)
_VALUES = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), min_size=1, max_size=20
)


@given(_TOKENS, _TOKENS, st.dictionaries(_TOKENS, _VALUES, max_size=4))
@settings(max_examples=200)
def test_what_is_written_is_read_again(main: str, sub: str, parameters: dict[str, str]) -> None:
    written = str(MediaType(main, sub, parameters))

    read = parse_media_type(written)

    assert (read.type, read.subtype, dict(read.parameters)) == (main, sub, parameters)


@pytest.mark.requirement("NEG-06")
@pytest.mark.parametrize(
    "text",
    [
        'multipart/related; type="application/dicom"; boundary=abc',
        "multipart/related;type=application/dicom;boundary=abc",
        'MULTIPART/Related ; TYPE = "application/dicom" ;; Boundary="abc" ;',
    ],
)
def test_spacing_case_and_quotes_of_parameters_do_not_matter(text: str) -> None:
    media_type = parse_media_type(text)

    assert media_type.essence == "multipart/related"
    assert media_type.parameters == {"type": "application/dicom", "boundary": "abc"}


@pytest.mark.requirement("MT-41")
def test_a_type_parameter_is_written_in_quotes() -> None:
    media_type = MediaType("multipart", "related", {"type": "application/dicom+json"})

    assert str(media_type) == 'multipart/related; type="application/dicom+json"'


@pytest.mark.requirement("TSX-04")
def test_of_a_repeated_parameter_the_first_counts() -> None:
    media_type = parse_media_type("application/dicom; transfer-syntax=1.2; Transfer-Syntax=*")

    assert media_type.parameters["transfer-syntax"] == "1.2"


def test_a_quoted_boundary_keeps_its_spaces_and_escapes() -> None:
    media_type = parse_media_type(r'multipart/related; boundary="a \"b\" c"')

    assert media_type.parameters["boundary"] == 'a "b" c'


@pytest.mark.parametrize("text", ["", "image", "image/", "/png", "image/png; q", "a/b; c=", 'a/b; c="d', "a b/c"])
def test_what_is_no_media_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="media type"):
        parse_media_type(text)


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_no_text_does_worse_than_a_value_error(text: str) -> None:
    try:
        media_type = parse_media_type(text)
    except ValueError:
        return

    assert parse_media_type(str(media_type)).essence == media_type.essence
