"""The one release of OHIF that this version of Hilum installs and was tested with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Release:
    """A package of the npm registry, pinned to its bytes."""

    package: str
    version: str
    size_bytes: int
    sha512: str
    """Hexadecimal digest of the archive, that of the registry's `integrity`."""

    @property
    def file_name(self) -> str:
        """Name of the archive, as `npm pack` writes it.

        >>> OHIF.file_name
        'ohif-app-3.13.2.tgz'
        """
        return f"{self.package.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def path(self) -> str:
        """Path of the archive below the URL of a registry.

        >>> OHIF.path
        '@ohif/app/-/app-3.13.2.tgz'
        """
        return f"{self.package}/-/{self.package.rpartition('/')[2]}-{self.version}.tgz"


OHIF: Final = Release(
    package="@ohif/app",
    version="3.13.2",
    size_bytes=49_906_651,
    sha512=(
        "5997719a9986eeba85816f5924b71b82bdd70ad2e2d4a0cd3e831a798e4f3dee"
        "a3e06e1f8c48e393271933a0ba664d85f3b04ac457e9abe8dde715d907d13c10"
    ),
)
