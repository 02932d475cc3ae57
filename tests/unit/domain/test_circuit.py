"""The circuit breaker as a pure fold: it opens, waits longer each time, lets one through, and forgets on success."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.circuit import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    OPEN_AFTER,
    Circuit,
    CircuitState,
    Sign,
    evolve,
)

T0 = datetime(2026, 1, 6, 12, tzinfo=UTC)


def after(*ups: bool, at: datetime = T0) -> Circuit:
    circuit = Circuit(destination="x")
    for up in ups:
        circuit = evolve(circuit, Sign(at=at, up=up, error="" if up else "no answer"))
    return circuit


def waits(failures: int) -> float:
    circuit = after(*[False] * failures)
    return (circuit.until - T0).total_seconds() if circuit.until else 0.0


def test_it_waits_longer_each_time_and_never_longer_than_the_longest() -> None:
    assert [waits(n) for n in range(OPEN_AFTER)] == [0.0] * OPEN_AFTER
    assert [waits(OPEN_AFTER + n) for n in range(3)] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits(1_000) == LONGEST_WAIT_S


def test_a_success_between_failures_begins_the_count_again() -> None:
    assert after(*[False] * (OPEN_AFTER - 1), True, *[False] * (OPEN_AFTER - 1)).until is None


def test_since_is_when_it_opened_not_when_it_was_last_tried() -> None:
    circuit = after(*[False] * OPEN_AFTER)
    later = T0 + timedelta(hours=1)
    again = evolve(circuit, Sign(at=later, up=False, error="still"))
    assert (again.since, again.state(later), again.error) == (T0, CircuitState.OPEN, "still")
    later += timedelta(hours=1)
    closed = evolve(again, Sign(at=later, up=True))
    assert (closed.since, closed.state(later), closed.error, closed.failures) == (
        later,
        CircuitState.CLOSED,
        "still",
        0,
    )


def test_a_wait_that_was_asked_for_opens_it_at_once_and_counts_as_no_failure() -> None:
    circuit = evolve(Circuit(destination="x"), Sign(at=T0, up=True, error="slack 429", wait_s=7))
    assert (circuit.failures, circuit.until, circuit.state(T0)) == (0, T0 + timedelta(seconds=7), CircuitState.OPEN)


def test_what_was_on_its_way_when_it_opened_shortens_no_wait() -> None:
    circuit = evolve(Circuit(destination="x"), Sign(at=T0, up=True, error="slack 429", wait_s=30))
    straggler = Sign(at=T0 + timedelta(seconds=1), up=True)
    assert evolve(circuit, straggler) == circuit
    assert evolve(circuit, Sign(at=T0 + timedelta(seconds=30), up=True)).until is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 5.0]), st.integers(0, 3_600)), max_size=40))
def test_whatever_happens_success_closes_it_and_no_wait_is_shortened(story: list[tuple[bool, float, int]]) -> None:
    circuit, now = Circuit(destination="x"), T0
    for up, wait_s, passed in story:
        now += timedelta(seconds=passed)
        before, circuit = circuit, evolve(circuit, Sign(at=now, up=up, wait_s=wait_s))
        if up and not wait_s and before.state(now) != CircuitState.OPEN:
            assert circuit.state(now) == CircuitState.CLOSED
        elif before.until and circuit.until:
            assert circuit.until >= before.until
        if circuit.until is None:
            assert circuit.failures < OPEN_AFTER
