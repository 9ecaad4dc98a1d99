from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hilum.config import MissingAccept, Settings


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting by its dotted name."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def test_each_setting_says_what_it_means() -> None:
    for name, field in fields(Settings):
        assert field.description, name
        assert re.search(r"[.;)]$", field.description), name


def test_without_settings_the_server_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HILUM_HOST", raising=False)

    settings = Settings()

    assert (settings.host, settings.allow_anonymous, settings.cors.allowed_origins) == ("127.0.0.1", False, ())
    assert settings.http.missing_accept is MissingAccept.STANDARD
    assert settings.store.duplicates == "reject"


def test_variables_are_read_with_their_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_SEARCH__MAX_RESULTS", "7")
    monkeypatch.setenv("HILUM_CORS__ALLOWED_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("HILUM_HTTP__MISSING_ACCEPT", "406")

    settings = Settings()

    assert settings.search.max_results == 7
    assert settings.cors.allowed_origins == ("https://a.example", "https://b.example")
    assert settings.http.missing_accept is MissingAccept.REFUSE


@pytest.mark.parametrize(
    "wrong",
    [
        {"sotre": {}},
        {"store": {"duplicate": "keep"}},
        {"store": {"duplicates": "merge"}},
        {"port": 0},
        {"port": 70000},
        {"search": {"max_results": 0}},
        {"search": {"empty": 404}},
        {"http": {"dicomweb_root": "no-slash"}},
        {"http": {"dicomweb_root": "/with/../dots/"}},
        {"http": {"dicomweb_root": "/{study}"}},
        {"trash": {"keep_days": -1}},
    ],
    ids=str,
)
def test_what_is_misspelt_or_senseless_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


@pytest.mark.parametrize("root", ["", "/dicomweb", "/radiology/dicom-web"])
def test_roots_are_paths_without_a_slash_at_the_end(root: str) -> None:
    assert Settings.model_validate({"http": {"dicomweb_root": root}}).http.dicomweb_root == root


def test_settings_never_change() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.port = 1
    with pytest.raises(ValidationError):
        settings.store.nesting = 1
