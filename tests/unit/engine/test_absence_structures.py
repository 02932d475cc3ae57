"""What the absence stands on, alone: deadlines in order, spans by what they overlap; each against the plain way."""

from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from almenara.engine.detectors.deadlines import Deadlines
from almenara.engine.detectors.spans import Spans


class Item(msgspec.Struct, order=True):
    due: int
    number: int


class Span(NamedTuple):
    start: int
    last: int
    id: str


steps = st.lists(
    st.one_of(st.tuples(st.just("add"), st.integers(-50, 300)), st.tuples(st.just("until"), st.integers(-60, 320))),
    max_size=60,
)


@given(steps=steps, width=st.sampled_from([0, 1, 7, 100, 10_000]), again=st.sampled_from([0, 3, 40]))
def test_deadlines_come_in_order_whatever_is_added_meanwhile(
    steps: list[tuple[str, int]], width: int, again: int
) -> None:
    """Every item that is taken comes back once, `again` later, even while others are being taken."""
    deadlines: Deadlines[Item] = Deadlines(width)
    plain: list[Item] = []
    for number, (what, at) in enumerate(steps):
        if what == "add":
            deadlines.add(Item(at, number))
            plain.append(Item(at, number))
            continue
        taken, expected = [], []
        for item in deadlines.until(at):
            taken.append((item.due, item.number))
            if item.number < 1_000:
                deadlines.add(Item(item.due + again, item.number + 1_000))
        while plain and min(plain).due <= at:
            item = min(plain)
            plain.remove(item)
            expected.append((item.due, item.number))
            if item.number < 1_000:
                plain.append(Item(item.due + again, item.number + 1_000))
        assert taken == expected


@given(
    spans=st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 60), st.sampled_from([0, 0, 3, 50])), max_size=25),
    gone=st.sets(st.integers(0, 24)),
    asked=st.tuples(st.integers(-10, 80), st.integers(0, 30)),
)
def test_spans_are_found_by_what_they_overlap(
    spans: list[tuple[str, int, int]], gone: set[int], asked: tuple[int, int]
) -> None:
    held: Spans[str, Span] = Spans()
    made = [(key, Span(start, start + length, f"{n:02}")) for n, (key, start, length) in enumerate(spans)]
    for key, span in made:
        held.add(key, span)
    for number in sorted(gone):
        if number < len(made):
            held.remove(*made[number])
    start, last = asked[0], asked[0] + asked[1]
    for key in "xyz":
        left = sorted(span for n, (k, span) in enumerate(made) if k == key and n not in gone)
        by_place = sorted(left, key=lambda span: (span.start, span.id))
        assert list(held.of(key)) == by_place
        assert list(held.over(key, start, last)) == [s for s in by_place if s.start <= last and s.last >= start]
        assert list(held.before(key, start)) == [s for s in reversed(by_place) if s.start < start]
        assert list(held.after(key, start)) == [s for s in by_place if s.start >= start]
