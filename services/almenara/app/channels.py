"""The ways to people: channels from the settings and the subscribers file, and the addresses of the active audience.

The one place where an address or a token is revealed. Knows nothing of when something is sent.
"""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from almenara.adapters.apprise import (
    AppriseChannel,
    MailChannel,
    MailSettings,
    SlackBotChannel,
    SlackChannel,
    SlackSettings,
)
from almenara.adapters.apprise.slack_bot import API
from almenara.adapters.http.hook import HookChannel
from almenara.adapters.http.ping import PingChannel
from almenara.adapters.http.post import Poster
from almenara.app.addresses import AddressBook
from almenara.app.audience import LoadedAudience
from almenara.app.channel_file import APPRISE, LOCAL_HOSTS, MAIL
from almenara.app.channel_file import Channel as Configured
from almenara.app.settings import Settings
from almenara.domain.notice import HEARTBEAT
from almenara.notifier.send import Address
from almenara.notifier.words.operator import Operator
from almenara.ports.channel import Channel

_THIS_MACHINE: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def open_channels(settings: Settings, loaded: LoadedAudience) -> dict[str, Channel]:
    """A channel for each of the file's, by name; `mail` and `heartbeat` where the settings have them."""
    made = {name: _channel(name, one, settings) for name, one in sorted(loaded.channels.items())}
    made |= {MAIL: _mail(settings)} if settings.mail.host else {}
    return made | ({HEARTBEAT: _ping(settings)} if settings.heartbeat.ping else {})


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
        self._loaded: LoadedAudience | None = None
        self.channels: Mapping[str, Channel] = _Channels(self)
        self.refresh: Callable[[], object] | None = None

    @property
    def ready(self) -> bool:
        """Whether addresses are known."""
        return self._loaded is not None

    def use(self, loaded: LoadedAudience) -> None:
        """From now on these."""
        self._made = open_channels(self._settings, loaded)
        self._loaded = loaded

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

    def operator(self) -> Operator | None:
        """The first way to the operator that the settings name; None when they name none who can be told."""
        loaded, name = self._loaded, self._settings.operator
        found = next((one for one in loaded.audience.subscribers if one.id == name), None) if loaded else None
        if found is None or not found.targets:
            return None
        way = found.targets[0]
        return Operator(subscriber=name, via=way.via, address_hash=way.address_hash, language=found.language)

    def names(self) -> list[str]:
        """The names of the channels."""
        return sorted(self._made)

    def _find(self, subscriber: str, via: str, address_hash: str) -> str | None:
        return address_of(self._loaded.addresses)(subscriber, via, address_hash) if self._loaded is not None else None


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


def _channel(name: str, one: Configured, settings: Settings) -> Channel:
    timeout_s = settings.mail.timeout.total_seconds()
    if one.kind == APPRISE:
        return AppriseChannel(settings.channels.apprise_schemas, timeout_s=timeout_s)
    if one.secret is not None:
        private = tuple(ip_network(text) for text in settings.channels.private_networks)
        return HookChannel(name, one.secret, Poster(timeout_s=timeout_s, private=private))
    if one.token is not None:
        api = one.api or API
        private = _THIS_MACHINE if urlsplit(api).hostname in LOCAL_HOSTS else ()
        return SlackBotChannel(one.token, Poster(timeout_s=timeout_s, private=private), api=api)
    return SlackChannel(SlackSettings(timeout_s=timeout_s))


def _ping(settings: Settings) -> Channel:
    private = (*_THIS_MACHINE, *(ip_network(text) for text in settings.channels.private_networks))
    poster = Poster(timeout_s=settings.mail.timeout.total_seconds(), private=private)
    return PingChannel(settings.heartbeat.ping, poster)


def _mail(settings: Settings) -> Channel:
    mail = settings.mail
    return MailChannel(
        MailSettings(
            host=mail.host,
            port=mail.port,
            sender=mail.sender,
            security=mail.security,
            user=mail.user,
            password=mail.password.reveal(),
            timeout_s=mail.timeout.total_seconds(),
        )
    )
