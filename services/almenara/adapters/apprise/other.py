"""Any other service that Apprise reaches, by a URL whose schema the operator allows. A fresh plugin per delivery.

Apprise says yes or no and not why: a no is *unknown*, for the message may have got through, and the next attempt is
marked. Knows nothing of alerts.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from apprise import Apprise, NotifyFormat, NotifyType
from apprise.common import OverflowMode
from apprise.exception import AppriseException

from almenara.adapters.apprise.letter import cleaned, render_text
from almenara.adapters.apprise.quiet import asset, hush
from almenara.domain.message import Message
from almenara.domain.text import cut
from almenara.ports.channel import Outcome, OutcomeKind

QUERY: Final = frozenset({"priority", "tags", "topic", "silent", "channel", "region", "sound", "device"})
"""The query keys that a URL may have. Others can switch certificate checks off, read files or follow redirects."""

_URL: Final = re.compile(r"([a-z][a-z0-9]{1,19})://[!-~]{1,1000}", re.ASCII)


class AppriseChannel:
    """Sends a message to one service; the address is its Apprise URL."""

    def __init__(self, schemas: Collection[str], *, timeout_s: float = 20.0) -> None:
        hush()
        self._schemas = frozenset(schemas)
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"AppriseChannel({', '.join(sorted(self._schemas))})"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. What Apprise takes for a success is delivered; anything else is unknown."""
        fault = fault_of(address, self._schemas)
        plugin = None if fault else _plugin(address)
        if plugin is None or len(plugin) != 1:
            what = fault or ("not a URL that Apprise knows" if plugin is None else "more than one recipient")
            return Outcome(OutcomeKind.REJECTED_PERMANENT, what, for_all=True)
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self._timeout_s
        plugin.request_rate_per_sec = 0  # the pace is the notifier's to keep
        plugin.overflow_mode = OverflowMode.TRUNCATE
        service = Apprise(asset=plugin.asset)
        service.add(plugin)
        taken = service.notify(  # never raises: what a plugin raises is a no
            title=cut(defanged(message.headline), plugin.title_maxlen or 250),
            body=cut(defanged(_text(message)), plugin.body_maxlen),
            notify_type=NotifyType.INFO,
            body_format=NotifyFormat.TEXT,
        )
        if taken:
            return Outcome(OutcomeKind.DELIVERED, "apprise")
        return Outcome(OutcomeKind.UNKNOWN, "apprise says no", down=True)


def fault_of(url: str, schemas: Collection[str]) -> str:
    """What is wrong with a URL, without repeating it; empty when it may be used."""
    found = _URL.fullmatch(url)
    if found is None:
        return "not an Apprise URL"
    if found[1] not in schemas:
        return f"the schema {found[1]} is not allowed"
    try:
        keys = {key.lower() for key, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    except ValueError:
        return "not an Apprise URL"
    if not keys <= QUERY:
        return "a query key that is not allowed"
    return "more than one URL" if "://" in url[len(found[1]) + 3 :] else ""


def defanged(text: str) -> str:
    """Text in which no service finds a mention or a link, whatever its own marks for them are."""
    return text.replace("@", "＠").replace("://", "[:]//")


def _text(message: Message) -> str:
    # what leads to a page is left out: a link that is made harmless helps nobody
    whole = render_text(cleaned(replace(message, links=(), unsubscribe="")))
    return whole.replace(message.headline, "", 1).strip() or whole


def _plugin(url: str) -> Any:
    try:
        return Apprise.instantiate(url, asset=asset())
    except (AppriseException, TypeError, ValueError):
        return None
