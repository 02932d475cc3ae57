"""Links on messages: made for one reader at the moment of sending, so that no record holds a token."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from almenara.app.keys import kept_key
from almenara.app.settings import Settings
from almenara.console.links import Action, LinkTo, sign
from almenara.console.words import LINKS
from almenara.domain.alert import Alert, State
from almenara.domain.message import Link, Message
from almenara.domain.notice import DigestNotice, Notice, Sendable
from almenara.notifier.send import Linked
from almenara.ports.clock import Clock

PATH: Final = "/l/"
_PROMINENT: Final = (Action.WHY, Action.ACKNOWLEDGE)


def links_key(settings: Settings) -> bytes:
    """The key that signs links: the setting `links.key`, else a random one in the data folder. Raises Faulty."""
    return kept_key(settings, "links.key", settings.links.key, what="the key of links")


def linked_by(settings: Settings, clock: Clock) -> Linked:
    """What puts the links of its reader onto a message; nothing does where `links.base` is not set. Raises Faulty."""
    base = settings.links.base
    if not base:
        return lambda message, _: message
    key = links_key(settings)

    def url(action: Action, told: Notice | DigestNotice, alert: str) -> str:
        until = _whole(clock.now() + settings.links.expire)
        link = LinkTo(action=action, alert=alert, subscriber=told.subscriber, via=told.via, expires=until)
        return f"{base}{PATH}{sign(link, key)}"

    def linked(message: Message, told: Sendable) -> Message:
        if not isinstance(told, Notice | DigestNotice):
            return message  # the operator's and the beacon: about no alert, and not to be ended
        try:
            return with_links(message, told)
        except ValueError:  # a name that no link can say: what is told matters more than its links
            return message

    def with_links(message: Message, told: Notice | DigestNotice) -> Message:
        links: tuple[Link, ...] = ()
        if isinstance(told, Notice):
            alert = told.changed.alert
            links = tuple(
                Link(label=_label(action, message), url=url(action, told, alert.uid), prominent=action in _PROMINENT)
                for action in actions_for(alert)
            )
        return replace(message, links=links, unsubscribe=url(Action.UNSUBSCRIBE, told, ""))

    return linked


def actions_for(alert: Alert) -> Iterator[Action]:
    """What can be done about an alert as it stands: one that is closed is only explained."""
    yield Action.WHY
    if alert.state in (State.RESOLVED, State.RETRACTED):
        return
    if alert.state == State.OPEN:
        yield Action.ACKNOWLEDGE
    yield Action.JUDGE
    yield Action.ASSIGN
    yield Action.MUTE


def _label(action: Action, message: Message) -> str:
    return LINKS[action][1 if message.language == "es" else 0]


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
