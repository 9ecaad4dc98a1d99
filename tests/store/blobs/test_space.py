from __future__ import annotations

import errno

import pytest

from hilum.errors import OutOfResources
from hilum.store.blobs.space import full_is_out_of_resources


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_quota_or_file_is_want_of_resources(number: int) -> None:
    with pytest.raises(OutOfResources), full_is_out_of_resources():
        raise OSError(number, "full")


def test_other_errors_of_the_system_stay_what_they_are() -> None:
    with pytest.raises(PermissionError), full_is_out_of_resources():
        raise PermissionError(errno.EACCES, "denied")
