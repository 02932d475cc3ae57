"""`almenara silences`: hold news of some alerts back for a time, see what that hides, and end it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.notice import Notice
    from almenara.domain.silence import Silence


@click.group()
def command() -> None:
    """Silences: by whom, why, of which alerts and until when. Whatever one holds back is recorded."""


def matching(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which alerts are meant."""
    options = (
        click.option("--alert", default="", help="One alert (ALM-4K7Q-9XTD); then nothing else is given."),
        click.option("--country", "countries", multiple=True, help="In any role (alpha-3). May be repeated, as all."),
        click.option("--rule", "rules", multiple=True),
        click.option("--level", "levels", multiple=True),
        click.option("--tag", "tags", multiple=True),
        click.option("--entity", "entities", multiple=True, help="Id of a watchlist entry."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@matching
@click.option("--for", "duration", help="How long (4h, 7d).")
@click.option("--until", "until", help="Or until when (2026-01-31T18:00-05:00; without an offset it is UTC).")
@click.option("--from", "start", help="From when; default: from now on.")
@click.option("--by", required=True, help="Who; it stands in the record, and they are told before it ends.")
@click.option("--reason", required=True, help="Why; it stands in the record.")
@verb
def add(session: Session, by: str, reason: str, **how: Any) -> int:
    """News of matching alerts is held back; what is open when it ends is told then. Ends of alerts are always told."""
    from almenara.app import silences

    silence = _silence(session, by, reason, how)
    silences.add(session.store, session.store.partitions, silence, datetime.now(UTC))
    session.give({"id": silence.id, "start": silence.start, "until": silence.until})
    session.say(f"silence {silence.id} holds until {silence.until:%Y-%m-%d %H:%M} UTC")
    return 0


@command.command()
@click.argument("name", required=False, metavar="[ID]")
@matching
@click.option("--since", default="30d", show_default=True, help="How far back to look: a duration, or a day.")
@verb
def preview(session: Session, name: str | None, since: str, **how: Any) -> int:
    """What a silence would have hidden; with ID, what that one has held back. Stores nothing."""
    from almenara.app import silences
    from almenara.cli.subscribers import since_when

    if name:
        silences.find(session.store, name)
        found = list(silences.held_by(session.store, name))
    else:
        start = since_when(since)
        silence = _silence(session, "preview", "preview", {**how, "duration": "1d", "until": None, "start": None})
        found = list(silences.would_hold(session.store, silence, start))
    for notice in found:
        _tell(session, notice)
    alerts = len({notice.changed.alert.uid for notice in found})
    session.say(f"{len(found)} messages about {alerts} alerts {'were' if name else 'would have been'} held back")
    return 0


@command.command(name="list")
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
@verb
def list_(session: Session, every: bool) -> int:
    """Who holds what back, since when and until when."""
    from almenara.app.silences import listed

    now = datetime.now(UTC)
    for one in listed(session.store):
        silence, state = one.silence, one.state(now)
        if state == "over" and not every:
            continue
        session.give({"id": silence.id, "state": state, "start": silence.start, "until": silence.until,
                      "ended": one.ended, "by": silence.by, "reason": silence.reason, "alert": silence.alert,
                      "matcher": _matcher(silence)})  # fmt: skip
        until = one.ended or silence.until
        what = _what(silence)
        session.say(f"{silence.id}  {state:7} until {until:%Y-%m-%d %H:%M}  {what}  by {silence.by}: {silence.reason}")
    return 0


@command.command()
@click.argument("name", metavar="ID")
@click.option("--by", required=True)
@click.option("--reason", required=True)
@verb
def end(session: Session, name: str, by: str, reason: str) -> int:
    """Ends a silence before its time; what it held back and is open is told now."""
    from almenara.app import silences

    ended = silences.end(session.store, name, datetime.now(UTC), by=by, reason=reason)
    session.give({"id": ended.id, "ended": True})
    session.say(f"silence {ended.id} is ended; it takes effect when the rules service reads it")
    return 0


def _silence(session: Session, by: str, reason: str, how: dict[str, Any]) -> "Silence":
    """The silence that the options ask for. Raises a usage error."""
    from almenara.app.silences import silence_id
    from almenara.audit.explain import history
    from almenara.domain.alert import LEVELS
    from almenara.domain.audience import Want
    from almenara.domain.silence import Silence

    now = datetime.now(UTC)
    matcher = Want(**{part: tuple(how[part]) for part in ("countries", "rules", "levels", "tags", "entities")})
    if bool(how["alert"]) == (matcher != Want()):
        raise click.UsageError("say which alerts are meant: --alert, or at least one of the other filters")
    if unknown := set(matcher.levels) - set(LEVELS):
        raise click.BadParameter(f"no level {', '.join(sorted(unknown))}; there are {', '.join(LEVELS)}")
    start = _moment(how["start"], "--from") if how["start"] else now
    until = _until(how, start)
    if until <= max(start, now):
        raise click.UsageError("it would be over before it begins; give a later end")
    alert = history(session.store, how["alert"])[-1].alert.uid if how["alert"] else ""
    name = silence_id({"by": by, "reason": reason, "matcher": repr(matcher), "alert": alert}, now)
    return Silence(id=name, start=start, until=until, by=by, reason=reason, matcher=matcher, alert=alert)


def _until(how: dict[str, Any], start: datetime) -> datetime:
    from almenara.domain.durations import parse_duration

    if bool(how["duration"]) == bool(how["until"]):
        raise click.UsageError("say how long: --for 4h, or --until a moment")
    if how["until"]:
        return _moment(how["until"], "--until")
    try:
        return start + parse_duration(how["duration"])
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint="--for") from None


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write a moment such as 2026-01-31T18:00-05:00", param_hint=option) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _matcher(silence: "Silence") -> dict[str, list[str]]:
    names = ("countries", "rules", "levels", "tags", "entities")
    return {name: list(getattr(silence.matcher, name)) for name in names if getattr(silence.matcher, name)}


def _what(silence: "Silence") -> str:
    if silence.alert:
        from almenara.domain.ids import cite

        return cite(silence.alert)
    return "; ".join(f"{name} {', '.join(values)}" for name, values in _matcher(silence).items())


def _tell(session: Session, notice: "Notice") -> None:
    alert = notice.changed.alert
    session.give({"at": notice.at, "alert": alert.cite, "to": notice.subscriber, "channel": notice.via,
                  "change": notice.changed.change, "level": alert.level, "title": dict(alert.title)})  # fmt: skip
    session.say(f"{notice.at:%Y-%m-%d %H:%M}  {alert.cite}  {notice.subscriber} by {notice.via}  {alert.title['en']}")
