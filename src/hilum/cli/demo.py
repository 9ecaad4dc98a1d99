"""Sample objects for a first look: those that come with pydicom."""

from __future__ import annotations

from hilum.config import Settings


def load_samples(settings: Settings) -> int:
    return 0
