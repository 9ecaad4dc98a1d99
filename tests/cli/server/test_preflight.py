from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.server.preflight import (
    bound_address,
    check_credentials,
    check_exposure,
    check_port,
    network_file_system,
    prepare_folder,
)
from hilum.config import Settings

MOUNTS = r"""
/dev/vda / ext4 rw 0 0
server:/export /srv/a\040b nfs4 rw 0 0
user@host:/x /srv/ssh fuse.sshfs rw 0 0
lxcfs /srv/lx fuse.lxcfs rw 0 0
//nas/share /over cifs rw 0 0
/dev/vdb /over ext4 rw 0 0
short
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_needs_no_tokens(host: str) -> None:
    check_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_addresses_need_tokens_or_consent(host: str, tmp_path: Path) -> None:
    check_exposure(Settings(host=host, allow_anonymous=True))
    check_exposure(Settings(host=host, token_file=tmp_path / "tokens"))

    with pytest.raises(CommandFailed, match="--token-file"):
        check_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["no such host", "", "a" * 300])
def test_a_host_without_address_is_refused(host: str) -> None:
    with pytest.raises(CommandFailed, match="has no address"):
        bound_address(host)


def test_token_files_must_hold_a_token(tmp_path: Path) -> None:
    empty, missing, good = tmp_path / "empty", tmp_path / "missing", tmp_path / "good"
    empty.write_text("\n \n")
    good.write_text("secret\n")

    check_credentials(Settings(token_file=good))
    with pytest.raises(CommandFailed, match="holds no token"):
        check_credentials(Settings(token_file=empty))
    with pytest.raises(CommandFailed, match="cannot be read"):
        check_credentials(Settings(token_file=missing))


def test_tls_needs_certificate_and_key_that_are_such(tmp_path: Path) -> None:
    file = tmp_path / "pem"
    file.write_text("nothing")

    with pytest.raises(CommandFailed, match="both"):
        check_credentials(Settings(tls_cert=file))
    with pytest.raises(CommandFailed, match="cannot be used"):
        check_credentials(Settings(tls_cert=file, tls_key=file))


def test_the_data_folder_is_created(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc/hilum", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_is_refused(folder: str) -> None:
    with pytest.raises(CommandFailed, match="cannot be written"):
        prepare_folder(Path(folder))


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/a b/data", "nfs4"),
        ("/srv/a bc", None),
        ("/srv/ssh", "fuse.sshfs"),
        ("/srv/lx", None),
        ("/over/data", None),
        ("/", None),
    ],
)
def test_network_file_systems_are_known_by_their_mount(folder: str, kind: str | None) -> None:
    assert network_file_system(Path(folder), MOUNTS) == kind


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_shared_silently_counts_as_taken(taken_port: int) -> None:
    with pytest.raises(CommandFailed, match="is taken by another program"):
        check_port("127.0.0.1", taken_port)


def test_a_free_port_passes(taken_port: int) -> None:
    check_port("127.0.0.2", taken_port)


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(CommandFailed, match="cannot be bound"):
        check_port("192.0.2.1", 18080)
