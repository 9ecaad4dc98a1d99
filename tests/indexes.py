"""What opens the index of a test."""

from __future__ import annotations

from typing import Protocol

from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy


class OpenIndex(Protocol):
    """Opens the index of a test once more, as another process would."""

    def __call__(
        self,
        policy: DuplicatePolicy = DuplicatePolicy.REJECT,
        instance_keys: tuple[str, ...] = (),
        scan_limit: int = 1000,
    ) -> Index: ...
