"""The index: one class over SQLite and PostgreSQL."""
