"""Versions of the schema, run by Alembic; `migrating.migrate` is the way in."""
