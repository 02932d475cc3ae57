"""The bare structures that the detectors keep their state in, fed with keys and times alone, as the peers are.

What a detector does around them (evidence, ids seen before, late events, corrections) is left out.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from almenara.engine.detectors.deadlines import Deadlines
from almenara.engine.detectors.windows import Windows

SLOTS: Final = 128
"""Into how many slots the wait is divided, as the detector of absence does."""

Named = tuple[str, str, int]


class Waiting(msgspec.Struct, order=True, gc=False):
    """An A that no B has met: when it is due, its number in the stream, and its key, empty once it is called off."""

    due: int
    number: int
    key: str


def counted(stream: Sequence[tuple[str, int]], *, span: int, least: int) -> list[tuple[str, int]]:
    """The (key, time) with which a sliding window of the key came to hold so many; what is older is forgotten."""
    windows = Windows(span)
    add = windows.add
    found: list[tuple[str, int]] = []
    forgotten = 0
    for key, at in stream:
        if at >= forgotten + span:
            windows.forget(at - span + 1)
            forgotten = at
        if add(key, at) == least:
            found.append((key, at))
    return found


def by_second(stream: Sequence[tuple[int, str, str]]) -> list[tuple[int, list[Named]]]:
    """(second, A or B, key) in order as (second, [(A or B, key, number)]): the clock moves once for each second."""
    numbered = [(at, (kind, key, number)) for number, (at, kind, key) in enumerate(stream)]
    return [(at, [named for _, named in group]) for at, group in groupby(numbered, key=itemgetter(0))]


def missing(seconds: Sequence[tuple[int, Sequence[Named]]], *, span: int) -> list[int]:
    """The numbers of the A that no B of the same key followed within the span, in the order they became due."""
    deadlines: Deadlines[Waiting] = Deadlines(span // SLOTS)
    waiting: dict[str, list[Waiting]] = {}
    add, until, called_off = deadlines.add, deadlines.until, waiting.pop
    found: list[int] = []
    for at, named in seconds:
        for item in until(at):
            if item.key:
                found.append(item.number)
                _let_go(waiting, item)
        for kind, key, number in named:
            if kind == "A":
                item = Waiting(at + span, number, key)
                add(item)
                if key in waiting:
                    waiting[key].append(item)
                else:
                    waiting[key] = [item]
            else:
                for item in called_off(key, ()):
                    item.key = ""
    return found


def _let_go(waiting: dict[str, list[Waiting]], item: Waiting) -> None:
    """What is due of a key is always the first that waits."""
    items = waiting[item.key]
    if len(items) == 1:
        del waiting[item.key]
    else:
        del items[0]
