"""Ticks: the clock, written into the log as records, one for every partition; and the beacon, one for the first.

Pure: the loop that asks the real clock lives in `app`; demos and file replays write the same ticks from their own time.
"""

from datetime import UTC, datetime
from typing import Final

from almenara.domain.event import BEACON, TICK, Event, beacon_id
from almenara.ports.log import EVENTS, Entry
from almenara.ports.wire import encode_event

SOURCE: Final = "almenara/ticker"
NOWHERE: Final = "ZZZ"
"""The country of a record that concerns none (a code that ISO 3166 leaves to its users)."""


def tick_entries(at: datetime, partitions: int) -> list[Entry]:
    """The tick at this moment (aware) for every partition. The same moment gives the same ids: a repeat is dropped."""
    moment = at.astimezone(UTC)
    iso = moment.isoformat().replace("+00:00", "Z")
    return [_entry(f"tick/{partition}/{iso}", moment, partition) for partition in range(partitions)]


def beacon_entry(slot: datetime) -> Entry:
    """The beacon of this time in the first partition; the notifier's plan lights the others, one after the other."""
    moment = slot.astimezone(UTC)
    event = Event(
        id=beacon_id(moment, 0), source=SOURCE, type=BEACON, time=moment, recorded=moment, country=NOWHERE,
        data={"slot": moment.isoformat()},
    )  # fmt: skip
    return Entry(stream=EVENTS, key="", id=event.id, body=encode_event(event), partition=0)


def _entry(id_: str, moment: datetime, partition: int) -> Entry:
    event = Event(id=id_, source=SOURCE, type=TICK, time=moment, recorded=moment, country=NOWHERE)
    return Entry(stream=EVENTS, key="", id=id_, body=encode_event(event), partition=partition)
