"""What a link says, and the token that proves that we made it. Pure.

A token is bound to one action, one person, one channel and one alert, and to a time; nothing in it is secret but that
it exists. Knows nothing of pages or of HTTP.
"""

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from almenara.domain.ids import canonical, content_id

MAX_TOKEN: Final = 640
"""Characters; a URL of it stays below what mail programs, proxies and Slack carry."""

_VERSION: Final = 1
_PURPOSE: Final = b"almenara/link\0"  # the key may sign nothing else that looks like a link
_MAC: Final = 64
_MOST: Final = 64
_LAST: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


class Action(StrEnum):
    """What a link lets its reader do. `why` only shows; `mute` is a silence for this one alert."""

    WHY = "why"
    ACKNOWLEDGE = "acknowledge"
    JUDGE = "judge"
    ASSIGN = "assign"
    MUTE = "mute"
    UNSUBSCRIBE = "unsubscribe"


class Refusal(StrEnum):
    """Why a token is not taken. A closed list; each is explained in the docs."""

    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTo:
    """What a link says: that this subscriber, told by this channel, may do this to this alert until it expires.

    `alert` is the uid of the alert; empty for `unsubscribe`, which is about the channel. `expires` is in whole seconds.
    """

    action: Action
    alert: str
    subscriber: str
    via: str
    expires: datetime

    @property
    def id(self) -> str:
        """Names what is done by this link, for ever: done by the same link again, the log drops it."""
        return content_id("link", *_said(self))


def sign(link: LinkTo, key: bytes) -> str:
    """The token: what the link says in base 64, a full stop, and its HMAC-SHA256. Safe in a URL as it stands.

    Raises ValueError for a link that no token can say: a name too long, an alert where none belongs.
    """
    if not _sound(link):
        raise ValueError("this is no link that can be signed")
    said = urlsafe_b64encode(canonical(_said(link))).rstrip(b"=").decode()
    return f"{said}.{_mac(said, key)}"


def verify(token: str, key: bytes, now: datetime) -> LinkTo | Refusal:
    """What a token says, or why it is not taken: judged first by its signature, then by its time.

    The signature is over the text of the token, not over what it decodes to: no second spelling of it passes.
    """
    said, point, mac = token.rpartition(".")
    if len(token) > MAX_TOKEN or not point or len(mac) != _MAC or not token.isascii():
        return Refusal.MALFORMED
    if not hmac.compare_digest(_mac(said, key), mac):
        return Refusal.FORGED
    link = _read(said)
    if link is None:
        return Refusal.MALFORMED
    return link if now < link.expires else Refusal.EXPIRED


def _said(link: LinkTo) -> list[Any]:
    expires = int(link.expires.timestamp())
    return [_VERSION, str(link.action), link.alert, link.subscriber, link.via, expires]


def _mac(said: str, key: bytes) -> str:
    # in hexadecimal: a URL that ends in - or _ loses it where a mail program finds links in plain text
    return hmac.new(key, _PURPOSE + said.encode(), hashlib.sha256).hexdigest()


def _read(said: str) -> LinkTo | None:
    try:
        found = json.loads(urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        version, action, alert, subscriber, via, expires = found
        if version != _VERSION or not all(isinstance(one, str) for one in (alert, subscriber, via)):
            return None
        when = datetime.fromtimestamp(expires, UTC)
        link = LinkTo(action=Action(action), alert=alert, subscriber=subscriber, via=via, expires=when)
    except (ValueError, TypeError, OverflowError, OSError, binascii.Error):  # signed by another release
        return None
    return link if _sound(link) else None


def _sound(link: LinkTo) -> bool:
    names = (link.alert, link.subscriber, link.via)
    about_alert = link.action != Action.UNSUBSCRIBE
    return (
        all(len(name) <= _MOST and name.isascii() and name.isprintable() for name in names)
        and bool(link.subscriber and link.via)
        and bool(link.alert) == about_alert
        and 0 < link.expires.timestamp() < _LAST
    )
