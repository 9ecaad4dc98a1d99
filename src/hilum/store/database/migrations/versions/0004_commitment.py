"""Storage commitment: requests, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "commitment",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("transaction_uid", TEXT, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("result", TEXT, nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("finished", sa.Double(), nullable=False),
        sa.UniqueConstraint("transaction_uid", name="uq_commitment_transaction_uid"),
    )
    op.create_index("ix_commitment_pending", "commitment", ["finished", "lease_until"])
