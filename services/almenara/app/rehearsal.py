"""Test messages by the real channels: to those whom a channel reaches, or to every address of a subscriber.

Nothing is recorded, and no circuit is asked: whoever tests wants to know what happens now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from almenara.app.audience import LoadedAudience
from almenara.app.channels import address_of, open_channels
from almenara.app.settings import Settings
from almenara.domain.audience import Subscriber, Target
from almenara.domain.errors import Missing
from almenara.domain.ids import content_id
from almenara.notifier.words.rehearsal import rehearsal
from almenara.ports.channel import Outcome

Way = tuple[Subscriber, Target]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one test message."""

    to: str
    channel: str
    outcome: Outcome


def ways_by(loaded: LoadedAudience, channel: str, to: str = "") -> list[Way]:
    """Those whom a channel reaches, or only `to`. Raises Missing when it reaches nobody, or several and none is named.

    Several who share one address of a channel (a webhook has only one) count as one.
    """
    found = [(who, way) for who in loaded.audience.subscribers for way in who.targets if way.via == channel]
    if not found:
        known = sorted({way.via for who in loaded.audience.subscribers for way in who.targets})
        raise Missing(f"nobody is told by a channel '{channel}'; there are {', '.join(known) or 'none'}")
    if to:
        chosen = [(who, way) for who, way in found if who.id == to]
        if not chosen:
            raise Missing(f"{to} is not told by {channel}; it reaches {_names(found)}")
        return chosen
    if len({way.address_hash for _, way in found}) > 1:
        raise Missing(f"{channel} reaches {_names(found)}; name one with --to")
    return found[:1]


def ways_to(loaded: LoadedAudience, name: str) -> list[Way]:
    """Every address of a subscriber. Raises Missing."""
    found = next((one for one in loaded.audience.subscribers if one.id == name), None)
    if found is None:
        names = ", ".join(one.id for one in loaded.audience.subscribers)
        raise Missing(f"no subscriber '{name}'; there are {names}")
    if not found.targets:
        raise Missing(f"{name} has no address in subscribers.yaml")
    return [(found, way) for way in found.targets]


def tries(settings: Settings, loaded: LoadedAudience, ways: Iterable[Way], *, alert: bool) -> Iterator[Tried]:
    """Sends a test message by each way, one after the other."""
    channels, address = open_channels(settings, loaded), address_of(loaded.addresses)
    for who, way in ways:
        to = address(who.id, way.via, way.address_hash) or ""
        delivery = content_id("rehearsal", who.id, way.via, datetime.now(UTC))
        message = rehearsal(delivery, who.id, who.language, alert=alert)
        yield Tried(who.id, way.via, channels[way.via].send(message, to))


def _names(ways: list[Way]) -> str:
    return ", ".join(sorted({who.id for who, _ in ways}))
