"""Whatever channels answer: nothing is lost, what may come twice says so, and a circuit drops nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.adapters.memory import MemoryStore
from almenara.domain.message import Message
from almenara.domain.notice import DeliveryState
from almenara.notifier.send import CIRCUIT_OPEN, Sender
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.log import EVENTS
from almenara.ports.queue import PER_DESTINATION, Send
from almenara.ports.unit import Batch
from almenara.ports.wire import encode
from sending import steps
from told import absence, at, notice

NOW = at("2026-02-01 12:00")
OUTCOMES = [
    Outcome(OutcomeKind.DELIVERED),
    Outcome(OutcomeKind.REJECTED_PERMANENT, "no"),
    Outcome(OutcomeKind.RETRY_AFTER, "later"),
    Outcome(OutcomeKind.RETRY_AFTER, "wait", retry_after_s=400),
    Outcome(OutcomeKind.RETRY_AFTER, "down", down=True),
    Outcome(OutcomeKind.UNKNOWN, "silence", down=True),
]


@dataclass
class World:
    """A clock, and channels that answer from a list and are well when it is used up. Who got what, as people saw it."""

    answers: list[Outcome]
    at: datetime = NOW
    shown: dict[str, list[bool]] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.at

    def send(self, message: Message, address: str) -> Outcome:
        outcome = self.answers.pop() if self.answers else OUTCOMES[0]
        if outcome.kind in (OutcomeKind.DELIVERED, OutcomeKind.UNKNOWN):  # a silence is the worst: it did arrive
            self.shown.setdefault(message.id, []).append(bool(message.mark))
        return outcome


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(OUTCOMES), max_size=60),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_nothing_is_lost_and_every_second_copy_is_marked(answers: list[Outcome], vias: list[str], limit: int) -> None:
    world, store = World(list(answers)), MemoryStore(1)
    lease = store.claim("plan", EVENTS, 0)
    uids = [f"{via}{number}" for number, via in enumerate(vias)]
    sends = [
        Send(uid, uid, "1", NOW, encode(notice(absence(), via=uid[0], delivery=uid, thread=uid, at_=NOW)), uid[0])
        for uid in uids
    ]
    store.commit(lease, Batch(1, (), sends))
    sender = Sender(store, dict.fromkeys("abc", world), lambda *_: "x", world)
    for _ in range(2_000):
        if (due := store.next_due()) is None:
            break
        world.at = max(world.at, due)
        held = sender.take(limit)
        assert all(sum(one.claim.send.destination == via for one in held) <= PER_DESTINATION for via in "abc")
        for one in held:
            sender.send(one)
    assert store.pending() == 0
    last = {step.delivery: step.state for step in steps(store)}
    for uid in uids:
        shown = world.shown.get(uid, [])
        assert last[uid] in (DeliveryState.DELIVERED, DeliveryState.REJECTED_PERMANENT, DeliveryState.GIVEN_UP)
        assert shown or last[uid] == DeliveryState.REJECTED_PERMANENT
        assert all(shown[1:])
    put_off = [step for step in steps(store) if step.detail == CIRCUIT_OPEN]
    assert all(step.again_at is not None and step.again_at > step.at for step in put_off)
    assert world.at - NOW < timedelta(days=3)
