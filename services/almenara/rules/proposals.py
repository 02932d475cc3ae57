"""What the judgements suggest: entries to narrow, rules to promote or to take back, thresholds to raise.

Proposals are words for people to weigh; nothing here changes anything. Few judgements propose nothing. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from almenara.domain.alert import Alert
from almenara.domain.event import Event
from almenara.engine.rule import AggregateRule, AnyRule, Measure
from almenara.engine.ruleset import Ruleset
from almenara.engine.view import View
from almenara.rules.precision import FALSE, TRUE, UNCLEAR, EntryRecord, RuleRecord, Tally

ENOUGH: Final = 5
"""So many alerts must be judged true or false before an entry or a rule is spoken of."""
ENOUGH_TO_PROMOTE: Final = 10
GOOD: Final = 0.5
"""A rule is worth promoting when the lower end of its interval is above this; below it, as a share, it is poor."""
ENOUGH_TO_RAISE: Final = 2


class Action(StrEnum):
    """What is proposed."""

    NARROW_ENTRY = "narrow_entry"
    PROMOTE = "promote"
    NARROW_RULE = "narrow_rule"
    RAISE_THRESHOLD = "raise_threshold"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal, about a rule or about an entry of a watchlist (`list/id`); `text` is the whole of it in words."""

    action: Action
    about: str
    text: str


def proposals(rules: Sequence[RuleRecord], entries: Sequence[EntryRecord], active: Ruleset) -> list[Proposal]:
    """Every proposal for the rules and entries that are active, rules first."""
    found = [p for record in rules if (rule := active.by_name.get(record.rule)) for p in _of_rule(record, rule, active)]
    return found + [proposal for record in entries for proposal in _of_entry(record, active)]


def _of_rule(record: RuleRecord, rule: AnyRule, active: Ruleset) -> Iterator[Proposal]:
    tally, name = record.tally, record.rule
    if rule.shadow and tally.decided >= ENOUGH_TO_PROMOTE and tally.interval[0] > GOOD:
        text = f"rule {name}: {told(tally, TRUE)} in shadow; promote it (almenara rules promote {name})"
        yield Proposal(Action.PROMOTE, name, text)
    if isinstance(rule, AggregateRule):
        yield from _raise(record, rule, active.zones)
    if _poor(tally):
        further = "leave it in shadow" if rule.shadow else "or take it back into shadow (status: experimental)"
        yield Proposal(Action.NARROW_RULE, name, f"rule {name}: {told(tally, FALSE)}; narrow its condition, {further}")


def _of_entry(record: EntryRecord, active: Ruleset) -> Iterator[Proposal]:
    listed = active.lists.get(record.watchlist)
    if listed is None or record.id not in listed.by_id or not _poor(record.tally):
        return
    culprits = [alias for alias, tally in record.aliases.items() if tally.false > tally.true]
    sound = [alias for alias, tally in record.aliases.items() if tally.true > tally.false]
    if culprits and sound:
        quoted = ", ".join(f"'{alias}' ({record.aliases[alias].false} false)" for alias in culprits)
        cure = f"narrow or remove the alias {quoted}"
    elif culprits and culprits != [record.name]:
        cure = f"remove it, or narrow the alias {', '.join(repr(alias) for alias in culprits)}"
    else:
        cure = "remove it, or ask for more than the name in the rules that use it"
    text = f"entry {record.id} of list {record.watchlist} ({record.name}): {told(record.tally, FALSE)}; {cure}"
    yield Proposal(Action.NARROW_ENTRY, f"{record.watchlist}/{record.id}", text)


def _raise(record: RuleRecord, rule: AggregateRule, zones: Mapping[str, str]) -> Iterator[Proposal]:
    """The lowest threshold that would have dropped the most false alerts and no true one."""
    if rule.measure not in (Measure.EVENTS, Measure.VALUES) or rule.op not in ("gte", "gt"):
        return
    measured = [(alert.judgement, _measure(alert, rule, zones)) for alert in record.alerts]
    sizes = {judgement: [size for said, size in measured if said == judgement] for judgement in (TRUE, FALSE, UNCLEAR)}
    lowest = int(rule.bound) + (rule.op == "gt")
    dropped = [size for size in sizes[FALSE] if size < min(sizes[TRUE], default=0)]
    if len(dropped) < ENOUGH_TO_RAISE:
        return
    threshold = max(dropped) + 1
    unclear = sum(size < threshold for size in sizes[UNCLEAR])
    text = (
        f"rule {record.rule}: raise the threshold from {lowest} to {threshold}: "
        f"would drop {len(dropped)} false and 0 true"
        f"{f' ({unclear} unclear)' if unclear else ''}, by the events each alert holds"
    )
    yield Proposal(Action.RAISE_THRESHOLD, record.rule, text)


def _measure(alert: Alert, rule: AggregateRule, zones: Mapping[str, str]) -> int:
    """How large the alert's measure has grown. Where not all its events are at hand, they count one by one."""
    if rule.measure == Measure.EVENTS or alert.event_count > len(alert.events):
        return alert.event_count
    values: set[tuple[str, ...]] = set()
    for held in alert.events:
        event = Event(id=held.id, source=held.source, type=held.type, time=held.time, recorded=held.recorded,
                      country=alert.country, data=held.data)  # fmt: skip
        view = View(event, zones)
        values.add(tuple(str(view.first(path)) for path in rule.fields))
    return len(values)


def _poor(tally: Tally) -> bool:
    return tally.decided >= ENOUGH and tally.precision is not None and tally.precision < GOOD


def told(tally: Tally, judgement: str) -> str:
    """`4 of 5 false (95 %: 38 to 96 %)`: the count with the interval of its share."""
    count = tally.true if judgement == TRUE else tally.false
    low, high = tally.interval if judgement == TRUE else (1 - tally.interval[1], 1 - tally.interval[0])
    return f"{count} of {tally.decided} {judgement} (95 %: {low * 100:.0f} to {high * 100:.0f} %)"
