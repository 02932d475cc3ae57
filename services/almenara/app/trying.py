"""What the rules would say to the drafts of a dry run: a fresh engine, nothing stored."""

from collections.abc import Sequence
from datetime import datetime

from almenara.domain.errors import Rejected
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine
from almenara.engine.ruleset import Ruleset
from almenara.ingest.draft import Draft, stamp


def would_say(ruleset: Ruleset, drafts: Sequence[Draft], now: datetime) -> tuple[list[Detection], list[Rejected]]:
    """The detections that these drafts alone lead to, and the drafts that would be refused."""
    engine = Engine(ruleset)
    detections: list[Detection] = []
    rejected: list[Rejected] = []
    events: list[Event] = []
    for draft in drafts:
        try:
            events += stamp(draft, now)
        except Rejected as error:
            rejected.append(error)
    for event in sorted(events, key=lambda event: (event.recorded, event.time)):
        detections += engine.apply(event).detections
    return detections, rejected
