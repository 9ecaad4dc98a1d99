from __future__ import annotations

import pytest

from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.documents.characters import CODECS, accepted_charset, charset_parameter, encoded_page, encoded_text
from hilum.render.documents.html import page


@pytest.mark.requirement("CHR-04")
@pytest.mark.parametrize("text", ["", "*", "unknown", "utf-8;q=0", "a,,b", "utf-8, *"])
def test_a_parameter_that_names_no_set_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        charset_parameter(text)


@pytest.mark.requirement("CHR-05", "CHR-06")
def test_unknown_names_of_the_header_are_passed_over() -> None:
    assert accepted_charset("unknown, gb18030;q=0.3") == "gb18030"
    assert accepted_charset("unknown") == "utf-8"


@pytest.mark.parametrize("charset", list(CODECS))
def test_each_set_holds_its_own_name_and_any_page(charset: str) -> None:
    text = encoded_page(page("Ω山", "ж"), charset).decode(CODECS[charset])

    assert f'<meta charset="{charset}">' in text


@pytest.mark.requirement("CHR-08")
def test_text_that_a_set_lacks_is_not_acceptable() -> None:
    assert encoded_text("Jörg", "iso-8859-1") == b"J\xf6rg"
    with pytest.raises(NotAcceptable):
        encoded_text("山", "iso-8859-1")
