"""A log that older engine semantics decided up to some record: where that ends, and what is recorded of it.

What was decided stays decided. The part is not folded for its outcomes: alerts are taken as they stand in the recorded
`alerts`, and the detectors stand as if the new engine had always run. Knows no store but the ports it is given.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from almenara.domain.alert import Alert, AlertChanged
from almenara.domain.errors import Refused, Rejected
from almenara.domain.event import RULESET, Event
from almenara.engine.engine import SEMANTICS
from almenara.ports.log import Record
from almenara.ports.processor import History
from almenara.ports.wire import decode_alerts, decode_event

_PAGE: Final = 1_000


class Facts(msgspec.Struct, frozen=True):
    """Up to the sequence `events` of its partition `engine` decided; up to `alerts` of the same it is recorded."""

    engine: str
    events: int
    alerts: int


def semantics_of(activation: Event) -> str:
    """The engine semantics under which a ruleset was activated."""
    return str(activation.data.get("engine", ""))


def facts_behind(history: History, record: Record, engine: str) -> Facts:
    """What is a fact from the activation `record` of another engine on. Raises Refused where none took over from it."""
    found = next((f for f in map(_facts, _activations(history, record.sequence)) if f is not None), None)
    if found is None:
        raise Refused(
            f"{record.position} activates engine semantics {engine}; this release has {SEMANTICS}: use a release with "
            f"semantics {engine}, or let this one go on from here: start it, or `almenara rules activate`"
        )
    return found


def facts_of(history: History) -> Facts | None:
    """What of a whole partition was decided by older semantics, None where it all is ours. Raises Refused as above."""
    first = next(_activations(history, 0), None)
    if first is None or semantics_of(first[1]) == SEMANTICS:
        return None
    return facts_behind(history, first[0], semantics_of(first[1]))


def recorded_alerts(records: Iterable[Record]) -> dict[str, Alert]:
    """The alerts as these records of `alerts` leave them, in the order in which they were raised."""
    found: dict[str, Alert] = {}
    for record in records:
        changed = decode_alerts(record.body)
        if isinstance(changed, AlertChanged):
            found[changed.alert.uid] = changed.alert
    return found


def _activations(history: History, after: int) -> Iterator[tuple[Record, Event]]:
    """Every activation of a ruleset with a sequence greater than `after`."""
    while records := history(after, after + _PAGE):
        for record in records:
            if record.id.startswith(f"{RULESET}/"):  # ids of activations start with their type
                try:
                    yield record, decode_event(record.body, record.position)
                except Rejected:
                    continue
        after = records[-1].sequence


def _facts(found: tuple[Record, Event]) -> Facts | None:
    raw: Any = found[1].data.get("facts")
    if semantics_of(found[1]) != SEMANTICS or raw is None:
        return None
    try:
        return msgspec.convert(raw, Facts)
    except msgspec.ValidationError:
        return None
