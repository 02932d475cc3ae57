"""What a subscriber may set beside filters and ways: hours, digests, limits, deputies, duty, escalation, ceilings.

Each type tells what is wrong with one value and its cure, and turns into the plain data of the log. Knows nothing of
how parts of the file hang together; see `audience_people`.
"""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt

from almenara.app import fields
from almenara.app.fields import Invalid, Section
from almenara.domain.audience import (
    EVERY_DAY,
    Deputy,
    Digest,
    Duty,
    Escalation,
    Inhibition,
    Limit,
    Quiet,
    Want,
)

ELSE: Final = "else"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_EQUAL: Final = re.compile(r"country|rule|level|key\.[^\s.][^\s]{0,99}")
_MOST_STEPS: Final = 20


def minutes_of(text: Any) -> int:
    """`07:30` as minutes of the day. Raises Invalid."""
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise Invalid("not a time of day", 'write hours and minutes in quotes, such as "07:30"')
    return int(found[1]) * 60 + int(found[2])


def days_of(text: Any) -> tuple[int, ...]:
    """`mon-fri` or `sat, sun` as ISO weekdays. A range may pass Sunday (`fri-mon`). Raises Invalid."""
    found: set[int] = set()
    for part in text.split(",") if isinstance(text, str) else [""]:
        first, dash, last = part.strip().lower().partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise Invalid("not days of the week", "write days such as mon-fri or sat,sun")
        start = _DAYS.index(first)
        length = (_DAYS.index(last) - start) % 7 if dash else 0
        found.update((start + n) % 7 + 1 for n in range(length + 1))
    return tuple(sorted(found))


def _span(text: Any) -> tuple[int, int]:
    start, dash, end = text.partition("-") if isinstance(text, str) else ("", "", "")
    if not dash:
        raise Invalid("not hours", 'write from and to in quotes, such as "22:00-06:30"')
    span = minutes_of(start), minutes_of(end)
    if span[0] == span[1]:
        raise Invalid("begins and ends at the same time", "make the end another time of day")
    return span


def _times(value: Any) -> tuple[int, ...]:
    times = tuple(sorted({minutes_of(one) for one in (value if isinstance(value, list) else [value])}))
    if not times:
        raise Invalid("no time at all", 'write a time in quotes, such as "07:30"')
    return times


def _day(value: Any) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Invalid("not a day", 'write it in quotes, such as "2026-08-31"')


def _equal(value: str) -> str:
    if not _EQUAL.fullmatch(value):
        raise Invalid("not a field that can be compared", "write country, rule, level or key.NAME")
    return value


def _one_duty(value: dict[str, str]) -> dict[str, str]:
    if len(value) != 1:
        raise Invalid("not one entry of a rota", "write one pair, such as {mon-fri: ana} or {else: ben}")
    for days in value:
        if days != ELSE:
            days_of(days)
    return value


_Days = Annotated[tuple[int, ...], BeforeValidator(days_of)]
_Day = Annotated[date, BeforeValidator(_day)]


class QuietHours(Section):
    """`quiet:`; when not to disturb."""

    daily: Annotated[tuple[int, int], BeforeValidator(_span)] | None = None
    weekends: StrictBool = False
    unless: fields.Levels = Field(default=(), alias="except")

    def plain(self) -> Quiet:
        """As the log has it."""
        return Quiet(daily=self.daily, weekends=self.weekends, except_levels=self.unless)


class DigestTimes(Section):
    """`digest:`; when the digest goes out and what goes into it only."""

    at: Annotated[tuple[int, ...], BeforeValidator(_times)]
    days: _Days = EVERY_DAY
    when_empty: Literal["send", "skip"] = "skip"
    includes: fields.Levels = ()

    def plain(self) -> Digest:
        """As the log has it."""
        return Digest(at=self.at, days=self.days, when_empty=self.when_empty == "send", levels=self.includes)


class RateLimit(Section):
    """`limit:`; how many messages in an hour, and where the others go."""

    per_hour: Annotated[StrictInt, Field(ge=1, le=10_000)]
    then: Literal["digest"] = "digest"

    def plain(self) -> Limit:
        """As the log has it."""
        return Limit(per_hour=self.per_hour, then=self.then)


class StandIn(Section):
    """`deputy:`; who is told instead, from the first to the last day."""

    who: fields.Name
    start: _Day | None = Field(default=None, alias="from")
    until: _Day | None = None

    def plain(self) -> Deputy:
        """As the log has it."""
        return Deputy(who=self.who, start=self.start, until=self.until)


class Step(Section):
    """One item of `escalate:`."""

    after: fields.LongerThanNothing
    to: fields.Name
    unacknowledged: fields.Levels | None = None


class Filter(Section):
    """One item of `wants:`, and each side of an inhibition."""

    countries: fields.Countries = ()
    rules: fields.Texts = ()
    levels: fields.Levels = ()
    tags: fields.Texts = ()
    entities: fields.Texts = ()

    def plain(self) -> Want:
        """As the log has it."""
        return Want(**self.model_dump())


class HeldBack(Section):
    """One item of `inhibit:`."""

    source: Filter
    target: Filter
    equal: Annotated[tuple[Annotated[str, AfterValidator(_equal)], ...], fields.AS_LIST] = ()

    def plain(self) -> Inhibition:
        """As the log has it."""
        return Inhibition(source=self.source.plain(), target=self.target.plain(), equal=self.equal)


Rota = Annotated[
    tuple[Annotated[dict[str, fields.Name], AfterValidator(_one_duty)], ...],
    Field(max_length=_MOST_STEPS),
    fields.AS_LIST,
]
Steps = Annotated[tuple[Step, ...], Field(max_length=_MOST_STEPS), fields.AS_LIST]
HeldBacks = Annotated[tuple[HeldBack, ...], fields.AS_LIST]


def duties(rota: tuple[dict[str, str], ...]) -> tuple[Duty, ...]:
    """The rota as the log has it."""
    pairs = (pair for one in rota for pair in one.items())
    return tuple(Duty(who=who, days=() if days == ELSE else days_of(days)) for days, who in pairs)


def escalations(steps: tuple[Step, ...]) -> tuple[Escalation, ...]:
    """The steps as the log has them: one that names no levels has those of the step before it."""
    found: list[Escalation] = []
    for step in steps:
        before: tuple[str, ...] = found[-1].levels if found else ()
        levels: tuple[str, ...] = before if step.unacknowledged is None else step.unacknowledged
        found.append(Escalation(after=_seconds(step.after), to=step.to, levels=levels))
    return tuple(found)


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
