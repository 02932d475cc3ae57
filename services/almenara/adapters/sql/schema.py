"""The tables of the store. Migrations bring a database here; `REVISION` is the one that these tables belong to.

Times are integers: microseconds since 1970, UTC, the same in both databases. Text that is compared by order has the
collation "C" in PostgreSQL, so that both databases and Python agree on it. Knows nothing of what is stored.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal,
    text,
)
from sqlalchemy.types import TypeEngine

REVISION: Final = "0002"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

metadata = MetaData()


def _text() -> "TypeEngine[str]":
    return Text().with_variant(Text(collation="C"), "postgresql")


# The log, and in the distributed mode the permanent outbox. Triggers refuse every change of a row.
records = Table(
    "records",
    metadata,
    Column("stream", _text(), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("key", _text(), nullable=False),
    Column("id", _text(), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "partition", "sequence", name="pk_records"),
    UniqueConstraint("stream", "id", name="uq_records_id"),
)

# The counter row of each partition: whoever appends holds it until the commit.
partitions = Table(
    "partitions",
    metadata,
    Column("stream", _text(), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "partition", name="pk_partitions"),
)

# One row: what is fixed when the log is created.
log_properties = Table(
    "log_properties",
    metadata,
    Column("single", Integer, autoincrement=False, nullable=False),
    Column("partitions", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("single", name="pk_log_properties"),
    CheckConstraint("single = 1", name="ck_log_properties_single"),
)

positions = Table(
    "positions",
    metadata,
    Column("consumer", _text(), nullable=False),
    Column("stream", _text(), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("consumer", "stream", "partition", name="pk_positions"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("consumer", _text(), nullable=False),
    Column("stream", _text(), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("version", _text(), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("consumer", "stream", "partition", "version", name="pk_snapshots"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", _text(), nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_blobs"),
)

# Settled sends stay: their ids keep repeats out for ever. `attempts` counts the takes and so fences old claims off;
# `attempted` says that the attempt in hand was begun; `doubt`, that an earlier one may have got through.
sends = Table(
    "sends",
    metadata,
    Column("id", _text(), nullable=False),
    Column("thread", _text(), nullable=False),
    Column("rank", _text(), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempted", Boolean, nullable=False),
    Column("doubt", Boolean, nullable=False),
    Column("claimed_until", BigInteger, nullable=True),
    Column("destination", _text(), nullable=False, server_default=text("''")),
    Column("handle", _text(), nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("id", name="pk_sends"),
)
_open = sends.c.settled.is_(false())
_in_hand = sends.c.claimed_until.is_not(None)
_handled = sends.c.handle != literal("", literal_execute=True)
Index("ix_sends_thread", sends.c.thread, sends.c.rank, sends.c.id, sqlite_where=_open, postgresql_where=_open)
Index("ix_sends_due", sends.c.due, sends.c.rank, sends.c.id, sqlite_where=_open, postgresql_where=_open)
Index("ix_sends_in_hand", sends.c.destination, sqlite_where=_in_hand, postgresql_where=_in_hand)
Index("ix_sends_handle", sends.c.thread, sends.c.rank, sqlite_where=_handled, postgresql_where=_handled)

# Where each destination stands; `until` is null while its circuit is closed.
circuits = Table(
    "circuits",
    metadata,
    Column("destination", _text(), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since", BigInteger, nullable=True),
    Column("until", BigInteger, nullable=True),
    Column("error", _text(), nullable=False),
    PrimaryKeyConstraint("destination", name="pk_circuits"),
)

# Permanent refusals that nothing has mended yet; the operator is told of a row once, when it comes.
refusals = Table(
    "refusals",
    metadata,
    Column("destination", _text(), nullable=False),
    Column("subscriber", _text(), nullable=False),
    Column("cause", _text(), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("delivery", _text(), nullable=False),
    PrimaryKeyConstraint("destination", "subscriber", "cause", name="pk_refusals"),
)


def micros(moment: datetime) -> int:
    """A time as the tables keep it. Raises TypeError for one without a time zone."""
    return (moment - EPOCH) // _MICROSECOND


def moment(micros_: int) -> datetime:
    """A time out of the tables, UTC."""
    return EPOCH + micros_ * _MICROSECOND
