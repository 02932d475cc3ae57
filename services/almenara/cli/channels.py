"""`almenara channels`: the ways to subscribers, how they stand, and a test of one."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.app.rehearsal import Tried


@click.group()
def command() -> None:
    """Channels: mail, Slack, signed webhooks, other Apprise URLs."""


@command.command(name="list")
@verb
def list_(session: Session) -> int:
    """Each channel, whom it reaches, and how it stands. Exit 1 when one is not tried for now, or refuses somebody."""
    from datetime import UTC, datetime

    from almenara.app.audience import read_audience
    from almenara.app.channel_file import MAIL
    from almenara.app.destinations import one, standing, trouble
    from almenara.domain.errors import Missing

    loaded = read_audience(session.config_dir, session.settings, key=b"only to show")
    kinds: dict[str, str] = {name: channel.kind for name, channel in loaded.channels.items()}
    kinds |= {MAIL: MAIL} if session.settings.mail.host else {}
    now = datetime.now(UTC)
    try:
        noted = standing(session.store, now)
    except Missing:
        noted = {}  # nothing was ever sent here
    wrong = False
    for name in sorted(kinds):
        reached = [who.id for who in loaded.audience.subscribers for way in who.targets if way.via == name]
        found = noted.get(name) or one(None, [], now)
        said = trouble(found)
        wrong = wrong or bool(said)
        session.give({"channel": name, "kind": kinds[name], "subscribers": reached, **found})
        session.say(f"{name:16} {kinds[name]:8} {said or found['state']:40} to {', '.join(reached) or 'nobody'}")
    return 1 if wrong else 0


@command.command()
@click.argument("name")
@click.option("--to", default="", help="Whom, where the channel reaches several.")
@verb
def test(session: Session, name: str, to: str) -> int:
    """Sends a message marked TEST by a channel, and says what came of it. Records nothing.

    Exit 1 when it was refused, 4 when the channel could not be reached.
    """
    from almenara.app.audience import read_audience
    from almenara.app.rehearsal import tries, ways_by

    loaded = read_audience(session.config_dir, session.settings)
    return say_tried(session, tries(session.settings, loaded, ways_by(loaded, name, to), alert=False))


def say_tried(session: Session, tried: "Iterable[Tried]") -> int:
    """Tells what came of each test message; the exit code."""
    from almenara.ports.channel import OutcomeKind

    kinds = set()
    for found in tried:
        outcome = found.outcome
        kinds.add(outcome.kind)
        session.give({"to": found.to, "channel": found.channel, "outcome": outcome.kind, "detail": outcome.detail})
        session.say(f"{found.to} by {found.channel}: {outcome.kind} {outcome.detail}")
    if OutcomeKind.REJECTED_PERMANENT in kinds:
        return 1
    return 0 if kinds == {OutcomeKind.DELIVERED} else 4
