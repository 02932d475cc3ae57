"""The sender and its destinations: what is put off, what the operator is told, what a channel left for the thread."""

from dataclasses import replace
from datetime import timedelta

from almenara.adapters.memory import MemoryStore
from almenara.app.clock import VirtualClock
from almenara.app.embedded import Embedded
from almenara.domain.circuit import FIRST_WAIT_S, OPEN_AFTER, CircuitState
from almenara.domain.notice import DeliveryState, OperatorNotice
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.send import CIRCUIT_OPEN, MAX_ATTEMPTS, Sender
from almenara.notifier.words.operator import Operator
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.log import NOTICES, Entry
from almenara.ports.wire import encode
from made_up_life import H, log, withdrawn
from sending import SECRET, Hands, pump, queued, sender, steps
from told import absence, at, notice

DELIVERED = Outcome(OutcomeKind.DELIVERED)
DOWN = Outcome(OutcomeKind.RETRY_AFTER, "smtp timed out at connect", down=True)
REFUSED = Outcome(OutcomeKind.REJECTED_PERMANENT, "smtp 550 at recipient")
OPERATOR = Operator(subscriber="ops", via="pager", address_hash="01", language="en")


def test_a_dead_destination_is_left_alone_and_what_is_due_is_put_off_on_record() -> None:
    store, hands = queued("s1", "s2", "s3", "s4"), Hands(outcomes=[DOWN] * OPEN_AFTER)
    for _ in range(3):
        sender(store, hands).run_once(limit=1)
    [circuit] = store.circuits()
    assert circuit.state(hands.at) == CircuitState.OPEN
    [sent] = sender(store, hands).run_once()
    assert (sent.outcome.kind, sent.outcome.detail, sent.possible_duplicate) == ("retry_after", CIRCUIT_OPEN, False)
    last = steps(store)[-1]
    assert (last.state, last.detail, last.again_at) == (DeliveryState.RETRY_AFTER, CIRCUIT_OPEN, circuit.until)
    assert (hands.tried, store.pending()) == (OPEN_AFTER, 4)
    hands.at += timedelta(seconds=FIRST_WAIT_S)
    while sender(store, hands).run_once():
        pass
    assert (len(hands.got), store.pending(), store.circuits()[0].state(hands.at)) == (4, 0, CircuitState.CLOSED)


def test_while_half_open_one_is_tried_and_no_second_beside_it() -> None:
    store, hands = queued("s1", "s2", "s3"), Hands(outcomes=[DOWN] * OPEN_AFTER)
    for _ in range(OPEN_AFTER):
        sender(store, hands).run_once(limit=1)
    hands.at += H
    assert len(sender(store, hands).take(10)) == 1
    assert sender(store, hands).take(10) == []


def test_a_wait_that_was_asked_for_holds_for_all_that_go_there() -> None:
    store, hands = queued("s1", "s2"), Hands(outcomes=[Outcome(OutcomeKind.RETRY_AFTER, "slack 429", retry_after_s=90)])
    sender(store, hands).run_once(limit=1)
    sender(store, hands).run_once()
    assert hands.tried == 1
    assert {step.again_at for step in steps(store)[1:]} == {hands.at + timedelta(seconds=90)}
    hands.at += timedelta(seconds=90)
    sender(store, hands).run_once()
    sender(store, hands).run_once()
    assert len(hands.got) == 2


def test_what_was_only_put_off_is_not_given_up_for_it() -> None:
    store, hands = queued("s1"), Hands()
    dead = Outcome(OutcomeKind.RETRY_AFTER, "x", retry_after_s=1, down=True)
    hands.outcomes = [dead] * 10_000
    for _ in range(MAX_ATTEMPTS + 5):
        hands.at += timedelta(minutes=1)
        sender(store, hands).run_once()
    assert store.pending() == 1
    assert DeliveryState.GIVEN_UP not in {step.state for step in steps(store)}


def test_the_operator_is_told_once_of_a_refusal_and_again_after_it_was_mended() -> None:
    store, hands, pager = queued("s1", "s2", "s3", "s4"), Hands(outcomes=[REFUSED] * 2), Hands()
    for _ in range(6):  # each a sender of its own, as after a restart
        told_sender(store, hands, pager).run_once(limit=1)
    assert [refusal.cause for refusal in store.refusals()] == []
    assert len(pager.got) == 1
    assert pager.got[0].headline == "⚪ OPERATOR · mail refuses ana"
    assert "smtp 550 at recipient" in {paragraph.text for paragraph in pager.got[0].paragraphs}
    assert SECRET not in repr(pager.got)
    told = [step for step in steps(store) if step.subscriber == "ops"]
    assert [(step.state, step.alert, step.channel) for step in told] == [
        (DeliveryState.ATTEMPTING, "", "pager"),
        (DeliveryState.DELIVERED, "", "pager"),
    ]


def test_a_refusal_that_stands_is_kept_for_those_who_look() -> None:
    store, hands = queued("s1"), Hands(outcomes=[replace(REFUSED, for_all=True)])
    sender(store, hands).run_once()
    [refusal] = store.refusals()
    assert (refusal.destination, refusal.subscriber, refusal.cause) == ("mail", "", "smtp 550 at recipient")
    assert store.pending() == 0


def test_a_refusal_of_the_operators_own_address_is_told_to_nobody() -> None:
    store, hands, pager = queued("s1"), Hands(outcomes=[REFUSED]), Hands(outcomes=[REFUSED] * 5)
    for _ in range(4):
        told_sender(store, hands, pager).run_once()
    assert (pager.tried, store.pending()) == (1, 0)
    assert {refusal.subscriber for refusal in store.refusals()} == {"ana", "ops"}


def test_an_address_that_the_configuration_took_away_was_refused_by_nobody() -> None:
    store, hands = queued("s1"), Hands()
    Sender(store, {"mail": hands}, lambda *_: None, hands).run_once()
    assert (store.refusals(), steps(store)[-1].detail) == ([], "address_changed")


def test_what_the_channel_left_comes_with_later_messages_of_the_thread() -> None:
    store, hands = queued("s1", "s2"), Hands(outcomes=[replace(DELIVERED, handle=f"ts{n}") for n in range(2)])
    sender(store, hands).run_once()
    log(store, withdrawn("s1", 1))
    pump(store)
    sender(store, hands).run_once()
    assert [message.handle for message in hands.got] == ["", "", "ts0"]
    assert hands.got[2].thread == hands.got[0].id


def told_sender(store: MemoryStore, hands: Hands, pager: Hands) -> Sender:
    channels = {"mail": hands, "pager": pager}
    return Sender(store, channels, lambda *_: SECRET, hands, operator=lambda: OPERATOR)


def test_the_body_of_an_operators_message_is_told_apart_from_a_notice() -> None:
    store, hands, pager = queued("s1"), Hands(outcomes=[REFUSED]), Hands()
    assert told_sender(store, hands, pager).run_once()
    [sent] = told_sender(store, hands, pager).run_once()
    assert isinstance(sent.notice, OperatorNotice)
    assert sent.notice.refused == steps(store)[0].delivery


def test_what_was_left_at_another_address_is_not_given_back() -> None:
    store, clock, channel = MemoryStore(1), VirtualClock(at("2026-02-01 12:00")), Hands()
    channel.outcomes = [replace(DELIVERED, handle="ts0")]
    for number, address_hash in enumerate(("a1", "a1", "b2")):
        told = notice(absence(), id=f"n{number}", delivery=f"d{number}", via="mail", address_hash=address_hash)
        store.append([Entry(NOTICES, "ana", told.id, encode(told))])
        Embedded(store, [PlanProcessor(store, store.partitions)]).pump()
        assert Sender(store, {"mail": channel}, lambda *_: SECRET, clock).run_once()
    assert [message.handle for message in channel.got] == ["", "ts0", ""]
