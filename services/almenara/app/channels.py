"""The ways to people: channels from the settings, and the addresses of the audience that is active.

The one place where an address is revealed. Knows nothing of when something is sent.
"""

from collections.abc import Mapping

from almenara.adapters.apprise import MailChannel, MailSettings, SlackChannel, SlackSettings
from almenara.app.addresses import AddressBook
from almenara.app.audience import MAIL, SLACK
from almenara.app.settings import Settings
from almenara.domain.audience import Audience
from almenara.notifier.send import Address
from almenara.ports.channel import Channel


def open_channels(settings: Settings, audience: Audience) -> dict[str, Channel]:
    """A channel for each `via` of the audience; a kind that the settings do not serve is left out."""
    kinds = {target.via: target.kind for who in audience.subscribers for target in who.targets}
    made = {via: _channel(kind, settings) for via, kind in sorted(kinds.items())}
    return {via: channel for via, channel in made.items() if channel is not None}


def address_of(book: AddressBook) -> Address:
    """The look-up that the sender is given."""

    def find(subscriber: str, via: str, address_hash: str) -> str | None:
        found = book.lookup(subscriber, via, address_hash)
        return found.reveal() if found is not None else None

    return find


class Ways:
    """The channels and addresses in force; replaced as a whole when another audience becomes active.

    `ready` is False until addresses are known: then nothing may be sent, for everything would count as removed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._book: AddressBook | None = None
        self.channels: dict[str, Channel] = {}

    @property
    def ready(self) -> bool:
        """Whether addresses are known."""
        return self._book is not None

    def use(self, audience: Audience, book: AddressBook) -> None:
        """From now on these. The mapping stays the same object: a sender holds it."""
        made: Mapping[str, Channel] = open_channels(self._settings, audience)
        self._book = book
        self.channels.update(made)
        for gone in set(self.channels) - set(made):
            del self.channels[gone]

    def address(self, subscriber: str, via: str, address_hash: str) -> str | None:
        """The look-up for the sender."""
        return address_of(self._book)(subscriber, via, address_hash) if self._book is not None else None


def _channel(kind: str, settings: Settings) -> Channel | None:
    timeout_s = settings.mail.timeout.total_seconds()
    if kind == SLACK:
        return SlackChannel(SlackSettings(timeout_s=timeout_s))
    if kind != MAIL or not settings.mail.host:
        return None
    mail = settings.mail
    return MailChannel(
        MailSettings(
            host=mail.host,
            port=mail.port,
            sender=mail.sender,
            security=mail.security,
            user=mail.user,
            password=mail.password.reveal(),
            timeout_s=timeout_s,
        )
    )
