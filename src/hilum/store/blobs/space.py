"""Storage that is full, as the condition that transactions know."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hilum.errors import OutOfResources

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def full_is_out_of_resources() -> Iterator[None]:
    """Turn what the system says of a full disk, quota or file into `OutOfResources`; also around uses of a spool."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutOfResources("The storage of this origin server is full.") from error
        raise
