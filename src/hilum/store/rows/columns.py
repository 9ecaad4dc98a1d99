"""Which column holds which attribute; the rest of study and series level stands in the key tables."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from sqlalchemy import Column, Table

from hilum.dicom.searching.query import Level
from hilum.store.database import tables
from hilum.store.database.text import column_key, date_key, order_key, time_key
from hilum.store.rows.merging import KeyRow, Members, first_text, key_rows, whole_number


class Form(Enum):
    """How a column holds its attribute."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"
    NUMBER = "number"


ATTRIBUTE_COLUMNS: Final[Mapping[Level, Mapping[str, tuple[Column[object], Form]]]] = {
    Level.STUDY: {
        "0020000D": (tables.study.c.study_instance_uid, Form.TEXT),
        "00080020": (tables.study.c.study_date, Form.DATE),
        "00080030": (tables.study.c.study_time, Form.TIME),
        "00080050": (tables.study.c.accession_number, Form.TEXT),
        "00100020": (tables.study.c.patient_id, Form.TEXT),
        "00200010": (tables.study.c.study_id, Form.TEXT),
        "00201206": (tables.study.c.series_count, Form.NUMBER),
        "00201208": (tables.study.c.instance_count, Form.NUMBER),
    },
    Level.SERIES: {
        "0020000E": (tables.series.c.series_instance_uid, Form.TEXT),
        "00080060": (tables.series.c.modality, Form.TEXT),
        "00200011": (tables.series.c.series_number, Form.NUMBER),
        "00400244": (tables.series.c.start_date, Form.DATE),
        "00400245": (tables.series.c.start_time, Form.TIME),
        "00201209": (tables.series.c.instance_count, Form.NUMBER),
    },
    Level.INSTANCE: {
        "00080016": (tables.instance.c.sop_class_uid, Form.TEXT),
        "00080018": (tables.instance.c.sop_instance_uid, Form.TEXT),
        "00200013": (tables.instance.c.instance_number, Form.NUMBER),
        "00280008": (tables.instance.c.number_of_frames, Form.NUMBER),
        "00280010": (tables.instance.c.rows, Form.NUMBER),
        "00280011": (tables.instance.c.columns, Form.NUMBER),
        "00280100": (tables.instance.c.bits_allocated, Form.NUMBER),
    },
}

KEY_TABLES: Final[Mapping[Level, Table]] = {
    Level.STUDY: tables.study_key,
    Level.SERIES: tables.series_key,
    Level.INSTANCE: tables.instance_key,
}

MODALITIES_IN_STUDY: Final = "00080061"


def study_columns(study_instance_uid: str, members: Members) -> dict[str, str]:
    """Return the values of the study's columns that come from its attributes."""
    date = column_key(date_key(first_text(members, "00080020")))
    time = column_key(time_key(first_text(members, "00080030")))
    return {
        "order_key": order_key(date, time, study_instance_uid),
        "study_date": date,
        "study_time": time,
        "accession_number": column_key(first_text(members, "00080050")),
        "patient_id": column_key(first_text(members, "00100020")),
        "study_id": column_key(first_text(members, "00200010")),
    }


def series_columns(members: Members) -> dict[str, str | int]:
    """Return the values of the series' columns that come from its attributes."""
    number = whole_number(members, "00200011")
    return {
        "modality": column_key(first_text(members, "00080060")),
        "series_number": tables.NO_NUMBER if number is None else number,
        "start_date": column_key(date_key(first_text(members, "00400244"))),
        "start_time": column_key(time_key(first_text(members, "00400245"))),
    }


def rows_beside_columns(level: Level, members: Members) -> list[KeyRow]:
    """Return the key rows of the attributes that no column of `level` holds."""
    columns = ATTRIBUTE_COLUMNS[level]
    return list(key_rows({tag: element for tag, element in members.items() if tag not in columns}))


INSTANCE_NUMBERS: Final[Mapping[str, tuple[str, int]]] = {
    "00200013": ("instance_number", tables.NO_NUMBER),
    "00280008": ("number_of_frames", tables.UNKNOWN),
    "00280010": ("rows", tables.UNKNOWN),
    "00280011": ("columns", tables.UNKNOWN),
    "00280100": ("bits_allocated", tables.UNKNOWN),
}
"""Tags of instance attributes that are numbers: their columns, and what stands there if unknown."""
