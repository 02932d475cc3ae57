"""The rules service as a processor: the records of `events` in, the records of `alerts` out.

The alerts of a partition are a pure fold over that partition. Content of rulesets comes by hash from the blob store.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import msgspec

from almenara.domain.alert import Alert, AlertChanged, Reason
from almenara.domain.errors import Faulty, Refused, Rejected
from almenara.domain.event import COMMANDS, FOR_NOTIFIER, RULESET, TICK, Event
from almenara.domain.ids import content_id
from almenara.engine.detection import Late
from almenara.engine.engine import SEMANTICS, Engine, EngineState
from almenara.engine.ruleset import Content, Ruleset, build, content_of
from almenara.ports.log import ALERTS, EVENTS, REJECTED, Entry, LogReader, Record, read_range
from almenara.ports.processor import History, Outputs
from almenara.ports.state import BlobStore
from almenara.ports.wire import decode_event, encode, encode_event
from almenara.rules.activation import take_over
from almenara.rules.decide import Cause, alert_uid, close, decide, decide_command, end_by_activation, is_open
from almenara.rules.upgrade import Facts, facts_behind, recorded_alerts, semantics_of

CONSUMER: Final = "rules"
_NOT_OBSERVED: Final = frozenset((RULESET, TICK, *FOR_NOTIFIER, *COMMANDS))


@dataclass(slots=True)
class RulesState:
    """All that the fold remembers of a partition.

    `minute` is that of the last tick that was passed on; `facts`, where older engine semantics decided what comes next.
    """

    ruleset_hash: str = ""
    minute: datetime | None = None
    engine: EngineState = field(default_factory=EngineState)
    alerts: dict[str, Alert] = field(default_factory=dict)
    facts: Facts | None = None


class RulesProcessor:
    """Opens folds; compiled rulesets are kept by hash, for all partitions.

    `recorded` is where the alerts are read that older engine semantics decided; a log without such needs none.
    """

    consumer = CONSUMER
    stream = EVENTS
    version = f"rules/{SEMANTICS}.2"

    def __init__(
        self, blobs: BlobStore, *, compile: Callable[[Content], Ruleset] = build, recorded: LogReader | None = None
    ) -> None:
        self._blobs = blobs
        self._recorded = recorded
        self._compile = compile
        self._compiled: dict[str, Ruleset] = {}

    def open(self, partition: int, state: bytes | None, history: History) -> "RulesFold":
        """A fold from the start, or from a snapshot."""
        held = msgspec.msgpack.decode(state, type=RulesState) if state else RulesState()
        return RulesFold(partition, held, self.ruleset, history, recorded=self._recorded)

    def ruleset(self, digest: str) -> Ruleset:
        """The compiled ruleset of this hash. Raises Missing, Differs, or Rejected (`bad_ruleset`)."""
        if digest not in self._compiled:
            body = self._blobs.get(digest)
            try:
                self._compiled[digest] = self._compile(content_of(body))
            except Faulty as error:
                raise Rejected("bad_ruleset", str(error)) from error
        return self._compiled[digest]


class RulesFold:
    """The fold over one partition of `events`."""

    def __init__(
        self,
        partition: int,
        state: RulesState,
        rulesets: Callable[[str], Ruleset],
        history: History,
        *,
        recorded: LogReader | None = None,
    ) -> None:
        self._partition = partition
        self._recorded = recorded
        self._state = state
        self._rulesets = rulesets
        self._history = history
        self._engine: Engine | None = None
        if state.ruleset_hash and state.facts is None:
            self._engine = Engine(rulesets(state.ruleset_hash), state.engine, apart=True)

    @property
    def engine(self) -> Engine | None:
        """The running engine; None before the first activation."""
        return self._engine

    def apply(self, record: Record) -> Outputs:
        """Takes one record of `events`. Raises Rejected for one that cannot be read or a ruleset that is wrong."""
        event = decode_event(record.body, record.position)
        if event.type not in _NOT_OBSERVED and self._engine is not None and self._state.facts is None:
            return self._outputs(self._engine, event, record)  # as nearly always
        if self._is_fact(event, record):
            return Outputs()
        if event.type == RULESET:
            return self._activate(event, record)
        if event.type in FOR_NOTIFIER:
            return Outputs([self._passed_on(event)])
        if event.type in COMMANDS:
            return self._command(event, record)
        outputs = self._outputs(self._engine, event, record) if self._engine else Outputs()
        if event.type == TICK and self._new_minute(event.time):
            outputs.entries.append(self._passed_on(event))
        return outputs

    def snapshot(self) -> bytes:
        """The state as bytes."""
        if self._engine is not None:
            self._state.engine = self._engine.state
        return msgspec.msgpack.encode(self._state)

    def _is_fact(self, event: Event, record: Record) -> bool:
        """Whether older engine semantics decided on the record: what came of it is recorded, and stays as it is."""
        state = self._state
        if event.type == RULESET and state.facts is None and semantics_of(event) != SEMANTICS:
            facts = facts_behind(self._history, record, semantics_of(event))
            if facts.events < record.sequence:  # the older release had not come so far: it is decided here
                return False
            state.facts, self._engine = facts, None
        if state.facts is None:
            return False
        if record.sequence > state.facts.events:
            self._go_on(state.facts)
            return False
        if event.type == RULESET:
            state.ruleset_hash = str(event.data.get("hash", ""))
        return True

    def _go_on(self, facts: Facts) -> None:
        """Takes over from older semantics: the alerts as they are recorded, the detectors as if they had always run."""
        if self._recorded is None:
            raise Refused("an older release decided the beginning of this log; its alerts cannot be read here")
        try:
            ruleset = self._rulesets(self._state.ruleset_hash)
        except Rejected as error:  # no record is wrong, this release is: nothing may be passed over
            raise Refused(f"this release cannot read the active ruleset: {error.detail}") from error
        engine = take_over(ruleset, None, self._history, facts.events)
        upto = facts.alerts
        records = read_range(self._recorded, ALERTS, self._partition, upto=upto) if upto else ()
        self._state.alerts = recorded_alerts(records)
        self._state.facts, self._engine = None, engine

    def _activate(self, event: Event, record: Record) -> Outputs:
        digest = str(event.data.get("hash", ""))
        ruleset = self._rulesets(digest)
        running = self._engine.ruleset if self._engine else None
        since: dict[str, datetime] = {}
        ended: list[tuple[Alert, Reason]] = []
        for alert in filter(is_open, self._state.alerts.values()):
            reason = end_by_activation(alert, running, ruleset)
            if reason is not None:
                ended.append((alert, reason))
            elif alert.events:
                first = alert.events[0].time
                since[alert.rule] = min(first, since.get(alert.rule, first))
        engine = take_over(ruleset, self._engine, self._history, record.sequence - 1, since=since)
        self._engine = engine
        self._state.ruleset_hash = digest
        cause = Cause(record.id, record.position, "")
        return Outputs([self._keep(close(alert, reason, engine.clock, cause)) for alert, reason in ended])

    def _command(self, event: Event, record: Record) -> Outputs:
        alert = self._state.alerts.get(str(event.data.get("alert", "")))
        if alert is None:
            raise Rejected("unknown_alert", f"no alert {event.data.get('alert')!r} in this partition")
        at = max(self._engine.clock, event.recorded) if self._engine else event.recorded
        changed = decide_command(event, alert, at, Cause(record.id, record.position, record.key))
        return Outputs([self._keep(changed)] if changed else [])

    def _outputs(self, engine: Engine, event: Event, record: Record) -> Outputs:
        findings = engine.apply(event)
        outputs = Outputs()
        if not findings.detections and not findings.late:
            return outputs
        for detection in findings.detections:
            # The country is that of what was detected: a tick has none, a reading may be another country's.
            country = detection.events[-1].country if detection.events else event.country
            cause = Cause(record.id, record.position, country)
            uid = alert_uid(detection.rule, country, detection)
            alert, digest = self._state.alerts.get(uid), self._state.ruleset_hash
            changed = decide(detection, alert, engine.ruleset, cause, ruleset_hash=digest, uid=uid)
            if changed is not None:
                outputs.entries.append(self._keep(_told_apart(changed, outputs.entries)))
        outputs.entries += [self._late(late, record) for late in findings.late]
        return outputs

    def _keep(self, changed: AlertChanged) -> Entry:
        self._state.alerts[changed.alert.uid] = changed.alert
        return Entry(ALERTS, changed.alert.country, changed.id, encode(changed), self._partition)

    def _new_minute(self, clock: datetime) -> bool:
        minute = clock.replace(second=0, microsecond=0)
        if self._state.minute is not None and minute <= self._state.minute:
            return False
        self._state.minute = minute
        return True

    def _passed_on(self, event: Event) -> Entry:
        # What decides delivery must stand in `alerts`, in order: the notifier reads nothing else.
        return Entry(ALERTS, "", f"{event.id}/{self._partition}", encode_event(event), self._partition)

    def _late(self, late: Late, record: Record) -> Entry:
        body = encode({"position": record.position, "id": record.id, "by": late.rule, "reason": "late"})
        return Entry(REJECTED, record.key, content_id("late", late.rule, record.id), body)


def _told_apart(changed: AlertChanged, before: list[Entry]) -> AlertChanged:
    """The change with an id of its own: one record may change an alert twice for one reason (two sources that join)."""
    ids = {entry.id for entry in before}
    uid, number = changed.id, 1
    while uid in ids:
        number += 1
        uid = content_id(changed.id, number)
    return changed if uid == changed.id else replace(changed, id=uid)
