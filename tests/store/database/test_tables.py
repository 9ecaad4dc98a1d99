from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from hilum.store.database import tables


def test_every_text_column_is_binary_and_never_null() -> None:
    for table in tables.metadata.tables.values():
        for column in table.c:
            if isinstance(column.type, Text):
                on_postgresql = column.type.dialect_impl(postgresql.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
                assert not column.nullable
                assert getattr(on_postgresql, "collation", None) == "C", (table.name, column.name)
