"""Tables of the index. Migrations build them; a test holds both equal.

Studies, series and instances each have a row of their own; values that searches compare stand in columns or in
the key tables beside them. No text column is ever NULL, and every one compares binary.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

LIVE: Final = 0
TRASHED: Final = 1
GONE: Final = 2

NO_NUMBER: Final = 2**53
"""Series Number or Instance Number that is unknown: it sorts last and equals nothing."""

UNKNOWN: Final = -(2**53)
"""Rows, Columns, Bits Allocated or Number of Frames that is unknown."""


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id; it never wraps."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return the name of the type in DDL."""
        return "xid8"


Text: Final = SqlText().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Key: Final = BigInteger().with_variant(Integer(), "sqlite")
Transaction: Final = BigInteger().with_variant(TransactionId(), "postgresql")

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial; queries repeat the condition word for word."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


study: Final = Table(
    "study",
    metadata,
    Column("id", Key, primary_key=True),
    _text("study_instance_uid"),
    _text("order_key"),
    _text("study_date"),
    _text("study_time"),
    _text("accession_number"),
    _text("patient_id"),
    _text("study_id"),
    _text("attributes"),
    Column("merged_digest", LargeBinary, nullable=False),
    _text("answer_head"),
    _text("answer_tail"),
    _integer("series_count"),
    _integer("instance_count"),
    _integer("size_bytes"),
    Column("visible", SmallInteger, nullable=False),
    UniqueConstraint("study_instance_uid"),
)
"""`attributes`: merged JSON; `answer_head`, `answer_tail`: members of search results, before and after Retrieve URL.

`order_key` is `text.order_key`; `visible` is 1 while a series is. Counts are over live instances.
"""

Index("ix_study_order", study.c.order_key, unique=True, **_where("visible = 1"))
for _name in ("patient_id", "accession_number", "study_id"):
    Index(f"ix_study_{_name}", study.c[_name], study.c.order_key, **_where("visible = 1"))

series: Final = Table(
    "series",
    metadata,
    Column("id", Key, primary_key=True),
    Column("study_row", Key, ForeignKey("study.id"), nullable=False),
    _text("series_instance_uid"),
    _text("modality"),
    _integer("series_number"),
    _text("start_date"),
    _text("start_time"),
    _text("attributes"),
    Column("merged_digest", LargeBinary, nullable=False),
    _text("answer_head"),
    _text("answer_tail"),
    _text("answer_end"),
    _integer("instance_count"),
    _integer("size_bytes"),
    _integer("version"),
    Column("visible", SmallInteger, nullable=False),
    UniqueConstraint("study_row", "series_instance_uid"),
)
"""`answer_end` follows the count of instances; `version` changes with every change of the live instances."""

Index("ix_series_uid", series.c.series_instance_uid)
Index(
    "ix_series_order",
    series.c.study_row,
    series.c.series_number,
    series.c.series_instance_uid,
    **_where("visible = 1"),
)
Index("ix_series_modality", series.c.modality, series.c.study_row, **_where("visible = 1"))

instance: Final = Table(
    "instance",
    metadata,
    Column("id", Key, primary_key=True),
    Column("series_row", Key, ForeignKey("series.id"), nullable=False),
    Column("state", SmallInteger, nullable=False),
    _text("sop_instance_uid"),
    _text("sop_class_uid"),
    _text("transfer_syntax_uid"),
    _integer("instance_number"),
    _integer("number_of_frames"),
    _integer("rows"),
    _integer("columns"),
    _integer("bits_allocated"),
    _text("extra"),
    _text("blob_id"),
    _integer("size_bytes"),
    _integer("data_set_offset"),
    Column("head_digest", LargeBinary, nullable=False),
    Column("data_set_digest", LargeBinary, nullable=False),
    _text("wire_form"),
    Column("committed_until", Double, nullable=False),
    Column("changed", Double, nullable=False),
)
"""`extra`: JSON members of search results that the columns cannot say; `wire_form`: five numbers or ''.

`committed_until`: seconds since the epoch, 0 without a commitment; `changed`: when the state last changed.
"""

Index("ix_instance_live", instance.c.sop_instance_uid, unique=True, **_where("state = 0"))
Index("ix_instance_past", instance.c.sop_instance_uid, **_where("state > 0"))
Index(
    "ix_instance_order",
    instance.c.series_row,
    instance.c.instance_number,
    instance.c.sop_instance_uid,
    **_where("state = 0"),
)
Index("ix_instance_removed", instance.c.series_row, instance.c.state, **_where("state > 0"))
Index("ix_instance_trash", instance.c.changed, **_where("state = 1"))
Index("ix_instance_class", instance.c.sop_class_uid, **_where("state = 0"))
Index("ix_instance_blob", instance.c.blob_id)

instance_body: Final = Table(
    "instance_body",
    metadata,
    Column("instance_row", Key, ForeignKey("instance.id"), primary_key=True, autoincrement=False),
    _text("attributes"),
    Column("metadata", LargeBinary),
    _integer("metadata_size"),
    Column("uri_offsets", LargeBinary, nullable=False),
    _text("bulk"),
    Column("frames", LargeBinary),
    _text("character_set"),
)
"""What is too long for rows that are scanned. `frames`: `bodies.packed_frames`."""


def _key_table(name: str, owner: Table) -> Table:
    """Return a table of (path, value) rows: what searches compare and no column of `owner` holds."""
    table = Table(
        name,
        metadata,
        Column("owner", Key, ForeignKey(owner.c.id), nullable=False),
        _text("path"),
        _text("item"),
        Column("position", Integer, nullable=False),
        _text("value"),
        _text("rest"),
        PrimaryKeyConstraint("owner", "path", "item", "position"),
        sqlite_with_rowid=False,
    )
    Index(f"ix_{name}_value", table.c.path, table.c.value, table.c.owner)
    return table


study_key: Final = _key_table("study_key", study)
"""`path`: tags joined by dots; `item`: four hex digits an item of each sequence on the way, from 0.

`value` is the first `text.KEY_LENGTH` characters, `rest` what follows; `position` tells values apart.
"""

series_key: Final = _key_table("series_key", series)
instance_key: Final = _key_table("instance_key", instance)

study_posting: Final = Table(
    "study_posting",
    metadata,
    _text("path"),
    _text("term"),
    _text("order_key"),
    Column("owner", Key, nullable=False),
    PrimaryKeyConstraint("path", "term", "order_key"),
    sqlite_with_rowid=False,
)
"""The visible studies of a term in the order of the answer, so that a page of them is read and nothing is sorted.

Terms: the modalities of a study (path 00080061), and the `names.grams_of` Patient's Name (00100010). The key says it
all: a reference to the study, which PostgreSQL would check with each row, doubled the cost of writing.
"""

series_record: Final = Table(
    "series_record",
    metadata,
    Column("series_row", Key, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    _integer("version"),
    Column("body", LargeBinary, nullable=False),
)

contradiction: Final = Table(
    "contradiction",
    metadata,
    Column("id", Key, primary_key=True),
    Column("study_row", Key, ForeignKey("study.id"), nullable=False),
    _integer("series_row"),
    _text("tag"),
    Column("digest", LargeBinary, nullable=False),
    _text("kept"),
    _text("offered"),
    _text("sop_instance_uid"),
    UniqueConstraint("study_row", "series_row", "tag", "digest"),
)
"""Values that differ from what an earlier instance said; `series_row` is 0 at study level."""

commitment: Final = Table(
    "commitment",
    metadata,
    Column("id", Key, primary_key=True),
    _text("transaction_uid"),
    _text("request"),
    _text("result"),
    Column("lease_until", Double, nullable=False),
    Column("finished", Double, nullable=False),
    UniqueConstraint("transaction_uid"),
)
"""Requests of storage commitment. Times are seconds since the epoch; `finished` is 0 while one is worked on,
`request` is '' afterwards, and `result` once it is no longer kept."""

Index("ix_commitment_pending", commitment.c.finished, commitment.c.lease_until)

event: Final = Table(
    "event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("xact", Transaction, nullable=False),
    _text("kind"),
    Column("time", Double, nullable=False),
    _text("study_instance_uid"),
    _text("series_instance_uid"),
    _text("sop_instance_uid"),
    _text("detail"),
    sqlite_autoincrement=True,
)
"""The event log. `xact` is PostgreSQL's transaction id, 0 on SQLite, where `id` is commit order."""

Index("ix_event_order", event.c.xact, event.c.id)

workitem: Final = Table(
    "workitem",
    metadata,
    Column("id", Key, primary_key=True),
    _text("sop_instance_uid"),
    _text("state"),
    _text("transaction_uid"),
    _text("start"),
    Column("expires", Double, nullable=False),
    Column("changed", Double, nullable=False),
    _integer("version"),
    UniqueConstraint("sop_instance_uid"),
)
"""`state`: Procedure Step State, '' once the workitem is deleted; `start`: `text.date_time_key` of its start.

`expires`: seconds since the epoch, 0 for never; `changed`: when it last changed.
"""

Index("ix_workitem_order", workitem.c.start, workitem.c.sop_instance_uid, **_where("state <> ''"))
Index("ix_workitem_state", workitem.c.state, workitem.c.start, workitem.c.sop_instance_uid)
Index("ix_workitem_expires", workitem.c.expires, **_where("state = 'SCHEDULED' AND expires > 0"))
Index("ix_workitem_changed", workitem.c.changed, **_where("state IN ('COMPLETED', 'CANCELED')"))

workitem_body: Final = Table(
    "workitem_body",
    metadata,
    Column("workitem_row", Key, ForeignKey("workitem.id"), primary_key=True, autoincrement=False),
    _text("attributes"),
)
"""What is too long for rows that are scanned: JSON text of all attributes but the Transaction UID."""

workitem_key: Final = _key_table("workitem_key", workitem)

workitem_subscription: Final = Table(
    "workitem_subscription",
    metadata,
    Column("workitem_row", Key, ForeignKey("workitem.id"), nullable=False),
    _text("ae_title"),
    Column("deletion_lock", SmallInteger, nullable=False),
    PrimaryKeyConstraint("workitem_row", "ae_title"),
    sqlite_with_rowid=False,
)
"""Who hears of one workitem, and who keeps it from being deleted (PS3.4 Table CC.2.3-2)."""

Index("ix_workitem_subscription_ae", workitem_subscription.c.ae_title, workitem_subscription.c.workitem_row)

worklist_subscription: Final = Table(
    "worklist_subscription",
    metadata,
    _text("ae_title"),
    _text("target"),
    Column("deletion_lock", SmallInteger, nullable=False),
    _text("filter"),
    PrimaryKeyConstraint("ae_title", "target"),
    sqlite_with_rowid=False,
)
"""Who is subscribed to each new workitem; `target`: the worklist or the filtered one; `filter`: its query component."""

worklist_receiver: Final = Table(
    "worklist_receiver",
    metadata,
    _text("ae_title"),
    Column("xact", BigInteger, nullable=False),
    Column("event", BigInteger, nullable=False),
    PrimaryKeyConstraint("ae_title"),
    sqlite_with_rowid=False,
)
"""Position in the event log up to which each receiver of event reports has got them."""

Index("ix_event_workitem", event.c.time, **_where("kind = 'workitem'"))

non_patient: Final = Table(
    "non_patient",
    metadata,
    Column("id", Key, primary_key=True),
    _text("category"),
    _text("sop_instance_uid"),
    _text("sop_class_uid"),
    _text("transfer_syntax_uid"),
    _text("blob_id"),
    _integer("size_bytes"),
    _integer("data_set_offset"),
    Column("head_digest", LargeBinary, nullable=False),
    Column("data_set_digest", LargeBinary, nullable=False),
    _text("wire_form"),
    Column("changed", Double, nullable=False),
    UniqueConstraint("sop_instance_uid"),
)
"""Instances that belong to no patient; `category`: a key of `dicom.npi.categories.CATEGORIES`."""

Index("ix_non_patient_order", non_patient.c.category, non_patient.c.sop_instance_uid)
Index("ix_non_patient_blob", non_patient.c.blob_id)

non_patient_body: Final = Table(
    "non_patient_body",
    metadata,
    Column("non_patient_row", Key, ForeignKey("non_patient.id"), primary_key=True, autoincrement=False),
    _text("attributes"),
    Column("metadata", LargeBinary),
    _integer("metadata_size"),
)
"""`attributes`: JSON text of what searches return; `metadata`: as in `instance_body`."""

non_patient_key: Final = _key_table("non_patient_key", non_patient)
