"""How a subscriber's hours, limits and part in a team are shown: as values, and in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from almenara.domain.audience import Subscriber

_PARTS = ("tlp", "quiet", "digest", "limit", "deputy", "on_duty", "escalate")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_of(who: "Subscriber") -> dict[str, Any]:
    """What is set beside filters and channels, as plain values; times of day are minutes, durations seconds."""
    from almenara.ports.wire import plain

    return {part: plain(getattr(who, part)) for part in _PARTS}


def told_hours(who: "Subscriber") -> Iterator[str]:
    """A line for each part that is set."""
    from datetime import timedelta

    from almenara.domain.durations import format_duration

    yield f"told up to {who.tlp}"
    if who.quiet is not None:
        daily = "-".join(_clock(minute) for minute in who.quiet.daily or ())
        weekends = "weekends" if who.quiet.weekends else ""
        unless = f"except {', '.join(who.quiet.except_levels)}" if who.quiet.except_levels else ""
        yield f"quiet {', '.join(part for part in (daily, weekends, unless) if part)}"
    if who.digest is not None:
        times = ", ".join(_clock(minute) for minute in who.digest.at)
        levels = f", takes {', '.join(who.digest.levels)}" if who.digest.levels else ""
        empty = ", also when empty" if who.digest.when_empty else ""
        yield f"digest at {times} on {_days(who.digest.days)}{levels}{empty}"
    if who.limit is not None:
        yield f"at most {who.limit.per_hour} messages an hour, the others into the digest"
    if who.deputy is not None:
        yield f"deputy {who.deputy.who}, {who.deputy.start or 'always'} to {who.deputy.until or 'further notice'}"
    for duty in who.on_duty:
        yield f"on duty {_days(duty.days) if duty.days else 'else'}: {duty.who}"
    for step in who.escalate:
        levels = ", ".join(step.levels) or "all levels"
        yield f"after {format_duration(timedelta(seconds=step.after))} unacknowledged ({levels}): {step.to}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _days(days: tuple[int, ...]) -> str:
    return ",".join(_DAYS[day - 1] for day in days)
