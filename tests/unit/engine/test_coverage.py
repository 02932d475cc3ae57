"""No accusation without proof of looking: readings, their gaps, and readings that turn out not to have been."""

from itertools import permutations

import pytest

from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from made_up_life import T0, H, checked, corrected, entry, event, meeting, reading, tick, withdrawn

FULL = [("raised", "detected", True)]


def run(engine: Engine, *events: Event) -> list[tuple[str, str, bool]]:
    found = [d for one in events for d in engine.apply(one).detections]
    return [(str(d.what), str(d.reason), d.checked) for d in found]


def engine() -> Engine:
    return Engine(checked().ruleset)


def test_a_window_that_was_read_after_it_closed_gives_a_full_alert() -> None:
    assert run(engine(), meeting("a", 0), reading("r", 12, 13), tick(15)) == FULL


@pytest.mark.parametrize(
    "bad",
    [reading("r", 12, 11), reading("r", 11, 13), reading("r", 12, 13, outcome="failed"),
     reading("r", 12, 13, outcome="shrunk")],
)  # fmt: skip
def test_what_proves_nothing_leaves_it_unchecked(bad: Event) -> None:
    """Read before the window closed; not up to its end; not read at all; fewer rows than there must be."""
    assert run(engine(), meeting("a", 0), bad, tick(15)) == [("raised", "detected", False)]


def test_a_later_reading_makes_it_full_and_an_entry_makes_it_vanish() -> None:
    found = engine()
    assert run(found, meeting("a", 0), meeting("b", 0, k="w"), tick(15)) == [("raised", "detected", False)] * 2
    assert run(found, entry("e", 1, known=16)) == [("resolved", "found_when_read", True)]
    assert run(found, reading("r", 12, 17)) == [("updated", "source_read", True)]
    assert run(found, reading("again", 12, 18)) == []


def test_a_reading_that_is_withdrawn_proves_nothing_any_more() -> None:
    found = engine()
    assert run(found, meeting("a", 0), reading("r", 12, 13), tick(15)) == FULL
    restarted = Engine(found.ruleset, load(dump(found.state)))
    for one in (found, restarted):
        assert run(one, withdrawn("r", 16)) == [("updated", "source_withdrawn", False)]
        assert run(one, reading("r2", 12, 17)) == [("updated", "source_read", True)]


def test_a_reading_corrected_to_a_failed_one_proves_nothing_any_more() -> None:
    found, read = engine(), reading("r", 12, 13)
    assert run(found, meeting("a", 0), read, tick(15)) == FULL
    assert run(found, corrected(read, 16, outcome="failed")) == [("updated", "source_corrected", False)]


def test_a_reading_corrected_in_other_ways_still_proves() -> None:
    found, read = engine(), reading("r", 12, 13)
    assert run(found, meeting("a", 0), read, tick(15)) == FULL
    assert run(found, corrected(read, 16, rows=7)) == []


def test_withdrawing_one_of_two_readings_changes_nothing() -> None:
    found = engine()
    assert run(found, meeting("a", 0), reading("r", 12, 13), reading("s", 14, 14), tick(15)) == FULL
    assert run(found, withdrawn("r", 16)) == []


def test_readings_of_two_years_are_kept_as_long_as_an_absence_may_ask_for_them() -> None:
    """Each covers two days that no other covers whole; nobody asks for days before 400 days ago."""
    found, sizes = engine(), []
    for day in range(800):
        covers = {"from": (T0 + (day - 2) * 24 * H).isoformat(), "until": (T0 + day * 24 * H).isoformat()}
        for source in ("reg", "asked for by no rule"):
            data = {"source": {"id": source}, "outcome": "new", "covers": covers}
            run(found, tick(day * 24), event("source.checked", f"{source}{day}", day * 24, **data))
        sizes.append(len(found.state.readings.by_source["reg"]))
    assert list(found.state.readings.by_source) == ["reg"]
    assert max(sizes) == sizes[-1] < 410
    assert run(found, meeting("a", 799 * 24 - 40), tick(800 * 24)) == FULL


def test_the_order_in_which_readings_come_changes_no_proof() -> None:
    readings = [reading(f"r{n}", until, 20 + n) for n, until in enumerate((3, 12, 5, 12, 9))]
    proofs = set()
    for order in permutations(readings):
        found = engine()
        (said,) = [d for one in (*order, meeting("a", 0), tick(30)) for d in found.apply(one).detections]
        assert said.search is not None
        proofs.add(tuple((proof.recorded, proof.covers_until) for proof in said.search.readings))
    assert proofs == {((T0 + 23 * H, T0 + 12 * H),)}  # the later one of two that cover the same
