"""Alembic's entry: runs the migrations on the connection that `migrating.migrate` hands over."""

from __future__ import annotations

from alembic import context

from hilum.store.database import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,
)
context.run_migrations()
