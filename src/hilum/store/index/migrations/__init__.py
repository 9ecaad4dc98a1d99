"""Versions of the schema, run by Alembic; `migrate.migrate` is the way in."""
