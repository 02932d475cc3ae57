"""One case of memory in a fresh process: how many bytes its resident set grew by. Asked by figures/memory.py."""

import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "services"), str(ROOT / "bench")]

import correlating  # noqa: E402
import events  # noqa: E402
import names  # noqa: E402
import ours  # noqa: E402
import sigmahq  # noqa: E402


def _absences() -> Callable[[], Any]:
    ruleset = ours.compiled(correlating.ABSENCE)
    stream = [(0, "A", f"k{number}") for number in range(correlating.KEYS)]
    made = correlating.followed_events(stream)
    engine = ours.Engine(ruleset)
    return lambda: (engine, [engine.apply(event) for event in made] and None)


def _rules(texts: list[str]) -> Callable[[], Any]:
    ours.compiled(events.rules(1))  # what reading any rules takes is not theirs
    return lambda: ours.compiled(*texts)


def _aliases() -> Callable[[], Any]:
    listed, rule = ours.watchlist(names.made_up(100_000)), events.rules(1)
    ours.compiled(rule)
    return lambda: ours.compiled(rule, watchlist=listed)


CASES: Final[dict[str, Callable[[], Callable[[], Any]]]] = {
    "absences": _absences,
    "rules": lambda: _rules([events.rules(1_000)]),
    "like-sigmahq": lambda: _rules(sigmahq.rules()),
    "aliases": _aliases,
}


def resident() -> int:
    """The resident set now, in bytes; 0 where /proc is not there."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    make = CASES[sys.argv[1]]()
    gc.collect()
    before = resident()
    kept = make()
    gc.collect()
    print(json.dumps({"grown": resident() - before, "kept": kept is not None}))


if __name__ == "__main__":
    main()
