"""The one place where the benchmark touches Almenara's engine: what is measured, in the engine's own words.

When the engine changes, this file follows; the figures do not.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from almenara.app.compiled import CompiledRulesets, user_cache
from almenara.app.evaluation import evaluate
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.detector import Signal
from almenara.engine.engine import Engine
from almenara.engine.enrich import Enricher
from almenara.engine.matching.condition import compile_condition
from almenara.engine.rhetoric import LexiconScorer
from almenara.engine.rule import SingleRule
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.engine.view import View
from almenara.ports.wire import decode_event, encode_event
from almenara.rules.evaluate import cloud_event as as_event

LATENESS_S: Final = 3_600
TICK_EVERY: Final = 1_000


def content(*rules: str, watchlist: str = "") -> Content:
    """A ruleset's content: the texts of its rules, and perhaps a watchlist in CSV."""
    files = {f"rules/bench-{number}.yml": text for number, text in enumerate(rules)}
    listed = {"watchlists/bench.csv": watchlist} if watchlist else {}
    return Content({**files, **listed}, allowed_lateness_s=LATENESS_S)


def compiled(*rules: str, watchlist: str = "") -> Ruleset:
    """The compiled ruleset."""
    return build(content(*rules, watchlist=watchlist))


def kept(*rules: str) -> Ruleset:
    """The compiled ruleset as `rules eval` keeps it: compiled once, and found again by every later pass and run."""
    return CompiledRulesets(user_cache()).ruleset(content(*rules))


def bodies_of(events: Iterable[Event]) -> list[bytes]:
    """Events as they stand in the log."""
    return [encode_event(event) for event in events]


def cloud_event(line: bytes) -> Event:
    """The CloudEvent of a JSON line, as `rules eval` takes it."""
    return as_event(json.loads(line))


def candidates(ruleset: Ruleset, event: Event, *, plain: bool = False) -> int:
    """How many rules are evaluated for this event."""
    return len(ruleset.matcher.candidates(event, plain=plain))


def matcher(ruleset: Ruleset, *, plain: bool = False) -> Callable[[Event], list[str]]:
    """Evaluation only: the names of the rules that hold for a decoded event, as the engine finds them."""
    worth_asking, zones = ruleset.matcher.candidates, ruleset.zones

    def holding(event: Event) -> list[str]:
        asked = worth_asking(event, plain=plain)
        if not asked:
            return []
        view = View(event, zones, plain=plain)
        return [rule.name for rule, condition in asked if condition.holds(view)]

    return holding


def oracle(ruleset: Ruleset, *, plain: bool = False) -> Callable[[Event], list[str]]:
    """The plain closures of every rule, one after the other: what the matcher is held to."""
    single = [rule for rule in ruleset.rules if isinstance(rule, SingleRule)]
    conditions = [(rule, compile_condition(rule.expression, ruleset.lists)) for rule in single]

    def holding(event: Event) -> list[str]:
        view = View(event, ruleset.zones, plain=plain)
        return [r.name for r, condition in conditions if (plain or r.looks_at(event.type)) and condition.holds(view)]

    return holding


def decoded_and_applied(ruleset: Ruleset, bodies: Sequence[bytes]) -> int:
    """Bytes through a fresh engine, one after the other as a service takes them: decoded, enriched, evaluated,
    correlated. How many detections came of it."""
    engine = Engine(ruleset)
    found = 0
    for number, body in enumerate(bodies):
        event = decode_event(body)
        if number % TICK_EVERY == 0:
            found += len(engine.tick(event.recorded))
        found += len(engine.apply(event).detections)
    return found


def applied(ruleset: Ruleset, batches: Sequence[Sequence[Event]]) -> list[Detection]:
    """Batches of decoded events through a fresh engine, its clock moved to the first `recorded` of each."""
    engine = Engine(ruleset)
    found: list[Detection] = []
    for batch in batches:
        found += engine.tick(batch[0].recorded)
        for event in batch:
            found += engine.apply(event).detections
    return found


def signals(ruleset: Ruleset, batches: Sequence[Sequence[Event]]) -> list[list[Signal]]:
    """The events as the one member that each of them meets hands them to a detector."""
    holding = matcher(ruleset)
    return [[Signal(holding(e)[0], View(e, ruleset.zones), (e,), tuple) for e in batch] for batch in batches]


def detected(ruleset: Ruleset, rule: str, batches: Sequence[Sequence[Signal]]) -> list[Detection]:
    """The same through one fresh detector alone."""
    detector = Engine(ruleset).detector(rule)
    if detector is None:
        raise LookupError(rule)
    found: list[Detection] = []
    for batch in batches:
        clock = batch[0].event.recorded
        found += detector.on_tick(clock)
        for signal in batch:
            found += detector.on_signal(signal, clock)
    return found


def passes(
    what: Content, lines: Sequence[bytes], count: int, into: Path, between: Callable[[], float]
) -> tuple[list[tuple[float, float]], set[tuple[str, int]]]:
    """`rules eval` over the same lines so many times in one process: JSON lines in, a file of matches out.

    Gives for each pass (what `between` said just before it, seconds), and the matches as (rule, index of the line).
    """
    rounds: list[tuple[float, float]] = []
    matches: set[tuple[str, int]] = set()

    def fed() -> Iterator[bytes]:
        for number in range(count):
            # An id that was there before would say nothing new.
            fresh = [line.replace(b'"id":"', b'"id":"%d-' % number, 1) for line in lines]
            bare = between()
            started = time.process_time()
            yield from fresh
            rounds.append((bare, time.process_time() - started))

    with into.open("w", encoding="utf-8") as output:
        for said, fault in evaluate(what, fed(), clock="recorded", time_field="@timestamp", drain=False):
            if fault:
                raise ValueError(fault)
            output.write(json.dumps(said, ensure_ascii=False) + "\n")
            matches.add((said["rule"], _index(said["events"][-1], len(lines))))
    return rounds, matches


def _index(event: str, lines: int) -> int:
    """Which line an event stood in: plain events are called by its number, CloudEvents have theirs in their id."""
    return (int(event) - 1) % lines if event.isdecimal() else int(event.rpartition("-")[2])


def watchlist(names: Iterable[tuple[str, str]], per_entry: int = 4) -> str:
    """A watchlist in CSV, of (id, name), so many names an entry: the first is its name, the others its aliases."""
    rows = ["id,name,aliases"]
    pairs = iter(names)
    while group := list(islice(pairs, per_entry)):
        rows.append(f"{group[0][0]},{group[0][1]},{'|'.join(name for _, name in group[1:])}")
    return "\n".join(rows) + "\n"


def finder(ruleset: Ruleset) -> Callable[[Mapping[str, str]], list[dict[str, str]]]:
    """Who on the watchlists is named in an article (`article` makes one of a text): id and name."""
    return ruleset.enricher.mentioned


def article(text: str) -> dict[str, str]:
    """The data of an article of this text."""
    return {"text": text}


def enricher_again(ruleset: Ruleset) -> Enricher:
    """The enricher of the same lists, built once more."""
    return Enricher(tuple(ruleset.lists.values()), LexiconScorer(()))
