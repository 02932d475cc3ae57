"""Positions with an epoch, and the commit that checks it: outputs, sends, snapshot and position in one transaction.

Rows are taken in the order position, sends, counters; the queue takes them in the same order.
"""

from typing import Final

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.log import append
from almenara.adapters.sql.queue import add
from almenara.domain.errors import Fenced
from almenara.ports.state import Snapshot
from almenara.ports.unit import Batch, Lease

_POSITIONS: Final = schema.positions.c
_SNAPSHOTS: Final = schema.snapshots.c
_ORDER: Final = (_POSITIONS.consumer, _POSITIONS.stream, _POSITIONS.partition)

_ALL: Final = select(*_ORDER, _POSITIONS.after, _POSITIONS.epoch).order_by(*_ORDER)
_MOVE: Final = (
    update(schema.positions)
    .where(_POSITIONS.consumer == bindparam("c"), _POSITIONS.stream == bindparam("s"))
    .where(_POSITIONS.partition == bindparam("p"), _POSITIONS.epoch == bindparam("e"))
    .values(after=bindparam("to"))
)
_LOAD: Final = (
    select(_SNAPSHOTS.sequence, _SNAPSHOTS.body)
    .where(_SNAPSHOTS.consumer == bindparam("c"), _SNAPSHOTS.stream == bindparam("s"))
    .where(_SNAPSHOTS.partition == bindparam("p"), _SNAPSHOTS.version == bindparam("v"))
)


class SqlUnit:
    """UnitOfWork and SnapshotStore."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    def claim(self, consumer: str, stream: str, partition: int) -> Lease:
        """Takes the partition: epoch + 1. Raises Unreachable."""
        return self._database.write(lambda connection: _claim(connection, consumer, stream, partition))

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        """Writes everything of the batch, or nothing. Raises Fenced, Rejected (of an output) and Unreachable."""

        def work(connection: Connection) -> Lease:
            place = {"c": lease.consumer, "s": lease.stream, "p": lease.partition}
            if not connection.execute(_MOVE, {**place, "e": lease.epoch, "to": batch.after}).rowcount:
                raise Fenced(f"{lease.consumer} on {lease.stream}/{lease.partition}: epoch {lease.epoch} is over")
            add(connection, batch.sends)
            append(connection, batch.outputs, self._partitions)
            if batch.snapshot is not None:
                _save(connection, batch.snapshot)
            return Lease(lease.consumer, lease.stream, lease.partition, batch.after, lease.epoch)

        return self._database.write(work)

    def positions(self) -> list[Lease]:
        """Every position, in order of consumer, stream and partition. Raises Unreachable."""
        with self._database.reading() as connection:
            return [Lease(*row) for row in connection.execute(_ALL)]

    def load(self, consumer: str, stream: str, partition: int, version: str) -> Snapshot | None:
        """The newest snapshot of this version, or None. Raises Unreachable."""
        with self._database.reading() as connection:
            values = {"c": consumer, "s": stream, "p": partition, "v": version}
            row = connection.execute(_LOAD, values).one_or_none()
        return Snapshot(consumer, stream, partition, row.sequence, version, row.body) if row else None


def _claim(connection: Connection, consumer: str, stream: str, partition: int) -> Lease:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(schema.positions).values(
        consumer=consumer, stream=stream, partition=partition, after=0, epoch=1
    )
    row = connection.execute(
        statement.on_conflict_do_update(index_elements=list(_ORDER), set_={"epoch": _POSITIONS.epoch + 1}).returning(
            _POSITIONS.after, _POSITIONS.epoch
        )
    ).one()
    return Lease(consumer, stream, partition, row.after, row.epoch)


def _save(connection: Connection, snapshot: Snapshot) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(schema.snapshots).values(
        consumer=snapshot.consumer,
        stream=snapshot.stream,
        partition=snapshot.partition,
        version=snapshot.version,
        sequence=snapshot.sequence,
        body=snapshot.body,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_SNAPSHOTS.consumer, _SNAPSHOTS.stream, _SNAPSHOTS.partition, _SNAPSHOTS.version],
            set_={"sequence": statement.excluded.sequence, "body": statement.excluded.body},
        )
    )
