"""Workitems, what searches compare of them, and who hears of their changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of the worklist."""
    _make_workitem()
    _make_workitem_key()
    _make_subscriptions()
    op.create_index("ix_event_workitem", "event", ["time"], **_where("kind = 'workitem'"))


def downgrade() -> None:
    """Remove the tables of the worklist with all that is in them."""
    op.drop_index("ix_event_workitem", "event")
    for name in (
        "worklist_receiver",
        "worklist_subscription",
        "workitem_subscription",
        "workitem_key",
        "workitem_body",
        "workitem",
    ):
        op.drop_table(name)


def _where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _make_workitem() -> None:
    op.create_table(
        "workitem",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sop_instance_uid", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("transaction_uid", TEXT, nullable=False),
        sa.Column("start", TEXT, nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workitem")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_workitem_sop_instance_uid")),
    )
    op.create_index("ix_workitem_order", "workitem", ["start", "sop_instance_uid"], **_where("state <> ''"))
    op.create_index("ix_workitem_state", "workitem", ["state", "start", "sop_instance_uid"])
    op.create_index("ix_workitem_expires", "workitem", ["expires"], **_where("state = 'SCHEDULED' AND expires > 0"))
    op.create_index("ix_workitem_changed", "workitem", ["changed"], **_where("state IN ('COMPLETED', 'CANCELED')"))
    op.create_table(
        "workitem_body",
        sa.Column("workitem_row", KEY, autoincrement=False, nullable=False),
        sa.Column("attributes", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["workitem_row"], ["workitem.id"], name=op.f("fk_workitem_body_workitem_row")),
        sa.PrimaryKeyConstraint("workitem_row", name=op.f("pk_workitem_body")),
    )


def _make_workitem_key() -> None:
    op.create_table(
        "workitem_key",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("rest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["workitem.id"], name=op.f("fk_workitem_key_owner")),
        sa.PrimaryKeyConstraint("owner", "path", "item", "position", name=op.f("pk_workitem_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_workitem_key_value", "workitem_key", ["path", "value", "owner"])


def _make_subscriptions() -> None:
    op.create_table(
        "workitem_subscription",
        sa.Column("workitem_row", KEY, nullable=False),
        sa.Column("ae_title", TEXT, nullable=False),
        sa.Column("deletion_lock", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workitem_row"], ["workitem.id"], name=op.f("fk_workitem_subscription_workitem_row")),
        sa.PrimaryKeyConstraint("workitem_row", "ae_title", name=op.f("pk_workitem_subscription")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_workitem_subscription_ae", "workitem_subscription", ["ae_title", "workitem_row"])
    op.create_table(
        "worklist_subscription",
        sa.Column("ae_title", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("deletion_lock", sa.SmallInteger(), nullable=False),
        sa.Column("filter", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ae_title", "target", name=op.f("pk_worklist_subscription")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "worklist_receiver",
        sa.Column("ae_title", TEXT, nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ae_title", name=op.f("pk_worklist_receiver")),
        sqlite_with_rowid=False,
    )
