"""Say which programs the `interop` tests miss on this machine, before a test run; those tests are skipped."""

from __future__ import annotations

import shutil
import sys

PROGRAMS = {
    "Orthanc": "Debian's packages orthanc and orthanc-dicomweb",
    "dcmftest": "Debian's package dcmtk",
    "dciodvfy": "Debian's package dicom3tools",
    "chromium": "Debian's package chromium",
    "node": "Debian's packages nodejs and npm; then the packages of tests/javascript, as .ci/run installs them",
}


def missing_programs() -> list[str]:
    """Return one sentence for each program that is not installed."""
    return [
        f"{program} is not installed ({source}): interop tests that need it are left out."
        for program, source in PROGRAMS.items()
        if shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin") is None
        and shutil.which(program) is None
    ]


if __name__ == "__main__":
    sys.stdout.writelines(f"{sentence}\n" for sentence in missing_programs())
