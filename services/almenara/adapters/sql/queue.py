"""The send queue as a table. A claim is fenced by the number of its take: whoever was overtaken settles nothing.

Of each thread only the head is handed out: the send that is in somebody's hands, or else the one of lowest rank.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.destinations import SqlDestinations, circuits, note_all
from almenara.adapters.sql.grouped import Grouped
from almenara.adapters.sql.log import append
from almenara.adapters.sql.often import Often
from almenara.adapters.sql.schema import micros, moment
from almenara.ports.log import Entry
from almenara.ports.queue import PER_DESTINATION, SCANNED, Claim, Rooms, Send, Settlement

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
_OF_A_CLAIM: Final = (_SENDS.id, _SENDS.thread, _SENDS.rank, _SENDS.due, _SENDS.body, _SENDS.destination)
_IN_HAND: Final = Often(
    select(_SENDS.destination, func.count().label("in_hand"))
    .where(_SENDS.claimed_until >= bindparam("now"), _SENDS.destination != "")
    .group_by(_SENDS.destination)
)
_CANDIDATES: Final = Often(
    select(_SENDS.id, _SENDS.destination)
    .where(_HEAD, _CLAIMABLE, _SENDS.destination.not_in(bindparam("full", expanding=True)))
    .where(_SENDS.id.not_in(bindparam("chosen", expanding=True)))
    .order_by(_SENDS.due, _SENDS.rank, _SENDS.id)
    .limit(bindparam("most"))
)
_CHOSEN: Final = Often(
    select(*_OF_A_CLAIM, _SENDS.attempts, _SENDS.attempted, _SENDS.doubt)
    .where(_SENDS.id.in_(bindparam("ids", expanding=True)), _CLAIMABLE)
    .order_by(_SENDS.due, _SENDS.rank, _SENDS.id)
    .with_for_update(skip_locked=True, of=schema.sends)
)
_HANDLES: Final = Often(
    select(_SENDS.thread, _SENDS.handle)
    .where(_SENDS.thread.in_(bindparam("threads", expanding=True)), _SENDS.handle != "")
    .order_by(_SENDS.rank, _SENDS.id)
)
_CLAIM: Final = Often(
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
_FIRST_LOOK: Final = 32
"""So many candidates are looked at first; all that may be only where these leave a question open."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of a claim, with its records: the new values of its row, and what is to be noted elsewhere."""

    claim: Claim
    values: Mapping[str, Any]
    entries: Sequence[Entry]
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class _Take:
    """What is asked for by whoever takes; times as the table has them."""

    now: int
    until: int
    limit: int
    per_destination: int


class SqlQueue(SqlDestinations):
    """SendQueue."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions
        self._writes: Grouped[_Step | _Take, bool | list[Claim]] = Grouped(database, self._written)

    def take(self, now: datetime, until: datetime, limit: int, per_destination: int = PER_DESTINATION) -> list[Claim]:
        """Takes what is due, the first of each thread, where a destination has room. Raises Unreachable."""
        taken = self._writes.write(_Take(micros(now), micros(until), limit, per_destination))
        return taken if isinstance(taken, list) else []

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
        self, claim: Claim, values: Mapping[str, Any], entries: Sequence[Entry], settlement: Settlement | None = None
    ) -> bool:
        return self._writes.write(_Step(claim, values, entries, settlement)) is True

    def _written(self, connection: Connection, asked: Sequence[_Step | _Take]) -> list[bool | list[Claim]]:
        """Of each step, whether its claim was still held, and nothing is written when it was not; of a take, what is
        taken, after all steps, for they make room."""
        held = {id(one): _changed(connection, one) for one in asked if isinstance(one, _Step)}
        kept = [one for one in asked if isinstance(one, _Step) and held[id(one)]]
        settled = [(step.claim.send.destination, step.settlement) for step in kept if step.settlement is not None]
        add(connection, note_all(connection, settled))
        append(connection, [entry for step in kept for entry in step.entries], self._partitions)
        return [held[id(one)] if isinstance(one, _Step) else _taken(connection, one) for one in asked]


def _taken(connection: Connection, asked: _Take) -> list[Claim]:
    return take(connection, asked.now, asked.until, asked.limit, per_destination=asked.per_destination)


def _changed(connection: Connection, step: _Step) -> bool:
    values = {f"new_{name}": value for name, value in step.values.items()}
    claim = {"send": step.claim.send.id, "take": step.claim.attempt}
    return _change_of(tuple(step.values)).change(connection, values | claim) > 0


@cache  # a handful: to build a statement takes longer than to run it
def _change_of(names: tuple[str, ...]) -> Often:
    return Often(_HELD.values({name: bindparam(f"new_{name}") for name in names}))


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
    in_hand: dict[str, int] = dict(_IN_HAND.rows(connection, {"now": now}))
    ids = _chosen(connection, now, limit, Rooms(in_hand, standing, per_destination))
    rows = _CHOSEN.rows(connection, {"ids": ids, "now": now}) if ids else []
    if not rows:
        return []
    sends = [Send(uid, thread, rank, moment(due), body, to) for uid, thread, rank, due, body, to, *_ in rows]
    _CLAIM.change(connection, {"ids": [send.id for send in sends], "until": until})
    handles = dict(_HANDLES.rows(connection, {"threads": [send.thread for send in sends]}))  # the newest of each thread
    return [
        Claim(
            send,
            attempts + 1,
            bool(doubt or attempted),
            handles.get(send.thread, ""),
            standing.get(send.destination),
        )
        for send, (*_, attempts, attempted, doubt) in zip(sends, rows, strict=True)
    ]


def _chosen(connection: Connection, now: int, limit: int, rooms: Rooms) -> list[str]:
    """The ids of what is taken, in order."""
    chosen: list[str] = []
    for most in (_FIRST_LOOK, SCANNED):
        look = {"now": now, "full": rooms.full(), "chosen": chosen, "most": most}
        found = _CANDIDATES.rows(connection, look)
        for uid, destination in found:
            if len(chosen) < limit and rooms.take(destination):
                chosen.append(uid)
        if len(chosen) >= limit or len(found) < most:
            break  # behind what was left now, nothing is that has room: it would have been seen
    return chosen
