"""Messages of the `inbox` topic and of the signed webhook: bytes of other teams into drafts.

Pure. What they send is theirs alone: ids and sources get the sender's name in front, they cannot speak of readings
of other sources, nor correct or withdraw what others said, and they cannot claim to have known something in the future.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from almenara.domain.errors import Rejected
from almenara.domain.event import CHECKED, CORRECTED, WITHDRAWN
from almenara.ingest.cloudevents import Item, read_document
from almenara.ingest.draft import BAD_DATA, Draft

NOT_YOURS: Final = "not_yours"
SEPARATOR: Final = ":"
_SKEW: Final = timedelta(minutes=5)


def read_message(body: bytes, now: datetime, *, sender: str = "inbox") -> list[Item]:
    """The items of one message (a CloudEvent or a batch, at most 1 MiB); never empty, never raises."""
    return [_guarded(item, now, sender) for item in read_document(body, prefix=sender + SEPARATOR)]


def _guarded(item: Item, now: datetime, sender: str) -> Item:
    if isinstance(item, Rejected):
        return item
    if item.type == CHECKED:
        source = item.data.get("source")
        named = source.get("id") if isinstance(source, dict) else None
        if named != sender:
            return Rejected(NOT_YOURS, f"'{sender}' can tell of readings of the source '{sender}' only")
    if item.type in (CORRECTED, WITHDRAWN):
        return _own_event(item, now, sender)
    return _believed(item, now)


def _own_event(item: Draft, now: datetime, sender: str) -> Item:
    named, content = item.data.get("of"), item.data.get("event")
    if not isinstance(named, str) or not named:
        return Rejected(BAD_DATA, "data.of is missing: the id of the event that this one is about")
    if isinstance(content, dict) and content.get("type") in (CHECKED, CORRECTED, WITHDRAWN):
        return Rejected(NOT_YOURS, "an event is not corrected into a reading, a correction or a withdrawal")
    own = named if named.startswith(sender + SEPARATOR) else sender + SEPARATOR + named
    return _believed(replace(item, data={**item.data, "of": own}), now)


def _believed(draft: Draft, now: datetime) -> Draft:
    late = draft.recorded is not None and draft.recorded > now + _SKEW
    return replace(draft, recorded=None) if late else draft
