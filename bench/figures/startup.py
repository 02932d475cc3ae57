"""Figure 11: `almenara rules eval` over one event as a whole process, beside rsigma: how long, and how much memory.

The first run of ours, not timed, is where a compiled ruleset may be kept; the others find it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import events
import sigmahq
from availability import Missing
from duel import written
from measure import middle
from peers import rsigma
from process import peak_bytes, run
from setup import Setup
from table import Row, skipped

# What the command `almenara` is, without a place on the path.
ALMENARA: Final = [sys.executable, "-c", "from almenara.cli.main import main; main()"]


def rows(setup: Setup) -> Iterator[Row]:
    """With 200 rules and with as many as SigmaHQ has."""
    few = events.rules(200)
    line = events.lines(1, events.NESTED)
    yield from _pair(setup, "200 rules", written(setup.work / "start-200", [few]), setup.written("one.jsonl", line))
    many = written(setup.work / "start-hq", sigmahq.rules())
    line = [sigmahq.plain(event) for event in sigmahq.events(1)]
    yield from _pair(setup, f"{sigmahq.RULES:,} rules", many, setup.written("one.jsonl", line))


def _pair(setup: Setup, what: str, rules: Path, one: Path) -> Iterator[Row]:
    times, memory = f"start with {what} cached, over rsigma's", f"  memory with {what}, over rsigma's"
    own = [*ALMENARA, "rules", "eval", "--rules", rules, one]
    run(own)
    mine, own_peak = [run(own).wall], peak_bytes(own)
    try:
        program = rsigma.installed(setup.cache, setup.work)
    except Missing as reason:
        yield skipped("11", times, f"{reason}; ours {mine[0]:.2f} s")
        yield skipped("11", memory, f"{reason}; ours {own_peak / 1e6:.0f} MB")
        return
    theirs: list[float] = []
    for _ in range(setup.rounds):
        theirs.append(program.evaluate(rules, one).wall)
        mine.append(run(own).wall)
    ratio = middle([ours / other for ours, other in zip(mine[1:], theirs, strict=True)])
    seen = f"ours {min(mine):.2f} s, rsigma {min(theirs):.2f} s"
    yield Row(number="11", what=times, found=ratio, unit="x", target=1, at_most=True, note=seen)
    peak = peak_bytes(program.command(rules), stdin=one)
    seen = f"peak resident: ours {own_peak / 1e6:.0f} MB, rsigma {peak / 1e6:.0f} MB"
    yield Row(number="11", what=memory, found=own_peak / peak, unit="x", target=2, at_most=True, note=seen)
