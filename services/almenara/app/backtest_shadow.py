"""What a rule in shadow raised, as it is recorded; how people judged it; and whom it would have told, had it been live.

Has no way to send.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from almenara.app.active import Active
from almenara.app.backtest import told
from almenara.app.backtest_fold import Begun, Blobs, Folded, Kept, activation, notices_of, plan, run
from almenara.app.sources import backwards
from almenara.audit.compare import Told
from almenara.domain.alert import Alert, AlertChanged
from almenara.domain.audience import Audience
from almenara.domain.event import AUDIENCE, RULESET, Event
from almenara.engine.reading import documents
from almenara.engine.rule import Rule
from almenara.engine.ruleset import content_of
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, EVENTS, Entry, LogReader, read_range
from almenara.ports.processor import Processor
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts, decode_event, encode
from almenara.rules.decide import JUDGEMENTS


@dataclass(frozen=True, slots=True)
class ShadowRecord:
    """A rule's time in shadow: since when (None: it never ran), its alerts as they stand, the messages it held back."""

    since: datetime | None
    alerts: tuple[Alert, ...]
    told: tuple[Told, ...]

    def judged(self) -> dict[str, int]:
        """How many alerts were judged true, false and unclear; the others nobody judged."""
        return {word: sum(alert.judgement == word for alert in self.alerts) for word in JUDGEMENTS}


def shadow_record(store: Store, rule: Rule, audience: Audience | None = None) -> ShadowRecord:
    """The record of a rule in shadow. `audience` is used only where the record has none."""
    blobs, first = _audience(store, audience)
    route: Processor = RouteProcessor(blobs)
    alerts: dict[str, Alert] = {}
    folded = []
    for partition in range(store.partitions):
        kept = Kept(store.partitions)
        entries = []
        for entry, changed in _of_rule(store, partition, rule.name):
            entries.append(entry)
            if changed is not None:
                alerts[changed.alert.uid] = changed.alert
        kept.append(entries)
        run(kept, Begun(route, first) if first else route, partition)
        folded.append(Folded(partition, (), tuple(notices_of(kept.written)), ()))
    supposed = str(first.data["hash"]) if first else ""
    sends = plan(folded, store.partitions, blobs, supposed).sends
    messages = tuple(one for send in sends for one in told(send))
    stands = sorted(alerts.values(), key=lambda alert: (alert.raised_at, alert.uid))
    return ShadowRecord(_since(store, rule), tuple(stands), tuple(sorted(messages, key=lambda one: one.at)))


def _audience(store: Store, audience: Audience | None) -> tuple[Blobs, Event | None]:
    """The record's blobs; and where it has no audience of its own, the activation of this one."""
    if audience is None or Active(store).refresh().audience:
        return Blobs(store, {}), None
    body = encode(audience)
    return Blobs(store, {blob_hash(body): body}), activation(AUDIENCE, {"hash": blob_hash(body)})


def _of_rule(log: LogReader, partition: int, rule: str) -> Iterator[tuple[Entry, AlertChanged | None]]:
    """What is recorded of the rule in shadow, as if it had been live; and what else decides who is told."""
    for record in read_range(log, ALERTS, partition):
        found = decode_alerts(record.body, record.position)
        if not isinstance(found, AlertChanged):
            yield Entry(ALERTS, record.key, record.id, record.body, partition), None
        elif found.alert.rule == rule and found.alert.shadow:
            live = replace(found, alert=replace(found.alert, shadow=False))
            yield Entry(ALERTS, record.key, record.id, encode(live), partition), found


def _since(store: Store, rule: Rule) -> datetime | None:
    """Since when the rule has been in shadow without a break: the first of the last activations that have it so."""
    since = None
    for record in backwards(store, EVENTS, 0):
        if record.id.startswith(f"{RULESET}/"):
            event = decode_event(record.body, record.position)
            if event.type == RULESET:
                if not _in_shadow(store, str(event.data.get("hash", "")), rule):
                    break
                since = event.time
    return since


def _in_shadow(store: Store, digest: str, rule: Rule) -> bool:
    # Only the rule's own file is read: a whole ruleset takes long to compile.
    text = content_of(store.get(digest)).files.get(rule.file, "")
    for document in documents.read(text, rule.file)[0]:
        data = document.data if isinstance(document.data, dict) else {}
        if str(data.get("name") or data.get("id") or data.get("title")) == rule.name:
            return str(data.get("status", "")).lower() == "experimental"
    return False
