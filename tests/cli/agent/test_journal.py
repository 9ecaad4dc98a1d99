from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cli.agent.journal import Journal
from hilum.cli.importing.sources import FileCandidate
from hilum.cli.invocation.failures import CommandFailed


def candidate(path: Path) -> FileCandidate:
    return FileCandidate(str(path), path.stat().st_size, named=True)


def test_what_was_noted_is_known_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    first = Journal.opened(tmp_path / "journal")
    first.add(candidate(tmp_path / "a"))
    first.close()

    again = Journal.opened(tmp_path / "journal")

    assert again.has(candidate(tmp_path / "a"))
    again.close()


def test_a_file_that_has_changed_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    first = Journal.opened(tmp_path / "journal")
    first.add(candidate(tmp_path / "a"))
    first.close()
    (tmp_path / "a").write_bytes(b"12")

    again = Journal.opened(tmp_path / "journal")

    assert not again.has(candidate(tmp_path / "a"))
    again.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("{}\n[]\n")

    with pytest.raises(CommandFailed, match="no journal"):
        Journal.opened(tmp_path / "journal")


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    journal = Journal.opened(None)

    journal.add(candidate(tmp_path / "a"))

    assert not journal.has(candidate(tmp_path / "a"))
