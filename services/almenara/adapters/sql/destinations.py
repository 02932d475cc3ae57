"""Where destinations stand, as tables: circuits and permanent refusals. Used inside the transactions of the queue."""

from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.schema import micros, moment
from almenara.domain.circuit import Circuit, Sign, evolve
from almenara.ports.queue import Refusal

_CIRCUITS: Final = schema.circuits.c
_REFUSALS: Final = schema.refusals.c
_ALL_CIRCUITS: Final = select(schema.circuits).order_by(_CIRCUITS.destination)
_ONE_CIRCUIT: Final = select(schema.circuits).where(_CIRCUITS.destination == bindparam("destination")).with_for_update()
_ALL_REFUSALS: Final = select(schema.refusals).order_by(_REFUSALS.destination, _REFUSALS.subscriber, _REFUSALS.cause)
_ACCEPTED: Final = delete(schema.refusals).where(
    _REFUSALS.destination == bindparam("d"), _REFUSALS.subscriber.in_(bindparam("who", expanding=True))
)


class SqlDestinations:
    """The part of SendQueue that tells of destinations."""

    _database: Database

    def circuits(self) -> list[Circuit]:
        """Every destination of which something was noted. Raises Unreachable."""
        with self._database.reading() as connection:
            return sorted(circuits(connection).values(), key=lambda circuit: circuit.destination)

    def refusals(self) -> list[Refusal]:
        """The refusals that nothing has mended since. Raises Unreachable."""
        with self._database.reading() as connection:
            return [
                Refusal(
                    destination=row.destination,
                    subscriber=row.subscriber,
                    cause=row.cause,
                    at=moment(row.at),
                    delivery=row.delivery,
                )
                for row in connection.execute(_ALL_REFUSALS)
            ]


def circuits(connection: Connection) -> dict[str, Circuit]:
    """The circuits by destination."""
    return {row.destination: _circuit(row) for row in connection.execute(_ALL_CIRCUITS)}


def note(connection: Connection, destination: str, sign: Sign) -> None:
    """Moves a circuit, holding its row until the commit."""
    row = connection.execute(_ONE_CIRCUIT, {"destination": destination}).one_or_none()
    before = _circuit(row) if row else Circuit(destination=destination)
    after = evolve(before, sign)
    if after == before:
        return
    values = {
        "destination": destination,
        "failures": after.failures,
        "since": micros(after.since) if after.since else None,
        "until": micros(after.until) if after.until else None,
        "error": after.error,
    }
    statement = _dialect(connection).insert(schema.circuits).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=[_CIRCUITS.destination], set_=values))


def refuse(connection: Connection, refusal: Refusal) -> bool:
    """Notes a refusal; False when it stood there already."""
    statement = (
        _dialect(connection)
        .insert(schema.refusals)
        .values(
            destination=refusal.destination,
            subscriber=refusal.subscriber,
            cause=refusal.cause,
            at=micros(refusal.at),
            delivery=refusal.delivery,
        )
    )
    return connection.execute(statement.on_conflict_do_nothing().returning(_REFUSALS.cause)).first() is not None


def accept(connection: Connection, destination: str, subscriber: str) -> None:
    """Ends the refusals of a subscriber at a destination, and those of everyone."""
    connection.execute(_ACCEPTED, {"d": destination, "who": [subscriber, ""]})


def _circuit(row: Row[Any]) -> Circuit:
    return Circuit(
        destination=row.destination,
        failures=row.failures,
        since=None if row.since is None else moment(row.since),
        until=None if row.until is None else moment(row.until),
        error=row.error,
    )


def _dialect(connection: Connection) -> Any:
    return sqlite if connection.dialect.name == "sqlite" else postgresql
