"""The first schema: studies, series, instances, what searches compare, contradictions and the event log."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return the name of the type."""
        return "xid8"


TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRANSACTION = sa.BigInteger().with_variant(TransactionId(), "postgresql")


def upgrade() -> None:
    """Make all tables."""
    _make_event()
    _make_study()
    _make_contradiction()
    _make_series()
    _make_study_key()
    _make_instance()
    _make_series_key()
    _make_series_record()
    _make_instance_body()
    _make_instance_key()


def _where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _make_event() -> None:
    op.create_table(
        "event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("xact", TRANSACTION, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("study_instance_uid", TEXT, nullable=False),
        sa.Column("series_instance_uid", TEXT, nullable=False),
        sa.Column("sop_instance_uid", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_order", "event", ["xact", "id"])


def _make_study() -> None:
    op.create_table(
        "study",
        sa.Column("id", KEY, nullable=False),
        sa.Column("study_instance_uid", TEXT, nullable=False),
        sa.Column("order_key", TEXT, nullable=False),
        sa.Column("study_date", TEXT, nullable=False),
        sa.Column("study_time", TEXT, nullable=False),
        sa.Column("accession_number", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("study_id", TEXT, nullable=False),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("merged_digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer_head", TEXT, nullable=False),
        sa.Column("answer_tail", TEXT, nullable=False),
        sa.Column("series_count", sa.BigInteger(), nullable=False),
        sa.Column("instance_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("visible", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_study_study_instance_uid")),
    )
    op.create_index("ix_study_accession_number", "study", ["accession_number", "order_key"], **_where("visible = 1"))
    op.create_index("ix_study_order", "study", ["order_key"], unique=True, **_where("visible = 1"))
    op.create_index("ix_study_patient_id", "study", ["patient_id", "order_key"], **_where("visible = 1"))
    op.create_index("ix_study_study_id", "study", ["study_id", "order_key"], **_where("visible = 1"))


def _make_contradiction() -> None:
    op.create_table(
        "contradiction",
        sa.Column("id", KEY, nullable=False),
        sa.Column("study_row", KEY, nullable=False),
        sa.Column("series_row", sa.BigInteger(), nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kept", TEXT, nullable=False),
        sa.Column("offered", TEXT, nullable=False),
        sa.Column("sop_instance_uid", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["study_row"], ["study.id"], name=op.f("fk_contradiction_study_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contradiction")),
        sa.UniqueConstraint(
            "study_row", "series_row", "tag", "digest", name=op.f("uq_contradiction_study_row_series_row_tag_digest")
        ),
    )


def _make_series() -> None:
    op.create_table(
        "series",
        sa.Column("id", KEY, nullable=False),
        sa.Column("study_row", KEY, nullable=False),
        sa.Column("series_instance_uid", TEXT, nullable=False),
        sa.Column("modality", TEXT, nullable=False),
        sa.Column("series_number", sa.BigInteger(), nullable=False),
        sa.Column("start_date", TEXT, nullable=False),
        sa.Column("start_time", TEXT, nullable=False),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("merged_digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer_head", TEXT, nullable=False),
        sa.Column("answer_tail", TEXT, nullable=False),
        sa.Column("answer_end", TEXT, nullable=False),
        sa.Column("instance_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("visible", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["study_row"], ["study.id"], name=op.f("fk_series_study_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("study_row", "series_instance_uid", name=op.f("uq_series_study_row_series_instance_uid")),
    )
    op.create_index("ix_series_modality", "series", ["modality", "study_row"], **_where("visible = 1"))
    op.create_index(
        "ix_series_order", "series", ["study_row", "series_number", "series_instance_uid"], **_where("visible = 1")
    )
    op.create_index("ix_series_uid", "series", ["series_instance_uid"])


def _make_study_key() -> None:
    op.create_table(
        "study_key",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("rest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["study.id"], name=op.f("fk_study_key_owner")),
        sa.PrimaryKeyConstraint("owner", "path", "item", "position", name=op.f("pk_study_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_key_value", "study_key", ["path", "value", "owner"])


def _make_instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", KEY, nullable=False),
        sa.Column("series_row", KEY, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("sop_instance_uid", TEXT, nullable=False),
        sa.Column("sop_class_uid", TEXT, nullable=False),
        sa.Column("transfer_syntax_uid", TEXT, nullable=False),
        sa.Column("instance_number", sa.BigInteger(), nullable=False),
        sa.Column("number_of_frames", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.BigInteger(), nullable=False),
        sa.Column("bits_allocated", sa.BigInteger(), nullable=False),
        sa.Column("extra", TEXT, nullable=False),
        sa.Column("blob_id", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("data_set_offset", sa.BigInteger(), nullable=False),
        sa.Column("head_digest", sa.LargeBinary(), nullable=False),
        sa.Column("data_set_digest", sa.LargeBinary(), nullable=False),
        sa.Column("wire_form", TEXT, nullable=False),
        sa.Column("committed_until", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["series_row"], ["series.id"], name=op.f("fk_instance_series_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_index("ix_instance_blob", "instance", ["blob_id"])
    op.create_index("ix_instance_class", "instance", ["sop_class_uid"], **_where("state = 0"))
    op.create_index("ix_instance_live", "instance", ["sop_instance_uid"], unique=True, **_where("state = 0"))
    op.create_index(
        "ix_instance_order", "instance", ["series_row", "instance_number", "sop_instance_uid"], **_where("state = 0")
    )
    op.create_index("ix_instance_past", "instance", ["sop_instance_uid"], **_where("state > 0"))
    op.create_index("ix_instance_removed", "instance", ["series_row", "state"], **_where("state > 0"))
    op.create_index("ix_instance_trash", "instance", ["changed"], **_where("state = 1"))


def _make_series_key() -> None:
    op.create_table(
        "series_key",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("rest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["series.id"], name=op.f("fk_series_key_owner")),
        sa.PrimaryKeyConstraint("owner", "path", "item", "position", name=op.f("pk_series_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_series_key_value", "series_key", ["path", "value", "owner"])


def _make_series_record() -> None:
    op.create_table(
        "series_record",
        sa.Column("series_row", KEY, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["series_row"], ["series.id"], name=op.f("fk_series_record_series_row")),
        sa.PrimaryKeyConstraint("series_row", name=op.f("pk_series_record")),
    )


def _make_instance_body() -> None:
    op.create_table(
        "instance_body",
        sa.Column("instance_row", KEY, autoincrement=False, nullable=False),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=True),
        sa.Column("metadata_size", sa.BigInteger(), nullable=False),
        sa.Column("uri_offsets", sa.LargeBinary(), nullable=False),
        sa.Column("bulk", TEXT, nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=True),
        sa.Column("character_set", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["instance_row"], ["instance.id"], name=op.f("fk_instance_body_instance_row")),
        sa.PrimaryKeyConstraint("instance_row", name=op.f("pk_instance_body")),
    )


def _make_instance_key() -> None:
    op.create_table(
        "instance_key",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("rest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["instance.id"], name=op.f("fk_instance_key_owner")),
        sa.PrimaryKeyConstraint("owner", "path", "item", "position", name=op.f("pk_instance_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_instance_key_value", "instance_key", ["path", "value", "owner"])
