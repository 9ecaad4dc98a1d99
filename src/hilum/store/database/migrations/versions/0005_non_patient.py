"""Instances that belong to no patient, and what searches compare of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "non_patient",
        sa.Column("id", KEY, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("sop_instance_uid", TEXT, nullable=False),
        sa.Column("sop_class_uid", TEXT, nullable=False),
        sa.Column("transfer_syntax_uid", TEXT, nullable=False),
        sa.Column("blob_id", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("data_set_offset", sa.BigInteger(), nullable=False),
        sa.Column("head_digest", sa.LargeBinary(), nullable=False),
        sa.Column("data_set_digest", sa.LargeBinary(), nullable=False),
        sa.Column("wire_form", TEXT, nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_non_patient")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_non_patient_sop_instance_uid")),
    )
    op.create_index("ix_non_patient_order", "non_patient", ["category", "sop_instance_uid"])
    op.create_index("ix_non_patient_blob", "non_patient", ["blob_id"])
    op.create_table(
        "non_patient_body",
        sa.Column("non_patient_row", KEY, autoincrement=False, nullable=False),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=True),
        sa.Column("metadata_size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["non_patient_row"], ["non_patient.id"], name=op.f("fk_non_patient_body_non_patient_row")
        ),
        sa.PrimaryKeyConstraint("non_patient_row", name=op.f("pk_non_patient_body")),
    )
    op.create_table(
        "non_patient_key",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("rest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["non_patient.id"], name=op.f("fk_non_patient_key_owner")),
        sa.PrimaryKeyConstraint("owner", "path", "item", "position", name=op.f("pk_non_patient_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_non_patient_key_value", "non_patient_key", ["path", "value", "owner"])


def downgrade() -> None:
    """Remove the tables with all that is in them."""
    for name in ("non_patient_key", "non_patient_body", "non_patient"):
        op.drop_table(name)
