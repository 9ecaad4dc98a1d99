"""Target resources of the Studies Service as values (PS3.18 10.1.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetResource:
    """A study, a series of it, or an instance of that, by UID; '' where the path ends above."""

    study_instance_uid: str
    series_instance_uid: str = ""
    sop_instance_uid: str = ""

    @property
    def path(self) -> str:
        """Path below the service root.

        >>> TargetResource("1.2", "1.2.3").path
        '/studies/1.2/series/1.2.3'
        """
        path = f"/studies/{self.study_instance_uid}"
        if self.series_instance_uid:
            path += f"/series/{self.series_instance_uid}"
        if self.sop_instance_uid:
            path += f"/instances/{self.sop_instance_uid}"
        return path
