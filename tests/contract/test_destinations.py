"""Destinations in the send queue: their limits, circuits, refusals, and what a channel leaves for later sends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from almenara.domain.circuit import FIRST_WAIT_S, OPEN_AFTER, Circuit, CircuitState, Sign
from almenara.ports.log import EVENTS
from almenara.ports.queue import PER_DESTINATION, SCANNED, Claim, Refusal, Send, Settlement
from almenara.ports.store import Store
from almenara.ports.unit import Batch

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DOWN = Sign(at=NOW, up=False, error="no answer")
UP = Sign(at=NOW, up=True)


def send(number: int, destination: str, *, thread: str = "", due: datetime = NOW) -> Send:
    return Send(f"s{number:04}", thread or f"t{number}", f"{number:04}", due, b"", destination)


def queue(store: Store, *sends: Send) -> None:
    lease = store.claim("plan", EVENTS, 0)
    store.commit(lease, Batch(lease.after + 1, (), sends))


def take(store: Store, limit: int = 100, per_destination: int = PER_DESTINATION, now: datetime = NOW) -> list[Claim]:
    return store.take(now, now + MINUTE, limit, per_destination)


def ids(claims: list[Claim]) -> list[str]:
    return [claim.send.id for claim in claims]


def test_a_destination_has_so_many_in_hand_and_no_more(store: Store) -> None:
    queue(store, *(send(n, "dead") for n in range(9)), *(send(n, "well") for n in range(9, 11)))
    first = take(store)
    assert [claim.send.destination for claim in first] == ["dead"] * PER_DESTINATION + ["well"] * 2
    assert take(store) == []
    assert store.settle(first[0], Settlement(), [])
    assert ids(take(store)) == ["s0004"]


def test_a_destination_with_one_in_hand_has_its_lane_of_one_full(store: Store) -> None:
    queue(store, *(send(n, "dead") for n in range(5)), send(5, "well"))
    assert ids(take(store, per_destination=1)) == ["s0000", "s0005"]
    assert take(store, per_destination=1) == []
    assert ids(take(store)) == ["s0001", "s0002", "s0003"]


def test_many_sends_of_one_destination_hide_no_other(store: Store) -> None:
    queue(store, *(send(n, "dead") for n in range(SCANNED + 5)), send(SCANNED + 5, "well", due=NOW + MINUTE))
    assert {claim.send.destination for claim in take(store)} == {"dead"}
    assert [claim.send.destination for claim in take(store, now=NOW + MINUTE)] == ["well"]


def test_a_claim_that_ran_out_takes_no_room(store: Store) -> None:
    queue(store, *(send(n, "x") for n in range(3)))
    assert len(take(store, per_destination=1)) == 1
    later = NOW + 2 * MINUTE
    assert ids(take(store, per_destination=1, now=later)) == ["s0000"]


def test_failures_in_a_row_open_the_circuit_and_one_success_closes_it(store: Store) -> None:
    queue(store, *(send(n, "x") for n in range(PER_DESTINATION + 1)))
    claims = take(store)
    assert [claim.circuit for claim in claims] == [None] * PER_DESTINATION
    for claim in claims[:OPEN_AFTER]:
        assert store.circuits() == [] or store.circuits()[0].state(NOW) == CircuitState.CLOSED
        assert store.settle(claim, Settlement(NOW, sign=DOWN), [])
    until = NOW + timedelta(seconds=FIRST_WAIT_S)
    open_ = Circuit(destination="x", failures=OPEN_AFTER, since=NOW, until=until, error="no answer")
    assert store.circuits() == [open_]
    assert (open_.state(NOW), open_.state(until)) == (CircuitState.OPEN, CircuitState.HALF_OPEN)
    assert store.settle(claims[OPEN_AFTER], Settlement(sign=replace(UP, at=until)), [])
    assert store.circuits() == [Circuit(destination="x", since=until, error="no answer")]


def test_a_circuit_that_is_not_closed_lets_one_through_and_says_so(store: Store) -> None:
    queue(store, *(send(n, "x") for n in range(5)))
    [first] = take(store, limit=1)
    assert store.settle(first, Settlement(NOW, sign=replace(UP, wait_s=60)), [])
    [claim] = take(store)
    assert claim.circuit == Circuit(destination="x", since=NOW, until=NOW + MINUTE)
    assert take(store) == []


def test_nothing_is_written_of_a_destination_that_is_and_was_well(store: Store) -> None:
    queue(store, send(0, "x"))
    assert store.settle(take(store)[0], Settlement(sign=UP), [])
    assert store.circuits() == []


def test_whoever_lost_the_claim_moves_no_circuit_and_notes_no_refusal(store: Store) -> None:
    queue(store, send(0, "x"))
    [lost] = take(store)
    take(store, now=NOW + 2 * MINUTE)
    assert not store.settle(lost, Settlement(sign=DOWN, refusal=refusal(), tell=send(9, "mail")), [])
    assert (store.circuits(), store.refusals(), store.pending()) == ([], [], 1)


def test_a_refusal_is_told_once_until_it_is_mended(store: Store) -> None:
    queue(store, *(send(n, "x") for n in range(4)))
    claims = take(store)
    refused = [Settlement(refusal=refusal(delivery=f"d{n}"), tell=send(100 + n, "mail")) for n in range(4)]
    assert store.settle(claims[0], refused[0], [])
    assert store.settle(claims[1], refused[1], [])
    assert store.refusals() == [refusal(delivery="d0")]
    assert store.pending() == 3
    assert store.settle(claims[2], Settlement(accepted="ana"), [])
    assert store.refusals() == []
    assert store.settle(claims[3], refused[3], [])
    assert ids(take(store)) == ["s0100", "s0103"]


def test_what_is_accepted_ends_no_refusal_of_somebody_else(store: Store) -> None:
    queue(store, *(send(n, "x") for n in range(3)))
    claims = take(store)
    assert store.settle(claims[0], Settlement(refusal=refusal(subscriber="ben")), [])
    assert store.settle(claims[1], Settlement(refusal=refusal(subscriber="", cause="token_revoked")), [])
    assert store.settle(claims[2], Settlement(accepted="ana"), [])
    assert store.refusals() == [refusal(subscriber="ben")]


@pytest.mark.parametrize("final", [True, False])
def test_later_sends_of_a_thread_get_what_the_channel_left_last(store: Store, final: bool) -> None:
    queue(store, *(send(n, "x", thread="ana/x/u1") for n in range(4)), send(9, "x", thread="ben/x/u1"))
    got = []
    for handle in ("", "1.2", "", "3.4"):
        [claim] = [one for one in take(store) if one.send.thread == "ana/x/u1"]
        got.append(claim.handle)
        if not final:
            assert store.settle(claim, Settlement(NOW, handle=handle), [])
            [claim] = take(store)
        assert store.settle(claim, Settlement(handle=handle), [])
    assert got == ["", "", "1.2", "1.2"]
    [other] = take(store, now=NOW + 5 * MINUTE)
    assert (other.send.thread, other.handle) == ("ben/x/u1", "")


def refusal(**more: str) -> Refusal:
    given = {"destination": "x", "subscriber": "ana", "cause": "smtp 550", "delivery": "d0"} | more
    return Refusal(at=NOW, **given)
