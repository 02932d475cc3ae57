"""The demo: the recorded cases in their own time, embedded, with a real SMTP server and a Slack-compatible endpoint.

Drives the very services of the embedded mode; only the clock is virtual and the sinks are on this machine. What
happens is told to a watcher, step by step; how it looks is the command line's business.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from almenara.adapters.apprise.mail import MailChannel, MailSettings
from almenara.adapters.apprise.slack import SlackChannel
from almenara.adapters.sinks.slack import SlackSink
from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.activation import Checked, activate_audience, activate_rules, check
from almenara.app.audience import load_audience
from almenara.app.case import Step, load_case
from almenara.app.clock import VirtualClock
from almenara.app.content import read_content
from almenara.app.embedded import Embedded
from almenara.app.settings import Settings
from almenara.domain.alert import AlertChanged
from almenara.domain.event import Event
from almenara.domain.notice import Delivery, DeliveryState
from almenara.engine.reading import documents
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.notifier.send import Sender, Sent
from almenara.ports.channel import Channel
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, LogReader, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts, decode_delivery
from almenara.rules.service import RulesFold, RulesProcessor

CASES: Final = ("peru", "almoria")
_KEY: Final = b"the demo's addresses are no secret"
_MAIL: Final = "mail"
_SLACK: Final = "workspace"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An absence that waits: its rule, the event it started from, its deadline."""

    rule: str
    event: Event
    deadline: datetime


@dataclass(slots=True)
class Happened:
    """What one step led to, in order of the record."""

    case: str
    at: datetime
    events: Sequence[Event] = ()
    waiting: list[Waiting] = field(default_factory=list)
    changes: list[AlertChanged] = field(default_factory=list)
    held: list[Delivery] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)


class Demo:
    """One run of the demo over a fresh store. Use as a context: it starts and stops the two sinks."""

    def __init__(self, store: Store, config_dir: Path, data_dir: Path, settings: Settings) -> None:
        self._store = store
        self._config_dir = config_dir
        self._settings = settings
        self.smtp = SmtpSink(data_dir / "mails")
        self.slack = SlackSink(data_dir / "slack")
        lateness = int(settings.time.allowed_lateness.total_seconds())
        self.checked: Checked = check(read_content(config_dir, allowed_lateness_s=lateness))
        watch = settings.watch
        self.cases: list[tuple[str, list[Step]]] = [
            (name, load_case(config_dir / "cases" / name, watch.countries, watch.region)) for name in CASES
        ]

    def __enter__(self) -> "Demo":
        self.smtp.start()
        self.slack.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.slack.stop()
        self.smtp.stop()

    def run(self, watch: Callable[[Happened], None]) -> None:
        """Runs both cases to their end; `watch` is told after every step."""
        start = self.cases[0][1][0].ticks[0]
        clock = VirtualClock(start)
        sender = self._sender(clock, start)
        reason = "the demo starts"
        activate_rules(self._store, self.checked, start, by="demo", reason=reason)
        embedded = Embedded(
            self._store,
            [
                RulesProcessor(self._store),
                RouteProcessor(self._store),
                PlanProcessor(self._store, self._store.partitions),
            ],
        )
        watcher = _Watcher(self._store, embedded)
        for case, steps in self.cases:
            for step in steps:
                self._store.append(step.entries(self._store.partitions))
                embedded.pump()
                happened = watcher.look(case, step)
                happened.sent = list(self._send(sender, clock, step.at))
                watch(happened)

    def _sender(self, clock: VirtualClock, start: datetime) -> Sender:
        text = (self._config_dir / "cases" / "subscribers.yaml").read_text("utf-8")
        document = documents.read(text, "cases/subscribers.yaml")[0][0]
        environ = {"DEMO_SLACK_URL": self.slack.url()}
        settings = self._settings.model_copy(
            update={"mail": self._settings.mail.model_copy(update={"host": "127.0.0.1", "port": self.smtp.port})}
        )
        loaded = load_audience(document, settings, environ=environ, rules=self.checked.ruleset.by_name, key=_KEY)
        activate_audience(self._store, loaded.audience, start, by="demo", reason="the demo starts")

        def address(subscriber: str, via: str, address_hash: str) -> str | None:
            found = loaded.addresses.lookup(subscriber, via, address_hash)
            return found.reveal() if found else None

        mail = MailSettings(
            host="127.0.0.1", port=self.smtp.port, security="none", sender="Almenara <almenara@example.org>"
        )
        channels: dict[str, Channel] = {_MAIL: MailChannel(mail), _SLACK: SlackChannel()}
        return Sender(self._store, channels, address, clock, contact=settings.corrections.contact)

    def _send(self, sender: Sender, clock: VirtualClock, until: datetime) -> Iterator[Sent]:
        """Sends what is due, each at its own moment of the virtual clock."""
        while (due := self._store.next_due()) is not None and due <= until:
            clock.set(due)
            yield from sender.run_once()
        clock.set(until)


class _Watcher:
    """Reads what a step added to `alerts`, which absences have begun to wait, and which messages do."""

    def __init__(self, log: LogReader, embedded: Embedded) -> None:
        self._log = log
        self._embedded = embedded
        self._seen = [0] * log.partitions
        self._planned = [0] * log.partitions
        self._waited: set[tuple[str, str]] = set()

    def look(self, case: str, step: Step) -> Happened:
        happened = Happened(case, step.at, step.events)
        for partition in range(self._log.partitions):
            for record in read_range(self._log, ALERTS, partition, after=self._seen[partition]):
                self._seen[partition] = record.sequence
                found = decode_alerts(record.body, record.position)
                if isinstance(found, AlertChanged):
                    happened.changes.append(found)
        happened.changes.sort(key=lambda changed: (changed.at, changed.cause, changed.id))
        happened.waiting = list(self._new_waiting())
        happened.held = list(self._new_held())
        return happened

    def _new_held(self) -> Iterator[Delivery]:
        for partition in range(self._log.partitions):
            for record in read_range(self._log, DELIVERIES, partition, after=self._planned[partition]):
                self._planned[partition] = record.sequence
                step = decode_delivery(record.body)
                if step.state == DeliveryState.HELD:
                    yield step

    def _new_waiting(self) -> Iterator[Waiting]:
        for worker in self._embedded.workers(EVENTS):
            fold = worker.fold
            engine = fold.engine if isinstance(fold, RulesFold) else None
            for rule, event, deadline in engine.waiting() if engine else ():
                if (rule, event.id) not in self._waited:
                    self._waited.add((rule, event.id))
                    yield Waiting(rule, event, deadline)
