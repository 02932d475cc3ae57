"""Destinations: what each send goes by and what its channel left, the circuits, and refusals for the operator."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INDEXES = (
    ("ix_sends_in_hand", ["destination"], "claimed_until IS NOT NULL"),
    ("ix_sends_handle", ["thread", "rank"], "handle <> ''"),
)


def upgrade() -> None:
    for name in ("destination", "handle"):
        op.add_column("sends", sa.Column(name, TEXT, nullable=False, server_default=sa.text("''")))
    _due_by("due", "rank", "id")  # the order in which sends are taken, so that a take reads no more than it looks at
    for name, columns, rows in INDEXES:
        where = sa.text(rows)
        op.create_index(name, "sends", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "circuits",
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("destination", name="pk_circuits"),
    )
    op.create_table(
        "refusals",
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("subscriber", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("delivery", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("destination", "subscriber", "cause", name="pk_refusals"),
    )


def downgrade() -> None:
    for table in ("refusals", "circuits"):
        op.drop_table(table)
    for name, _, _ in reversed(INDEXES):
        op.drop_index(name, "sends")
    _due_by("due")
    for name in ("handle", "destination"):
        op.drop_column("sends", name)


def _due_by(*columns: str) -> None:
    where = sa.column("settled").is_(sa.false())
    op.drop_index("ix_sends_due", "sends")
    op.create_index("ix_sends_due", "sends", list(columns), sqlite_where=where, postgresql_where=where)
