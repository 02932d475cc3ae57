"""`almenara channels`: try the ways to subscribers."""

from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.audience import Subscriber, Target
    from almenara.domain.message import Message

_WORDS = {
    "en": ("This is a test; nothing has happened", "You get this because somebody tried the channel", "TEST"),
    "es": ("Esto es una prueba; no ha ocurrido nada", "Recibe esto porque alguien probó el canal", "PRUEBA"),
}


@click.group()
def command() -> None:
    """Channels: mail and Slack."""


@command.command()
@click.argument("who")
@verb
def test(session: Session, who: str) -> int:
    """Sends a message marked TEST to each address of a subscriber, and says what came of it. Records nothing.

    Exit 1 when one was refused, 4 when one could not be reached.
    """
    from almenara.app.audience import read_audience
    from almenara.app.channels import address_of, open_channels
    from almenara.domain.errors import Missing
    from almenara.ports.channel import OutcomeKind

    settings = session.settings
    loaded = read_audience(session.config_dir, settings)
    found = next((one for one in loaded.audience.subscribers if one.id == who), None)
    if found is None:
        names = ", ".join(one.id for one in loaded.audience.subscribers)
        raise Missing(f"no subscriber '{who}'; there are {names}")
    if not found.targets:
        raise Missing(f"{who} has neither mail nor Slack in subscribers.yaml")
    channels, address = open_channels(settings, loaded.audience), address_of(loaded.addresses)
    kinds = set()
    for target in found.targets:
        to = address(who, target.via, target.address_hash)
        outcome = channels[target.via].send(_message(found, target), to or "")
        kinds.add(outcome.kind)
        session.give({"to": who, "channel": target.via, "outcome": outcome.kind, "detail": outcome.detail})
        session.say(f"{who} by {target.via}: {outcome.kind} {outcome.detail}")
    if OutcomeKind.REJECTED_PERMANENT in kinds:
        return 1
    return 0 if kinds == {OutcomeKind.DELIVERED} else 4


def _message(who: "Subscriber", target: "Target") -> "Message":
    from datetime import UTC, datetime

    from almenara.domain.ids import content_id
    from almenara.domain.message import Message

    headline, why, mark = _WORDS["es" if who.language == "es" else "en"]
    uid = content_id("test", who.id, target.via, datetime.now(UTC))
    return Message(
        id=uid,
        thread=uid,
        language=who.language,
        level="informational",
        level_word=mark,
        dot="⚪",
        country="",
        headline=f"{mark}: {headline}",
        paragraphs=(),
        caution="",
        reference=mark,
        why_you=why,
        mark=mark,
    )
