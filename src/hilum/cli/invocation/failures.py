"""How a command ends when it cannot do what it was asked."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of `hilum`."""

    SUCCESS = 0
    INCOMPLETE = 1
    """The command ran, and something in its report failed."""
    REFUSED = 2
    """The command could not run: wrong options, settings or surroundings."""
    INTERRUPTED = 130


class CommandFailed(Exception):
    """The command cannot run; the message is for the administrator, one sentence or one a line."""
