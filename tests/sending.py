"""A sender over a queue in memory, with a clock and a channel that the test moves."""

from dataclasses import dataclass, field
from datetime import datetime

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import activate_audience
from almenara.app.embedded import Embedded
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.message import Message
from almenara.domain.notice import Delivery
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.notifier.send import Sender
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.log import DELIVERIES, read_range
from almenara.ports.wire import decode_delivery
from almenara.rules.service import RulesProcessor
from made_up_life import T0, H, activate, checked, event, log

SECRET = "nobody@example.org"


@dataclass
class Hands:
    """A clock and a channel in one, both moved by the test."""

    at: datetime = T0 + 10 * H
    outcomes: list[Outcome | Exception] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)
    tried: int = 0

    def now(self) -> datetime:
        return self.at

    def send(self, message: Message, address: str) -> Outcome:
        self.tried += 1
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome(OutcomeKind.DELIVERED)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.kind == OutcomeKind.DELIVERED:
            self.got.append(message)
        return outcome


def queued(*events: str) -> MemoryStore:
    """A store with one message for each statement, about alerts of their own."""
    store = MemoryStore(1)
    activate(store, checked())
    target = Target(kind="mail", via="mail", address_hash="00")
    who = Subscriber(id="ana", wants=(Want(),), targets=(target,), language="en")
    activate_audience(store, Audience(subscribers=(who,)), T0 - H, by="t", reason="t")
    log(store, *(event("statement.made", uid, 0, k="x") for uid in events))
    pump(store)
    return store


def pump(store: MemoryStore) -> None:
    Embedded(store, [RulesProcessor(store), RouteProcessor(store), PlanProcessor(store, store.partitions)]).pump()


def sender(store: MemoryStore, hands: Hands) -> Sender:
    return Sender(store, {"mail": hands}, lambda *_: SECRET, hands)


def steps(store: MemoryStore) -> list[Delivery]:
    return [decode_delivery(record.body) for record in read_range(store, DELIVERIES, 0)]
