"""`almenara subscribers`: check, show, activate, and preview what somebody would have got."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb
from almenara.cli.subscribers_hours import hours_of, told_hours

if TYPE_CHECKING:
    from almenara.app.preview import Previewed


@click.group()
def command() -> None:
    """Subscribers: who is told what, in which language, by which way."""


@command.command()
@verb
def check(session: Session) -> int:
    """Everything wrong in subscribers.yaml at once: file, line, and the cure."""
    from almenara.app.audience import read_audience

    loaded = read_audience(session.config_dir, session.settings, rules=_rules(session), key=b"only a check")
    count = len(loaded.audience.subscribers)
    session.give({"ok": True, "subscribers": count})
    session.say(f"check ok: {count} subscribers")
    return 0


@command.command()
@click.argument("who", required=False)
@verb
def show(session: Session, who: str | None) -> int:
    """What holds for each subscriber, defaults included. No address is shown."""
    from almenara.app.audience import read_audience
    from almenara.domain.errors import Missing

    loaded = read_audience(session.config_dir, session.settings, key=b"only to show")
    found = [one for one in loaded.audience.subscribers if who in (None, one.id)]
    if not found:
        raise Missing(f"no subscriber '{who}' in subscribers.yaml")
    for one in found:
        wants = [{k: list(v) for k, v in _filled(want).items()} for want in one.wants]
        ways = [target.via for target in one.targets]
        session.give({"id": one.id, "team": one.team, "language": one.language, "time_zone": one.time_zone,
                      "channels": ways, "wants": wants, **hours_of(one)})  # fmt: skip
        kind = "team" if one.team else "person"
        session.say(f"{one.id} ({kind}), {one.language}, {one.time_zone}, by {', '.join(ways) or 'no channel'}")
        for want in wants:
            session.say("  wants " + ("; ".join(f"{k} {', '.join(v)}" for k, v in want.items()) or "everything"))
        for line in told_hours(one):
            session.say(f"  {line}")
    return 0


@command.command()
@click.option("--reason", required=True, help="Why; it stands in the record.")
@click.option("--by", default="ops", show_default=True, help="Who; it stands in the record.")
@verb
def activate(session: Session, reason: str, by: str) -> int:
    """Makes subscribers.yaml live from a recorded position on; a running system takes its addresses up by itself."""
    from almenara.app.activation import activate_audience
    from almenara.app.audience import read_audience
    from almenara.app.startup import audience_hash

    loaded = read_audience(session.config_dir, session.settings, rules=_rules(session))
    new = activate_audience(session.store, loaded.audience, datetime.now(UTC), by=by, reason=reason)
    digest, count = audience_hash(loaded), len(loaded.audience.subscribers)
    session.give({"hash": digest, "subscribers": count, "activated": new})
    session.say(f"activated {digest[:12]}: {count} subscribers")
    return 0


@command.command()
@click.argument("who")
@click.option("--since", default="7d", show_default=True, help="A duration (7d), or a day (2026-01-31).")
@click.option("--all", "every", is_flag=True, help="Also what would not have been sent, with the reason.")
@verb
def preview(session: Session, who: str, since: str, every: bool) -> int:
    """What WHO would have got with subscribers.yaml as it is now, from the recorded alerts. Stores nothing."""
    from almenara.app.audience import read_audience
    from almenara.app.preview import preview as fold
    from almenara.domain.errors import Missing
    from almenara.notifier.words.compose import compose

    start = since_when(since)
    loaded = read_audience(session.config_dir, session.settings, rules=_rules(session), key=b"only a preview")
    if who not in {one.id for one in loaded.audience.subscribers}:
        raise Missing(f"no subscriber '{who}' in subscribers.yaml")
    messages, held = set(), 0
    for one in fold(session.store, loaded.audience, who, start):
        notice, cite = one.notice, one.notice.changed.alert.cite
        if one.at is not None:
            messages.add(one.message)
        else:
            held += 1
            if not every:
                continue
        headline = compose(notice).headline
        session.give({"at": notice.at, "alert": cite, "change": notice.changed.change, "decision": notice.decision,
                      "reason": notice.reason, "why": notice.why, "ref": notice.ref, "channel": notice.via,
                      "message_at": one.at, "held": one.held, "message": one.message, "in_digest": one.in_digest,
                      "headline": headline})  # fmt: skip
        session.say(f"{one.at or notice.at:%Y-%m-%d %H:%M}  {cite}  {_outcome(one):28} {headline}")
    session.say(f"{len(messages)} messages to {who} since {start:%Y-%m-%d %H:%M} UTC, {held} decisions not to tell")
    return 0


def _outcome(one: "Previewed") -> str:
    """`mail`, `mail, quiet_hours`, `mail digest` or why not."""
    if one.at is None:
        why = one.notice.reason or one.held or "still waits"
        return f"not sent: {why}" + (f" ({one.notice.ref})" if one.notice.ref else "")
    way = f"{one.notice.via} digest" if one.in_digest else one.notice.via
    return f"{way}, {one.held}" if one.held and not one.in_digest else way


@command.command()
@click.argument("who")
@click.option("--via", required=True, help="The channel (mail, or a name of subscribers.yaml).")
@click.option("--by", required=True, help="Who says so; it stands in the record.")
@verb
def end(session: Session, who: str, via: str, by: str) -> int:
    """WHO is told nothing more by one channel, until it is resumed; each message that is not sent is recorded."""
    return _subscription(session, who, via, by, resume=False)


@command.command()
@click.argument("who")
@click.option("--via", required=True)
@click.option("--by", required=True)
@verb
def resume(session: Session, who: str, via: str, by: str) -> int:
    """WHO is told by that channel again."""
    return _subscription(session, who, via, by, resume=True)


def _subscription(session: Session, who: str, via: str, by: str, *, resume: bool) -> int:
    from almenara.app.subscriptions import change_subscription

    change_subscription(session.store, who, via, datetime.now(UTC), by=by, resume=resume)
    session.give({"subscriber": who, "channel": via, "told": resume})
    session.say(f"{who} is {'told again' if resume else 'no longer told'} by {via}")
    return 0


def since_when(text: str, now: datetime | None = None) -> datetime:
    """The moment that `7d` or `2026-01-31` names. Raises a usage error."""
    from almenara.domain.durations import parse_duration

    try:
        return (now or datetime.now(UTC)) - parse_duration(text)
    except (ValueError, OverflowError):
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise click.BadParameter("write a duration (7d) or a day (2026-01-31)", param_hint="--since") from None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _filled(want: object) -> dict[str, tuple[str, ...]]:
    names = ("countries", "rules", "levels", "tags", "entities")
    return {name: getattr(want, name) for name in names if getattr(want, name)}


def _rules(session: Session) -> list[str]:
    from almenara.app.content import read_content
    from almenara.engine.ruleset import build

    return list(build(read_content(session.config_dir)).by_name)
