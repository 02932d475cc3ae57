"""The sender over a real queue: what fails keeps nobody else waiting, and what may have got through says so."""

from contextlib import suppress
from datetime import timedelta

import pytest

from almenara.domain.notice import DeliveryState
from almenara.notifier.send import CLAIM_FOR, MAX_ATTEMPTS
from almenara.ports.channel import Outcome, OutcomeKind
from made_up_life import H, log, withdrawn
from sending import SECRET, Hands, pump, queued, sender, steps


def test_a_message_that_cannot_be_sent_by_a_fault_of_ours_does_not_block_the_others() -> None:
    """It is loud, and the process may end of it; but the next one sends what is due beside it."""
    store, hands = queued("s1", "s2", "s3"), Hands(outcomes=[ValueError(SECRET)])
    with pytest.raises(ValueError, match=SECRET):
        sender(store, hands).run_once()
    hands.at += CLAIM_FOR
    hands.outcomes = [Outcome(OutcomeKind.DELIVERED)] * 2 + [ValueError(SECRET)] * 9
    for _ in range(3):
        hands.at += timedelta(seconds=1)
        with suppress(ValueError):
            sender(store, hands).run_once()
    assert len(hands.got) == 2
    states = [step.state for step in steps(store)]
    assert states.count(DeliveryState.UNKNOWN) >= 1
    assert all(SECRET not in step.detail for step in steps(store))


def test_what_always_fails_is_given_up_in_the_end() -> None:
    store, hands = queued("s1"), Hands(outcomes=[ValueError("x")] * 100)
    for _ in range(MAX_ATTEMPTS + 3):
        with suppress(ValueError):
            sender(store, hands).run_once()
        hands.at += timedelta(hours=2)
    assert store.pending() == 0
    assert steps(store)[-1].state == DeliveryState.GIVEN_UP


def test_a_timeout_is_unknown_and_the_next_attempt_says_that_it_may_be_a_copy() -> None:
    store, hands = queued("s1"), Hands(outcomes=[Outcome(OutcomeKind.UNKNOWN, "timeout")])
    sender(store, hands).run_once()
    hands.at += H
    (sent,) = sender(store, hands).run_once()
    assert sent.possible_duplicate
    assert hands.got[0].mark
    assert [step.state for step in steps(store)] == ["attempting", "unknown", "attempting", "delivered"]


def test_an_update_never_overtakes_what_it_updates() -> None:
    store, hands = queued("s1"), Hands(outcomes=[Outcome(OutcomeKind.RETRY_AFTER, retry_after_s=60)])
    log(store, withdrawn("s1", 1))
    pump(store)
    sender(store, hands).run_once()
    assert (hands.got, store.pending()) == ([], 2)
    hands.at += H
    sender(store, hands).run_once()
    sender(store, hands).run_once()
    first, then = hands.got
    assert (first.thread, then.thread) == (first.id, first.id)
