"""The send queue as a table. A claim is fenced by the number of its take: whoever was overtaken settles nothing.

Of each thread only the head is handed out: the send that is in somebody's hands, or else the one of lowest rank.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.destinations import SqlDestinations, accept, circuits, note, refuse
from almenara.adapters.sql.log import append
from almenara.adapters.sql.schema import micros, moment
from almenara.domain.circuit import Circuit
from almenara.ports.log import Entry
from almenara.ports.queue import PER_DESTINATION, SCANNED, Claim, Send, Settlement, room, with_room

_SENDS: Final = schema.sends.c
_OTHER: Final = schema.sends.alias("other")
_TAKERS: Final = 0x616C6D656E6172  # PostgreSQL's advisory lock of whoever takes

_NO_OTHER_FIRST: Final = ~(
    select(_OTHER.c.id)
    .where(_OTHER.c.thread == _SENDS.thread, _OTHER.c.settled.is_(False), _OTHER.c.id != _SENDS.id)
    .where(
        or_(
            _OTHER.c.claimed_until.is_not(None),
            and_(
                _SENDS.claimed_until.is_(None),
                tuple_(_OTHER.c.rank, _OTHER.c.id) < tuple_(_SENDS.rank, _SENDS.id),
            ),
        )
    )
    .exists()
)
_HEAD: Final = and_(_SENDS.settled.is_(False), _NO_OTHER_FIRST)
# The first moment at which a head can be taken: when it is due and its claim, if any, has run out.
_READY: Final[ColumnElement[int]] = case(
    (and_(_SENDS.claimed_until.is_not(None), _SENDS.claimed_until >= _SENDS.due), _SENDS.claimed_until + 1),
    else_=_SENDS.due,
)
_CLAIMABLE: Final = and_(
    _SENDS.settled.is_(False),
    _SENDS.due <= bindparam("now"),
    or_(_SENDS.claimed_until.is_(None), _SENDS.claimed_until < bindparam("now")),
)
_IN_HAND: Final = (
    select(_SENDS.destination, func.count().label("in_hand"))
    .where(_SENDS.claimed_until >= bindparam("now"), _SENDS.destination != "")
    .group_by(_SENDS.destination)
)
_CANDIDATES: Final = (
    select(_SENDS.id, _SENDS.destination)
    .where(_HEAD, _CLAIMABLE, _SENDS.destination.not_in(bindparam("full", expanding=True)))
    .order_by(_SENDS.due, _SENDS.rank, _SENDS.id)
    .limit(SCANNED)
)
_CHOSEN: Final = (
    select(schema.sends)
    .where(_SENDS.id.in_(bindparam("ids", expanding=True)), _CLAIMABLE)
    .order_by(_SENDS.due, _SENDS.rank, _SENDS.id)
    .with_for_update(skip_locked=True, of=schema.sends)
)
_HANDLES: Final = (
    select(_SENDS.thread, _SENDS.handle)
    .where(_SENDS.thread.in_(bindparam("threads", expanding=True)), _SENDS.handle != "")
    .order_by(_SENDS.rank, _SENDS.id)
)
_CLAIM: Final = (
    update(schema.sends)
    .where(_SENDS.id.in_(bindparam("ids", expanding=True)))
    .values(
        attempts=_SENDS.attempts + 1,
        doubt=or_(_SENDS.doubt, _SENDS.attempted),
        attempted=False,
        claimed_until=bindparam("until"),
    )
)
_HELD: Final = update(schema.sends).where(
    _SENDS.id == bindparam("send"), _SENDS.attempts == bindparam("take"), _SENDS.claimed_until.is_not(None)
)


class SqlQueue(SqlDestinations):
    """SendQueue."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    def take(self, now: datetime, until: datetime, limit: int, per_destination: int = PER_DESTINATION) -> list[Claim]:
        """Takes what is due, the first of each thread, where a destination has room. Raises Unreachable."""
        times = micros(now), micros(until)
        return self._database.write(lambda connection: take(connection, *times, limit, per_destination=per_destination))

    def attempt(self, claim: Claim, entries: Sequence[Entry]) -> bool:
        """Records that the attempt starts; False when the claim was lost. Raises Unreachable."""
        return self._change(claim, {"attempted": True}, entries)

    def settle(self, claim: Claim, settlement: Settlement, entries: Sequence[Entry]) -> bool:
        """Records what came of it; False when the claim was lost. Raises Unreachable."""
        values: dict[str, Any] = {"attempted": False, "claimed_until": None}
        if settlement.doubt:
            values["doubt"] = True
        if settlement.again_at is None:
            values |= {"settled": True, "body": b""}  # the id keeps repeats out; what was said stands in `notices`
        else:
            values["due"] = micros(settlement.again_at)
        if settlement.handle:
            values["handle"] = settlement.handle
        return self._change(claim, values, entries, settlement)

    def pending(self) -> int:
        """How many sends are not settled for good. Raises Unreachable."""
        with self._database.reading() as connection:
            counted = select(func.count()).select_from(schema.sends).where(_SENDS.settled.is_(False))
            return connection.scalar(counted) or 0

    def next_due(self) -> datetime | None:
        """The earliest time at which `take` gives something, or None when all is settled. Raises Unreachable."""
        with self._database.reading() as connection:
            first = connection.scalar(select(func.min(_READY)).where(_HEAD))
        return None if first is None else moment(first)

    def _change(
        self, claim: Claim, values: dict[str, Any], entries: Sequence[Entry], settlement: Settlement | None = None
    ) -> bool:
        def work(connection: Connection) -> bool:
            held = _HELD.values(**values)
            if not connection.execute(held, {"send": claim.send.id, "take": claim.attempt}).rowcount:
                return False
            if settlement is not None:
                _note(connection, claim.send.destination, settlement)
            append(connection, entries, self._partitions)
            return True

        return self._database.write(work)


def add(connection: Connection, sends: Iterable[Send]) -> None:
    """Queues sends inside a transaction of the caller's; an id that was there before is dropped."""
    rows = [
        {
            "id": send.id,
            "thread": send.thread,
            "rank": send.rank,
            "due": micros(send.due),
            "body": send.body,
            "settled": False,
            "attempts": 0,
            "attempted": False,
            "doubt": False,
            "claimed_until": None,
            "destination": send.destination,
            "handle": "",
        }
        for send in sends
    ]
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(schema.sends).on_conflict_do_nothing(), rows)


def take(
    connection: Connection, now: int, until: int, limit: int, *, per_destination: int = PER_DESTINATION
) -> list[Claim]:
    """Takes sends inside a transaction of the caller's; times as the table has them."""
    if connection.dialect.name == "postgresql":
        # One taker at a time: two that look at the same moment could see different heads of one thread.
        connection.execute(select(func.pg_advisory_xact_lock(_TAKERS)))
    standing = circuits(connection)
    in_hand = {row.destination: row.in_hand for row in connection.execute(_IN_HAND, {"now": now})}
    full = [one for one, count in in_hand.items() if count >= room(standing.get(one), per_destination)]
    found = connection.execute(_CANDIDATES, {"now": now, "full": full})
    pairs = [(row.id, row.destination) for row in found]
    ids = with_room(pairs, in_hand, standing, limit=limit, per_destination=per_destination)
    rows = connection.execute(_CHOSEN, {"ids": ids, "now": now}).all() if ids else []
    if not rows:
        return []
    connection.execute(_CLAIM, {"ids": [row.id for row in rows], "until": until})
    left = connection.execute(_HANDLES, {"threads": [row.thread for row in rows]})
    handles = {row.thread: row.handle for row in left}  # the newest of each thread
    return [_claimed(row, handles.get(row.thread, ""), standing.get(row.destination)) for row in rows]


def _claimed(row: Row[Any], handle: str, circuit: Circuit | None) -> Claim:
    send = Send(row.id, row.thread, row.rank, moment(row.due), row.body, row.destination)
    return Claim(send, row.attempts + 1, bool(row.doubt or row.attempted), handle, circuit)


def _note(connection: Connection, destination: str, settlement: Settlement) -> None:
    if settlement.sign and destination:
        note(connection, destination, settlement.sign)
    if settlement.accepted:
        accept(connection, destination, settlement.accepted)
    if settlement.refusal and refuse(connection, settlement.refusal) and settlement.tell:
        add(connection, [settlement.tell])
