"""The intake of other teams' items: decoded, stamped, appended to `events`; what is refused goes to `rejected`.

Knows the ports of the log and of the clock, not who calls it (webhook or inbox topic).
"""

import hashlib
from typing import Final

from almenara.domain.errors import Rejected
from almenara.domain.event import Event
from almenara.domain.ids import content_id
from almenara.ingest.draft import stamp
from almenara.ingest.inbox import read_message
from almenara.ports.clock import Clock
from almenara.ports.intake import Receipt, Taken
from almenara.ports.log import EVENTS, REJECTED, Entry, LogWriter
from almenara.ports.wire import encode, encode_event

INBOX: Final = "inbox"


class EventIntake:
    """Appends what it is given to the log, all of one body in one transaction. Satisfies `ports.intake.Intake`."""

    def __init__(self, writer: LogWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    def take(self, sender: str, body: bytes) -> list[Receipt]:
        """Takes an item or a batch. Raises what the log raises (Unreachable) when nothing could be stored."""
        sender = sender or INBOX
        now = self._clock.now()
        entries: list[Entry] = []
        receipts: list[Receipt] = []
        for place, item in enumerate(read_message(body, now, sender=sender)):
            try:
                if isinstance(item, Rejected):
                    raise item
                events = stamp(item, now)
            except Rejected as error:
                entries.append(_refusal(sender, body, place, error))
                receipts.append(Receipt(Taken.REJECTED, _id(item), error.reason, error.detail))
            else:
                entries += [event_entry(event) for event in events]
                receipts += [Receipt(Taken.ACCEPTED, event.id) for event in events]
        repeated = set(self._writer.append(entries).repeated)
        return [_told(receipt, repeated) for receipt in receipts]


def event_entry(event: Event) -> Entry:
    """The event as an entry of `events`, keyed by its country."""
    return Entry(stream=EVENTS, key=event.country, id=event.id, body=encode_event(event))


def _told(receipt: Receipt, repeated: set[str]) -> Receipt:
    if receipt.taken == Taken.ACCEPTED and receipt.id in repeated:
        return Receipt(Taken.REPEATED, receipt.id)
    return receipt


def _id(item: object) -> str:
    return str(getattr(item, "id", ""))[:200]


def _refusal(sender: str, body: bytes, place: int, error: Rejected) -> Entry:
    """The refusal as a record: whose, which (hash and place in the batch) and why; never the refused content."""
    digest = hashlib.sha256(body).hexdigest()
    refusal = {"by": sender, "sha256": digest, "place": place, "reason": error.reason, "detail": error.detail}
    return Entry(stream=REJECTED, key=sender, id=content_id("intake", sender, digest, place), body=encode(refusal))
