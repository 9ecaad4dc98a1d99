from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from typer.testing import CliRunner, Result

from hilum.cli.main import app

HILUM = (sys.executable, "-c", "from hilum.cli.main import main; main()")
STUDY, SERIES = "1.2.826.0.1.3680043.10.99.1", "1.2.826.0.1.3680043.10.99.2"


def part10(sop_instance_uid: str, *, study: str = STUDY, series: str = SERIES, pixels: bytes = b"\0\1") -> bytes:
    """Return a Part 10 object in Explicit VR Little Endian."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data_set.file_meta.MediaStorageSOPInstanceUID = sop_instance_uid
    data_set.SOPClassUID = SecondaryCaptureImageStorage
    data_set.SOPInstanceUID = sop_instance_uid
    data_set.StudyInstanceUID = study
    data_set.SeriesInstanceUID = series
    data_set.PatientID = "P1"
    data_set.Modality = "OT"
    data_set.Rows, data_set.Columns, data_set.SamplesPerPixel = 1, len(pixels) // 2, 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 8, 8, 7, 0
    data_set.Rows = 2
    data_set.PixelData = pixels
    data_set["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def write_objects(folder: Path, count: int, *, study: str = STUDY, series: str = SERIES) -> list[str]:
    """Write `count` instances of one series; return their UIDs."""
    folder.mkdir(parents=True, exist_ok=True)
    template = part10(f"{series}.100000", study=study, series=series)
    uids = [f"{series}.{100000 + number}" for number in range(count)]
    for uid in uids:
        (folder / f"{uid}.dcm").write_bytes(template.replace(uids[0].encode(), uid.encode()))
    return uids


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hilum(data: Path) -> Callable[..., Result]:
    """Run a command of `hilum` on the test's data folder, in this process."""

    def run(command: str, *arguments: object) -> Result:
        result = CliRunner().invoke(app, [command, *map(str, arguments), "--data", str(data)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of a test's own."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def status(self, path: str = "/health/live") -> int | None:
        """Return the status of a GET, None if nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def wait_until_up(self, patience_s: float = 20.0) -> None:
        deadline = time.monotonic() + patience_s
        while self.status() != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)


@contextmanager
def serving(data: Path, *options: str, port: int | None = None) -> Iterator[RunningServer]:
    """Run `hilum serve` on a free port until the context ends; the log is beside the data folder."""
    port = port or free_port()
    log = data.with_name("server.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*HILUM, "serve", "--data", str(data), "--port", str(port), *options],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        server = RunningServer(port, process, log)
        server.wait_until_up()
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
