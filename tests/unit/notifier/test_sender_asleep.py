"""A sender that comes to a message only after its claim ran out leaves it: another one may have sent it by then."""

from almenara.adapters.memory import MemoryStore
from almenara.app.clock import VirtualClock
from almenara.app.embedded import Embedded
from almenara.domain.message import Message
from almenara.domain.notice import DeliveryState
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.send import CLAIM_FOR, Sender, backoff_s
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.log import DELIVERIES, NOTICES, Entry
from almenara.ports.wire import decode_delivery, encode
from case_run import stream
from told import absence, at, notice


class Kept:
    """A channel that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message, address: str) -> Outcome:
        self.messages.append(message)
        return Outcome(OutcomeKind.DELIVERED)


def test_what_was_not_sent_before_the_claim_ran_out_is_sent_later_and_is_no_copy() -> None:
    store, clock, channel = MemoryStore(1), VirtualClock(at("2026-02-01 12:00")), Kept()
    store.append([Entry(NOTICES, "ana", "n1", encode(notice(absence(), via="mail")))])
    Embedded(store, [PlanProcessor(store, store.partitions)]).pump()
    sleeps = [CLAIM_FOR]

    def address(subscriber: str, via: str, address_hash: str) -> str:
        if sleeps:  # the process falls asleep between recording the attempt and sending
            clock.set(clock.now() + sleeps.pop())
        return "ana@example.org"

    sender = Sender(store, {"mail": channel}, address, clock)
    [sent] = sender.run_once()
    assert sent.outcome == Outcome(OutcomeKind.RETRY_AFTER, "claim_ran_out")
    assert channel.messages == []
    due = store.next_due()
    assert due is not None
    assert (due - clock.now()).total_seconds() == backoff_s(1)
    clock.set(due)
    assert len(sender.run_once()) == 1
    assert [message.mark for message in channel.messages] == [""]
    steps = [decode_delivery(record.body) for record in stream(store, DELIVERIES)]
    attempting = DeliveryState.ATTEMPTING
    assert [step.state for step in steps] == [
        attempting,
        DeliveryState.RETRY_AFTER,
        attempting,
        DeliveryState.DELIVERED,
    ]
