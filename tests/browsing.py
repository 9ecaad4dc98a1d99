"""What tests in a browser share: how it is started, and what it did on the way."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM = shutil.which("chromium")
IMAGES = Path(__file__).parents[1] / "docs" / "images"
Open = Callable[..., Page]


@dataclass
class Watch:
    """What the browser did on the way."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Parts of messages of the console that a test brings about on purpose."""

    def unexpected(self) -> list[str]:
        return [text for text in self.errors if not any(part in text for part in self.allowed)]


def until(page: Page, expression: str, timeout_s: float = 20.0) -> None:
    """Wait until an expression is true in the page; Playwright's own way needs `eval`, which the page's policy forbids."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(50)
