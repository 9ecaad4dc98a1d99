"""SQLite and PostgreSQL: connections, tables, migrations, text, the event log."""
