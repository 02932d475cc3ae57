"""The store: the log with its counters, positions, snapshots, blobs, sends.

Written out, not imported: what a migration did must not change with the code.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SQLITE_TRIGGERS = [
    f"CREATE TRIGGER records_no_{verb} BEFORE {verb.upper()} ON records "
    "BEGIN SELECT RAISE(ABORT, 'records are never changed or removed'); END"
    for verb in ("update", "delete")
]
POSTGRESQL_TRIGGERS = [
    "CREATE FUNCTION records_are_fixed() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'records are never changed or removed'; END $$",
    "CREATE TRIGGER records_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON records "
    "FOR EACH STATEMENT EXECUTE FUNCTION records_are_fixed()",
]


def upgrade() -> None:
    _create_log()
    _create_state()
    _create_sends()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("sends", "blobs", "snapshots", "positions", "log_properties", "partitions", "records"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION records_are_fixed()")


def _column(name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def _create_log() -> None:
    op.create_table(
        "records",
        _column("stream", TEXT),
        _column("partition", sa.Integer()),
        _column("sequence", sa.BigInteger()),
        _column("key", TEXT),
        _column("id", TEXT),
        _column("body", sa.LargeBinary()),
        _column("chain", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("stream", "partition", "sequence", name="pk_records"),
        sa.UniqueConstraint("stream", "id", name="uq_records_id"),
    )
    op.create_table(
        "partitions",
        _column("stream", TEXT),
        _column("partition", sa.Integer()),
        _column("last", sa.BigInteger()),
        _column("chain", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("stream", "partition", name="pk_partitions"),
    )
    op.create_table(
        "log_properties",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        _column("partitions", sa.Integer()),
        _column("created_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("single", name="pk_log_properties"),
        sa.CheckConstraint("single = 1", name="ck_log_properties_single"),
    )


def _create_state() -> None:
    op.create_table(
        "positions",
        _column("consumer", TEXT),
        _column("stream", TEXT),
        _column("partition", sa.Integer()),
        _column("after", sa.BigInteger()),
        _column("epoch", sa.BigInteger()),
        sa.PrimaryKeyConstraint("consumer", "stream", "partition", name="pk_positions"),
    )
    op.create_table(
        "snapshots",
        _column("consumer", TEXT),
        _column("stream", TEXT),
        _column("partition", sa.Integer()),
        _column("version", TEXT),
        _column("sequence", sa.BigInteger()),
        _column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("consumer", "stream", "partition", "version", name="pk_snapshots"),
    )
    op.create_table(
        "blobs",
        _column("digest", TEXT),
        _column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("digest", name="pk_blobs"),
    )


def _create_sends() -> None:
    op.create_table(
        "sends",
        _column("id", TEXT),
        _column("thread", TEXT),
        _column("rank", TEXT),
        _column("due", sa.BigInteger()),
        _column("body", sa.LargeBinary()),
        _column("settled", sa.Boolean()),
        _column("attempts", sa.Integer()),
        _column("attempted", sa.Boolean()),
        _column("doubt", sa.Boolean()),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sends"),
    )
    unsettled = sa.column("settled").is_(sa.false())
    for name, columns in (("ix_sends_thread", ["thread", "rank", "id"]), ("ix_sends_due", ["due"])):
        op.create_index(name, "sends", columns, sqlite_where=unsettled, postgresql_where=unsettled)
