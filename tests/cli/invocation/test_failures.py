from __future__ import annotations

from hilum.cli.invocation.failures import ExitStatus


def test_exit_statuses_tell_incomplete_from_refused() -> None:
    assert (ExitStatus.SUCCESS, ExitStatus.INCOMPLETE, ExitStatus.REFUSED) == (0, 1, 2)
