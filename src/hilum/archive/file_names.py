"""Names of files for instances: from UIDs or numbers, never from text that describes a patient."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import Final

from hilum.store.rows.records import StoredInstance

_PLAIN_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,63}")


def file_of(instance: StoredInstance) -> PurePosixPath:
    """Return where an instance goes below a folder: STUDY/SERIES/INSTANCE.dcm.

    UIDs are text from objects: one that is no plain name is replaced by a digest of it.
    """
    names = (instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    study, series, sop = (_safe_name(name) for name in names)
    return PurePosixPath(study, series, f"{sop}.dcm")


def _safe_name(uid: str) -> str:
    if _PLAIN_NAME.fullmatch(uid):
        return uid
    return f"uid-{hashlib.sha256(uid.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
