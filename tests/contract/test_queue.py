"""The send queue: what is due, one of a thread at a time, claims that run out, doubt that stays."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import create_engine, text

from almenara.adapters.sql.store import SqlStore
from almenara.domain.circuit import Sign
from almenara.domain.errors import Rejected
from almenara.ports.log import DELIVERIES, EVENTS, Entry
from almenara.ports.queue import Claim, Send, Settlement
from almenara.ports.store import Store
from almenara.ports.unit import Batch

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
FINAL = Settlement()


def send(id_: str, thread: str = "t", *, rank: str = "1", due: datetime = NOW) -> Send:
    return Send(id_, thread, rank, due, f"to {id_}".encode())


def queue(store: Store, *sends: Send) -> None:
    lease = store.claim("notifier", EVENTS, 0)
    store.commit(lease, Batch(lease.after + 1, (), sends))


def take(store: Store, now: datetime = NOW, limit: int = 10) -> list[Claim]:
    return store.take(now, now + MINUTE, limit)


def ids(claims: list[Claim]) -> list[str]:
    return [claim.send.id for claim in claims]


def record(id_: str) -> Entry:
    return Entry(DELIVERIES, "ana", id_, b"", 0)


def recorded(store: Store) -> list[str]:
    return [found.id for found in store.read(DELIVERIES, 0, 0)]


def test_an_empty_queue(store: Store) -> None:
    assert (take(store), store.pending(), store.next_due()) == ([], 0, None)


def test_a_send_comes_back_whole_and_only_once(store: Store) -> None:
    due = NOW - timedelta(days=400, microseconds=1)
    queue(store, Send("s-1", "ana ✉", "001", due, bytes(range(256))))
    assert take(store) == [Claim(Send("s-1", "ana ✉", "001", due, bytes(range(256))), 1, False)]
    assert take(store) == []
    assert store.pending() == 1


def test_what_is_not_due_waits(store: Store) -> None:
    queue(store, send("s", due=NOW + MICROSECOND))
    assert take(store) == []
    assert store.next_due() == NOW + MICROSECOND
    assert ids(take(store, NOW + MICROSECOND)) == ["s"]


def test_the_longest_due_come_first_up_to_the_limit(store: Store) -> None:
    queue(store, *(send(f"s{n}", f"t{n}", due=NOW - n * MINUTE) for n in range(5)))
    assert ids(take(store, limit=2)) == ["s4", "s3"]
    assert ids(take(store)) == ["s2", "s1", "s0"]


def test_a_thread_goes_in_order_of_rank_one_at_a_time(store: Store) -> None:
    ranks = ["b", "B", "a", "é", "10", "9"]
    queue(store, *(send(f"s-{rank}", rank=rank, due=NOW - n * MINUTE) for n, rank in enumerate(ranks)))
    seen = []
    while claims := take(store):
        assert len(claims) == 1
        assert take(store) == []
        assert store.settle(claims[0], FINAL, [])
        seen.append(claims[0].send.rank)
    assert seen == sorted(ranks)


def test_a_first_send_that_is_not_due_holds_back_its_thread(store: Store) -> None:
    queue(store, send("first", rank="1", due=NOW + MINUTE), send("second", rank="2"))
    assert take(store) == []
    assert store.next_due() == NOW + MINUTE
    assert ids(take(store, NOW + MINUTE)) == ["first"]


def test_a_newcomer_of_lower_rank_waits_for_the_one_in_hand(store: Store) -> None:
    queue(store, send("late", rank="2"))
    [claim] = take(store)
    queue(store, send("early", rank="1"))
    assert take(store) == []
    assert ids(take(store, NOW + 2 * MINUTE)) == ["late"]  # its claim ran out, yet it may be on its way
    assert not store.settle(claim, FINAL, [])


def test_a_repeated_send_is_dropped_for_ever(store: Store) -> None:
    queue(store, send("s"), send("s", "other"))
    [claim] = take(store)
    queue(store, send("s", "other"))
    assert store.settle(claim, FINAL, [])
    queue(store, send("s", "third"))
    assert (take(store), store.pending(), store.next_due()) == ([], 0, None)


def test_each_step_writes_its_record(store: Store) -> None:
    queue(store, send("s"))
    [claim] = take(store)
    assert store.attempt(claim, [record("attempting")])
    assert store.settle(claim, FINAL, [record("delivered")])
    assert recorded(store) == ["attempting", "delivered"]
    assert store.pending() == 0


def test_what_is_settled_for_good_keeps_only_its_id(database_url: str) -> None:
    with closing(SqlStore(database_url, 2)) as store:
        queue(store, send("a", "t"), send("b", "u"), send("c", "v"))
        one, two, _ = take(store)
        store.settle(one, FINAL, [])
        store.settle(two, Settlement(NOW + MINUTE), [])
        engine = create_engine(database_url)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT id, body FROM sends ORDER BY id")).all()
        engine.dispose()
    assert [(row.id, bytes(row.body)) for row in found] == [("a", b""), ("b", b"to b"), ("c", b"to c")]


def test_settled_again_at(store: Store) -> None:
    queue(store, send("s"))
    [claim] = take(store)
    assert store.attempt(claim, [])
    assert store.settle(claim, Settlement(NOW + MINUTE), [])
    assert (take(store), store.pending(), store.next_due()) == ([], 1, NOW + MINUTE)
    [again] = take(store, NOW + MINUTE)
    assert (again.attempt, again.possible_duplicate, again.send.due) == (2, False, NOW + MINUTE)


def test_doubt_stays(store: Store) -> None:
    queue(store, send("s"))
    [claim] = take(store)
    assert store.settle(claim, Settlement(NOW, doubt=True), [])
    for attempt in (2, 3):
        [claim] = take(store)
        assert (claim.attempt, claim.possible_duplicate) == (attempt, True)
        assert store.settle(claim, Settlement(NOW), [])


@pytest.mark.parametrize("attempted", [False, True])
def test_a_claim_that_ran_out_is_a_duplicate_only_after_an_attempt(store: Store, attempted: bool) -> None:
    queue(store, send("s"))
    [lost] = take(store)
    if attempted:
        assert store.attempt(lost, [])
    assert take(store, NOW + MINUTE) == []
    assert store.next_due() == NOW + MINUTE + MICROSECOND
    [claim] = take(store, NOW + MINUTE + MICROSECOND)
    assert (claim.attempt, claim.possible_duplicate) == (2, attempted)
    [third] = take(store, NOW + 3 * MINUTE)
    assert third.possible_duplicate == attempted


def test_whoever_lost_the_claim_writes_nothing(store: Store) -> None:
    queue(store, send("s"))
    [lost] = take(store)
    [held] = take(store, NOW + 2 * MINUTE)
    assert not store.attempt(lost, [record("no")])
    assert not store.settle(lost, FINAL, [record("no")])
    assert (recorded(store), store.pending()) == ([], 1)
    assert store.settle(held, FINAL, [record("yes")])
    assert not store.settle(held, FINAL, [record("no")])
    assert not store.attempt(held, [record("no")])
    assert recorded(store) == ["yes"]


def test_a_step_that_fails_leaves_the_claim_as_it_was(store: Store) -> None:
    queue(store, send("s"))
    [claim] = take(store)
    for step in (lambda: store.attempt(claim, [record("nul\0")]), lambda: store.settle(claim, FINAL, [record("\0")])):
        with pytest.raises(Rejected):
            step()
    assert store.pending() == 1
    [again] = take(store, NOW + 2 * MINUTE)
    assert not again.possible_duplicate


def test_next_due_is_when_take_gives_something(store: Store) -> None:
    queue(store, *(send(f"s{n}", f"t{n % 3}", rank=str(9 - n), due=NOW + n * MINUTE) for n in range(9)))
    settled = 0
    while (due := store.next_due()) is not None:
        assert take(store, due - MICROSECOND) == []
        claims = take(store, due)
        assert claims
        for claim in claims[1:]:
            assert store.settle(claim, FINAL, [])
        assert store.settle(claims[0], Settlement(due + MINUTE) if claims[0].attempt == 1 else FINAL, [])
        settled += len(claims)
    assert settled > 9
    assert store.pending() == 0


@pytest.mark.servers
def test_any_story_goes_the_same_everywhere(all_stores: dict[str, Store]) -> None:
    """Random stories: every adapter gives the same claims and answers, and no thread is ever in two hands."""

    class Story(RuleBasedStateMachine):
        runs = 0

        def __init__(self) -> None:
            super().__init__()
            Story.runs += 1
            self.run = Story.runs
            # A story begins where the one before is over: whatever that left is settled, at a later time.
            self.now = NOW + self.run * timedelta(days=1)
            while rest := self.all(lambda store: store.take(self.now, self.now, 100)):
                for claim in rest:
                    self.all(lambda store, claim=claim: store.settle(claim, FINAL, []))
                self.now += MINUTE
            self.claims: list[Claim] = []

        def all(self, step):  # type: ignore[no-untyped-def]
            answers = {name: step(store) for name, store in all_stores.items()}
            first, *others = answers.values()
            assert all(other == first for other in others), answers
            return first

        @rule(
            number=st.integers(0, 9), thread=st.sampled_from("abc"), rank=st.sampled_from("12"), wait=st.integers(0, 3)
        )
        def queue(self, number: int, thread: str, rank: str, wait: int) -> None:
            new = send(f"{self.run}-{number}", thread, rank=rank, due=self.now + wait * MINUTE)
            new = replace(new, destination="" if thread == "c" else "x")
            for store in all_stores.values():
                queue(store, new)

        @rule(limit=st.integers(1, 3), room=st.integers(1, 2))
        def take(self, limit: int, room: int) -> None:
            claims = self.all(lambda store: store.take(self.now, self.now + MINUTE, limit, room))
            threads = [claim.send.thread for claim in claims]
            assert len(threads) == len(set(threads))
            self.claims += claims

        @precondition(lambda self: self.claims)
        @rule(which=st.integers(0), outcome=st.sampled_from([None, FINAL, "again", "doubt"]), up=st.booleans())
        def go_on(self, which: int, outcome: Settlement | str | None, up: bool) -> None:
            claim = self.claims[which % len(self.claims)]
            if outcome is None:
                self.all(lambda store: store.attempt(claim, []))
                return
            if isinstance(outcome, str):
                outcome = Settlement(self.now + MINUTE, doubt=outcome == "doubt")
            outcome = replace(outcome, handle=f"h{which % 3}" if up else "", sign=Sign(at=self.now, up=up))
            self.all(lambda store: store.settle(claim, outcome, []))

        @rule(minutes=st.integers(1, 3))
        def pass_time(self, minutes: int) -> None:
            self.now += minutes * MINUTE

        @invariant()
        def the_same_is_left(self) -> None:
            self.all(lambda store: (store.pending(), store.next_due(), store.circuits()))

    run_state_machine_as_test(Story, settings=settings(max_examples=20, stateful_step_count=20, deadline=None))
