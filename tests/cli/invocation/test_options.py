from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cli.invocation.options import settings_of_run


def test_an_option_that_is_not_given_leaves_the_other_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_PORT", "81")

    settings = settings_of_run(None, {"port": None, "data": Path("/srv/a")}).settings

    assert (settings.port, settings.data) == (81, Path("/srv/a"))
