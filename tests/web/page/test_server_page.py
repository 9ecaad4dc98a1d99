from __future__ import annotations

from pathlib import Path

from hilum.config import Settings
from hilum.store.rows.records import Totals
from hilum.web.page.server_page import describe, shown_settings


def settings() -> Settings:
    return Settings(
        data=Path("/srv/secret-folder"),
        index_url="postgresql://hilum:password@db.example/hilum",
        token_file=Path("/etc/secret-tokens"),
    )


def test_neither_passwords_nor_paths_are_told() -> None:
    shown = shown_settings(settings())

    assert (shown["index_url"], shown["token_file"], shown["tls_key"]) == ("postgresql", True, False)
    assert not any(word in str(shown) for word in ("password", "db.example", "secret"))


def test_figures_and_versions_are_told() -> None:
    page = describe(Totals(studies=1, series=2, instances=3, size_bytes=4), settings(), {"service": "dicomweb"})

    assert page["totals"] == {"studies": 1, "series": 2, "instances": 3, "bytes": 4}
    assert {"hilum", "python", "sqlite"} <= set(page["versions"])
