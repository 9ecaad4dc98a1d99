"""What must hold before a server starts, each with the sentence that says what would be right."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import Final

from hilum.cli.invocation.failures import CommandFailed
from hilum.config import Settings

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "beegfs", "ncpfs"}
)
_NETWORK_FUSE: Final = re.compile(
    r"fuse\.(sshfs|s3fs|gcsfuse|rclone|davfs|glusterfs|cephfs?|mount-s3|goofys|blobfuse2?)"
)
_PORT_PATIENCE_S: Final = 2.0
_PORT_PAUSE_S: Final = 0.1


def bound_address(host: str) -> str:
    """Return the address to bind for `host`: itself, or what its name stands for.

    Raises:
        CommandFailed: the name has no address.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"The host {host} has no address on this machine.") from error
    return str(found[0][4][0])


def check_exposure(settings: Settings) -> None:
    """Refuse addresses that others reach while nobody has to show a token.

    Raises:
        CommandFailed: the address is not loopback, and neither tokens nor their absence were asked for.
    """
    if settings.token_file is not None or settings.allow_anonymous:
        return
    address = ipaddress.ip_address(bound_address(settings.host).partition("%")[0])
    if not address.is_loopback:
        raise CommandFailed(
            f"{settings.host} is not a loopback address, so everyone who reaches it could read and store: "
            "give --token-file FILE, or --allow-anonymous if that is meant."
        )


def check_credentials(settings: Settings) -> None:
    """Refuse token and TLS files that the workers could not use.

    Raises:
        CommandFailed: a file is missing, unreadable or not what it should be.
    """
    if settings.token_file is not None:
        try:
            lines = settings.token_file.read_bytes().split()
        except OSError as error:
            raise CommandFailed(f"The token file {settings.token_file} cannot be read: {error.strerror}.") from error
        if not lines:
            raise CommandFailed(f"The token file {settings.token_file} holds no token: write one a line.")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise CommandFailed("HTTPS needs both --tls-cert and --tls-key.")
    if settings.tls_cert is not None and settings.tls_key is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        except (OSError, ValueError) as error:
            # An SSLError is an OSError; its text names the files' fault and nothing of the key.
            raise CommandFailed(f"The certificate and key cannot be used: {error}.") from error


def prepare_folder(data: Path) -> None:
    """Create the data folder and prove that it can be written.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as file:
            file.write(b"\0")
    except OSError as error:
        raise CommandFailed(f"The data folder {data} cannot be written: {error.strerror}.") from error


def network_file_system(folder: Path, mounts: str) -> str | None:
    """Return the type of the network file system that holds `folder`, None on a local one.

    Args:
        folder: an existing folder.
        mounts: the text of `/proc/mounts`.
    """
    target = os.fsencode(folder.resolve())
    best, kind = b"", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mount = _unescaped(fields[1])
        inside = target == mount or target.startswith(mount.rstrip(b"/") + b"/")
        # A later line of equal length is a mount over the earlier one.
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind if kind in _NETWORK_FILE_SYSTEMS or _NETWORK_FUSE.fullmatch(kind) else None


def _unescaped(text: str) -> bytes:
    """Undo the octal escapes of `/proc/mounts` (space, tab, newline, backslash)."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes((int(match[1], 8) & 0xFF,)), os.fsencode(text))


def check_port(address: str, port: int) -> None:
    """Refuse a port that another program listens on.

    granian shares a port silently (SO_REUSEPORT), so a plain socket is bound first. Workers of a server that
    was killed a moment ago are waited for.

    Raises:
        CommandFailed: the port is taken, or this user may not bind it.
    """
    deadline = time.monotonic() + _PORT_PATIENCE_S
    while (problem := _bind_problem(address, port)) is not None:
        if problem != errno.EADDRINUSE:
            raise CommandFailed(f"{address} port {port} cannot be bound: {os.strerror(problem)}.")
        if time.monotonic() > deadline:
            raise CommandFailed(f"Port {port} on {address} is taken by another program: choose another --port.")
        time.sleep(_PORT_PAUSE_S)


def _bind_problem(address: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections that wait out their last minutes (TIME_WAIT) are no program that listens.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno
    return None
