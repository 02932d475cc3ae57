"""Where destinations stand, as tables: circuits and permanent refusals. Used inside the transactions of the queue."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.often import Often
from almenara.adapters.sql.schema import micros, moment
from almenara.domain.circuit import Circuit, Sign, evolve
from almenara.ports.queue import Refusal, Send, Settlement

_CIRCUITS: Final = schema.circuits.c
_REFUSALS: Final = schema.refusals.c
_STANDING: Final = select(_CIRCUITS.destination, _CIRCUITS.failures, _CIRCUITS.since, _CIRCUITS.until, _CIRCUITS.error)
_ALL_CIRCUITS: Final = Often(_STANDING.order_by(_CIRCUITS.destination))
_ONE_CIRCUIT: Final = Often(_STANDING.where(_CIRCUITS.destination == bindparam("destination")).with_for_update())
_ALL_REFUSALS: Final = select(schema.refusals).order_by(_REFUSALS.destination, _REFUSALS.subscriber, _REFUSALS.cause)
_ACCEPTED: Final = Often(
    delete(schema.refusals).where(
        _REFUSALS.destination == bindparam("d"), _REFUSALS.subscriber.in_(bindparam("who", expanding=True))
    )
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
    return {row[0]: _circuit(row) for row in _ALL_CIRCUITS.rows(connection, {})}


def note_all(connection: Connection, settled: Sequence[tuple[str, Settlement]]) -> list[Send]:
    """Notes what settlements say of their destinations, in order; what is to be told of it."""
    signs: dict[str, list[Sign]] = {}
    for destination, settlement in settled:
        if settlement.sign and destination:
            signs.setdefault(destination, []).append(settlement.sign)
    for destination, its in sorted(signs.items()):
        note(connection, destination, its)
    told: list[Send] = []
    mended: set[tuple[str, str]] = set()  # since the last refusal
    for destination, settlement in settled:
        if settlement.accepted and (destination, settlement.accepted) not in mended:
            accept(connection, destination, settlement.accepted)
            mended.add((destination, settlement.accepted))
        if settlement.refusal:
            mended.clear()
            if refuse(connection, settlement.refusal) and settlement.tell:
                told.append(settlement.tell)
    return told


def note(connection: Connection, destination: str, signs: Sequence[Sign]) -> None:
    """Moves a circuit, holding its row until the commit."""
    rows = _ONE_CIRCUIT.rows(connection, {"destination": destination})
    before = _circuit(rows[0]) if rows else Circuit(destination=destination)
    after = reduce(evolve, signs, before)
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
    _ACCEPTED.change(connection, {"d": destination, "who": [subscriber, ""]})


def _circuit(row: Sequence[Any]) -> Circuit:
    destination, failures, since, until, error = row
    return Circuit(
        destination=destination,
        failures=failures,
        since=None if since is None else moment(since),
        until=None if until is None else moment(until),
        error=error,
    )


def _dialect(connection: Connection) -> Any:
    return sqlite if connection.dialect.name == "sqlite" else postgresql
