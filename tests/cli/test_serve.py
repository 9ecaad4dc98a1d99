from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

import servers
from command_line import HILUM, STUDY, part10
from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.serve import _addresses
from hilum.config import Settings

OBJECT_BYTES = 48 * 1024 * 1024
"""More than the kernel buffers of a connection take."""


def refusal(*options: object) -> tuple[int, str]:
    done = subprocess.run(
        [*HILUM, "serve", *map(str, options)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


def test_a_taken_port_is_refused(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        status, message = refusal("--data", data, "--port", other.getsockname()[1])

    assert status == ExitStatus.REFUSED
    assert "is taken by another program" in message


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    assert refusal("--data", "/proc/hilum", "--port", servers.free_port())[0] == ExitStatus.REFUSED


def test_another_address_than_loopback_is_refused_without_tokens(data: Path) -> None:
    status, message = refusal("--data", data, "--host", "0.0.0.0")

    assert status == ExitStatus.REFUSED
    assert "--token-file" in message
    assert not data.exists()


def test_a_second_server_on_the_same_folder_is_refused(data: Path) -> None:
    with servers.running(data) as first:
        status, message = refusal("--data", data, "--port", servers.free_port())

        assert first.process.poll() is None
    assert status == ExitStatus.REFUSED
    assert f"(process {first.process.pid})" in message


@pytest.mark.usefixtures("stored")
def test_an_index_of_a_newer_version_is_refused(data: Path) -> None:
    with contextlib.closing(sqlite3.connect(data / "index.db")) as index:
        index.execute("UPDATE alembic_version SET version_num = '9999'")
        index.commit()

    status, message = refusal("--data", data, "--port", servers.free_port())

    assert status == ExitStatus.REFUSED
    assert "newer" in message


def test_one_line_tells_where_to_go_and_sigterm_ends_well(data: Path) -> None:
    with servers.running(data) as server:
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(20)

    assert status == ExitStatus.SUCCESS
    (line,) = [line for line in server.log.read_text().splitlines() if line.startswith("Hilum ")]
    assert f"http://127.0.0.1:{server.port}/dicomweb" in line


def test_a_running_download_is_finished_after_sigterm(tmp_path: Path, data: Path) -> None:
    (tmp_path / "large").write_bytes(part10("1.2.3.4", pixels=os.urandom(OBJECT_BYTES)))
    subprocess.run([*HILUM, "import", str(tmp_path / "large"), "--data", str(data)], check=True, timeout=60)

    with servers.running(data) as server, ThreadPoolExecutor(1) as threads:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        connection.request("GET", f"/dicomweb/studies/{STUDY}", headers={"Accept": accept})
        response = connection.getresponse()
        first = response.read(100_000)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        ended_early = server.process.poll()
        rest = threads.submit(response.read).result(30)
        status = server.process.wait(20)
        connection.close()

    assert ended_early is None
    assert len(first) + len(rest) > OBJECT_BYTES
    assert status == ExitStatus.SUCCESS


def test_a_server_speaks_https_and_offers_http_2(tmp_path: Path, data: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    port = servers.free_port()
    context = ssl.create_default_context(cafile=cert)
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    command = [*HILUM, "serve", "--data", str(data), "--port", str(port), "--workers", "1"]
    with subprocess.Popen([*command, "--tls-cert", str(cert), "--tls-key", str(key)]) as process:
        try:
            wait_for_port(port)
            with (
                socket.create_connection(("127.0.0.1", port), 5) as connection,
                context.wrap_socket(connection, server_hostname="localhost") as secure,
            ):
                chosen = secure.selected_alpn_protocol()
        finally:
            process.terminate()
            process.wait(20)

    assert chosen == "h2"


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "http://127.0.0.1:8080/dicomweb"), ("::1", "http://[::1]:8080/dicomweb")],
)
def test_addresses_can_be_opened_as_they_are_printed(host: str, expected: str) -> None:
    assert _addresses(Settings(host=host)) == [expected]


def test_a_wildcard_is_printed_as_addresses_that_exist() -> None:
    assert _addresses(Settings(host="0.0.0.0"))[0] == "http://127.0.0.1:8080/dicomweb"
