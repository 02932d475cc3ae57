"""The links of a message as a channel may show them: only addresses over https or to this machine. Pure."""

import re
from dataclasses import replace
from typing import Final

from almenara.domain.message import Link, Message
from almenara.domain.text import plain

LABEL: Final = 40
MOST: Final = 10
_CHARACTERS: Final = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+;=%-]{1,900}"  # no comma: a list of its own
HTTPS: Final = re.compile(rf"https://{_CHARACTERS}", re.ASCII)
_SHOWN: Final = re.compile(
    rf"(?:https://|http://(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/])){_CHARACTERS}", re.ASCII
)  # fmt: skip


def shown_links(message: Message) -> tuple[Link, ...]:
    """The links that may be shown, with plain labels."""
    found = (replace(link, label=plain(link.label, LABEL)) for link in message.links[:MOST])
    return tuple(link for link in found if link.label and _SHOWN.fullmatch(link.url))


def shown_unsubscribe(message: Message) -> str:
    """The address of the page that ends these messages, if it may be shown; else empty."""
    return message.unsubscribe if _SHOWN.fullmatch(message.unsubscribe) else ""
