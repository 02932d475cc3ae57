"""The ways to people: channels from the settings, and the addresses of the audience that is active.

The one place where an address is revealed. Knows nothing of when something is sent.
"""

from collections.abc import Callable, Iterator, Mapping

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
    `refresh`, when set, is asked before anything is said to be removed: the notice may be of an audience that became
    active a moment ago. Bears use by several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Channel] = {}
        self._book: AddressBook | None = None
        self.channels: Mapping[str, Channel] = _Channels(self)
        self.refresh: Callable[[], object] | None = None

    @property
    def ready(self) -> bool:
        """Whether addresses are known."""
        return self._book is not None

    def use(self, audience: Audience, book: AddressBook) -> None:
        """From now on these."""
        self._made = open_channels(self._settings, audience)
        self._book = book

    def channel(self, via: str) -> Channel | None:
        """The channel of this name."""
        if via not in self._made and self.refresh is not None:
            self.refresh()
        return self._made.get(via)

    def address(self, subscriber: str, via: str, address_hash: str) -> str | None:
        """The look-up for the sender."""
        found = self._find(subscriber, via, address_hash)
        if found is None and self.refresh is not None:
            self.refresh()
            found = self._find(subscriber, via, address_hash)
        return found

    def names(self) -> list[str]:
        """The names of the channels."""
        return sorted(self._made)

    def _find(self, subscriber: str, via: str, address_hash: str) -> str | None:
        return address_of(self._book)(subscriber, via, address_hash) if self._book is not None else None


class _Channels(Mapping[str, Channel]):
    """The channels of `Ways` as the mapping that a sender holds."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def __getitem__(self, via: str) -> Channel:
        found = self._ways.channel(via)
        if found is None:
            raise KeyError(via)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._ways.names())

    def __len__(self) -> int:
        return len(self._ways.names())


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
