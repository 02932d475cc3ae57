"""What a detector knows of one counted event, in words: for those who ask why there was no alert."""

from collections.abc import Iterator, Sequence
from typing import Final

from almenara.domain.durations import format_duration
from almenara.engine.detectors.episodes import Episode
from almenara.engine.detectors.moments import moment
from almenara.engine.detectors.tracks import Entry, Tracks
from almenara.engine.rule import (
    AggregateRule,
    AtLeast,
    ChangeRule,
    Correlation,
    FirstSeenRule,
    Measure,
    OrderedRule,
    Presence,
    Present,
    Rule,
    TemporalRule,
)


def account(
    rule: Correlation, tracks: Tracks, key: str, entry: Entry, *, episodes: Sequence[Episode], loud_from: int | None
) -> Iterator[str]:
    """Where the event stands under one key: in an alert or not, beside what, and what would be needed."""
    verdict = f"counted, part of an alert of {len(episodes[0].members)} events" if episodes else "not raised: counted"
    yield f"{verdict}; {_near(rule, tracks, key, entry)}"
    yield f"  key {key}"
    if loud_from is not None and entry.time < loud_from:
        yield f"  nothing is said of events before {moment(loud_from):%Y-%m-%d %H:%M UTC}: it is still learning"


def needed(rule: Rule) -> str:
    """What a rule over counted events asks for, in words; empty for any other rule."""
    if not isinstance(rule, Correlation):
        return ""
    timespan = format_duration(rule.timespan)
    if isinstance(rule, AggregateRule):
        bound, fields = f"{rule.bound:g}", ", ".join(rule.fields)
        if rule.measure == Measure.EVENTS:
            asked = f"{_OPS[rule.op]}{bound} events"
        elif rule.measure == Measure.VALUES:
            asked = f"{_OPS[rule.op]}{bound} different {fields}"
        else:
            percent = f" {rule.percentile}" if rule.measure == Measure.PERCENTILE else ""
            asked = f"{rule.measure}{percent} of {fields} {_OPS[rule.op]}{bound}"
        if rule.baseline:
            usual = f"{rule.baseline.at_least:g} times the usual of {format_duration(rule.baseline.of)} before"
            asked += f" within {timespan}, {usual}"
            return asked
        return f"{asked} within {timespan}"
    if isinstance(rule, TemporalRule):
        return f"{_condition(rule.condition)} within {timespan}"
    if isinstance(rule, OrderedRule):
        return f"{', then '.join(' or '.join(step) for step in rule.steps)} within {timespan}"
    if isinstance(rule, FirstSeenRule):
        return f"none of its key in the {timespan} before"
    return f"another {rule.field} than the one before" if isinstance(rule, ChangeRule) else ""


_OPS: Final = {
    "gte": "at least ",
    "gt": "more than ",
    "lte": "at most ",
    "lt": "less than ",
    "eq": "exactly ",
    "neq": "other than ",
}


def _near(rule: Correlation, tracks: Tracks, key: str, entry: Entry) -> str:
    entries = tracks.of(key)
    if isinstance(rule, ChangeRule):
        at = next(place for place, one in enumerate(entries) if one is entry)
        now = ", ".join(str(value) for value in entry.values)
        before = (
            f"before it {', '.join(str(v) for v in entries[at - 1].values)}" if at else "the first value of its key"
        )
        return f"{rule.field} is {now}, {before}"
    span = tracks.windows.span
    near = [one for one in entries if one.end > entry.time - span and one.time < entry.end + span]
    members = sorted({name for one in near for nth, name in enumerate(rule.rules) if one.members >> nth & 1})
    of = f" ({', '.join(members)})" if len(rule.rules) > 1 else ""
    return f"{len(near)} of its key{of} within {format_duration(rule.timespan)}; needed: {needed(rule)}"


def _condition(condition: Presence) -> str:
    if isinstance(condition, Present):
        return condition.rule
    if isinstance(condition, AtLeast):
        parts = [_condition(part) for part in condition.parts]
        if condition.count == len(parts):
            return " and ".join(parts)
        joined = " or ".join(parts)
        return f"({joined})" if condition.count == 1 else f"{condition.count} of ({joined})"
    return f"not {_condition(condition.part)}"
