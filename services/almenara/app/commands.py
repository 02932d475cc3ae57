"""Commands of people, as records in `events`: they take effect when the rules service reads them, in order."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from almenara.domain.alert import Alert
from almenara.domain.event import Event
from almenara.domain.ids import content_id
from almenara.ingest.ticker import NOWHERE
from almenara.ports.log import EVENTS, Entry, LogWriter
from almenara.ports.wire import encode_event

SOURCE: Final = "almenara/command"


def append_command(
    log: LogWriter,
    type_: str,
    alert: Alert,
    data: Mapping[str, Any],
    at: datetime,
    *,
    uid: str = "",
    source: str = SOURCE,
) -> bool:
    """Writes one command about an alert. False when the very same command had been written already.

    `uid` tells apart what may be written once only; by default it is made of what the command says and when.
    """
    full = {**data, "alert": alert.uid}
    event_id = f"{type_}/{uid or content_id(alert.uid, full, at)}"
    event = Event(id=event_id, source=source, type=type_, time=at, recorded=at, country=alert.country, data=full)
    return log.append([Entry(EVENTS, alert.country, event_id, encode_event(event))]).new > 0


def append_everywhere(
    log: LogWriter,
    type_: str,
    data: Mapping[str, Any],
    at: datetime,
    *,
    partitions: int,
    uid: str = "",
    source: str = SOURCE,
    own: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
) -> bool:
    """Writes one command that concerns every country, into every partition. False when it had been written already.

    `uid` tells apart what may be written once only; by default it is made of what the command says and when. `own` is
    what is said to single partitions besides.
    """
    name = uid or content_id(data, at)
    entries = []
    for partition in range(partitions):
        event_id = f"{type_}/{name}/{partition}"
        full = {**data, **own.get(partition, {})}
        event = Event(id=event_id, source=source, type=type_, time=at, recorded=at, country=NOWHERE, data=full)
        entries.append(Entry(EVENTS, "", event_id, encode_event(event), partition))
    return log.append(entries).new > 0
