"""A message as a mail: subject, headers, a plain text and an HTML part. Pure but for the date.

Both parts say the same. The HTML is escaped by the template engine; nothing in it is fetched from anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from textwrap import wrap
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from almenara.adapters.apprise.shown_links import HTTPS, shown_links, shown_unsubscribe
from almenara.domain.message import Link, Message
from almenara.domain.text import plain

SUBJECT_LIMIT: Final = 250
TEXT_WIDTH: Final = 76
TEXT_LIMIT: Final = 4_000
MOST_PARAGRAPHS: Final = 60
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_NOT_IN_DOMAIN: Final = re.compile(r"[^A-Za-z0-9.-]", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_COLOURS: Final[Mapping[str, str]] = {
    "critical": "#b3261e",
    "high": "#c2570c",
    "medium": "#8a6d00",
    "low": "#1f5fa8",
    "informational": "#5f6670",
}
_CLOSED_COLOUR: Final = "#5f6670"
_CLOSED_DOT: Final = "⚪"


def letter(message: Message, sender: str, recipient: str, *, now: datetime | None = None) -> EmailMessage:
    """The mail. Its Message-ID is made of the delivery's id, so that a second copy is known as one."""
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2]
    shown = cleaned(message)
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit", max_line_length=78))
    mail["From"] = Address(display_name=plain(name, 100), addr_spec=address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = subject(shown)
    mail["Date"] = format_datetime(now or datetime.now(UTC))
    mail["Message-ID"] = message_id(message.id, domain)
    if message.thread and message.thread != message.id:
        mail["In-Reply-To"] = message_id(message.thread, domain)
        mail["References"] = message_id(message.thread, domain)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = shown.language
    if HTTPS.fullmatch(shown.unsubscribe):
        # RFC 8058: the mail program posts to the address; nobody has to open a page
        mail["List-Unsubscribe"] = f"<{shown.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(render_text(shown), charset="utf-8", cte="quoted-printable")
    mail.add_alternative(render_html(shown), subtype="html", charset="utf-8", cte="quoted-printable")
    return mail


def message_id(delivery: str, domain: str) -> str:
    """The Message-ID of a delivery."""
    return f"<{_NOT_IN_ID.sub('-', delivery)[:120] or '-'}@almenara.{_NOT_IN_DOMAIN.sub('-', domain) or 'invalid'}>"


def subject(message: Message) -> str:
    """The headline without dot and level (a closed or updated alert keeps its word), after the name of the sender."""
    text = message.headline.removeprefix(message.dot).lstrip()
    return plain(f"[Almenara] {text.removeprefix(f'{message.level_word} · ')}", SUBJECT_LIMIT)


def render_text(message: Message) -> str:
    """The plain text part, in lines of 76; it says all that the HTML says."""
    template = _environment().get_template("mail.txt.j2")
    rendered = template.render(message=message, unsubscribe=_unsubscribe(message))
    lines = [line for block in rendered.splitlines() for line in _folded(block)]
    return "\n".join(lines).strip() + "\n"


def render_html(message: Message) -> str:
    """The HTML part: one column, no image, nothing remote."""
    closed = message.dot == _CLOSED_DOT
    colour = _CLOSED_COLOUR if closed else _COLOURS.get(message.level, _CLOSED_COLOUR)
    template: Template = _environment().get_template("mail.html.j2")
    # the dot is drawn: not every machine has a font for it
    headline = message.headline.removeprefix(message.dot).lstrip()
    buttons = [link for link in message.links if link.prominent]
    small = [link for link in message.links if not link.prominent]
    if message.unsubscribe:
        small.append(Link(label=_unsubscribe(message), url=message.unsubscribe))
    return template.render(
        message=message, colour=colour, headline=headline, title=subject(message), buttons=buttons, small=small
    )


def cleaned(message: Message) -> Message:
    """The message with every text made plain again: a channel trusts nobody."""
    texts: dict[str, Any] = {
        name: plain(getattr(message, name), TEXT_LIMIT)
        for name in ("headline", "dot", "level_word", "country", "caution", "reference", "why_you", "mark", "change")
    }
    paragraphs = tuple(
        replace(
            paragraph,
            label=plain(paragraph.label, 80),
            text=plain(paragraph.text, TEXT_LIMIT),
            quote_language=paragraph.quote_language if _LANGUAGE.fullmatch(paragraph.quote_language) else "",
        )
        for paragraph in message.paragraphs[:MOST_PARAGRAPHS]
    )
    language = message.language if _LANGUAGE.fullmatch(message.language) else "en"
    earlier = tuple(plain(text, TEXT_LIMIT) for text in message.earlier[:MOST_PARAGRAPHS])
    message = replace(message, links=shown_links(message), unsubscribe=shown_unsubscribe(message))
    return replace(message, **texts, paragraphs=paragraphs, earlier=earlier, language=language)


def _unsubscribe(message: Message) -> str:
    return "Dejar de recibir" if message.language == "es" else "Unsubscribe"


def _folded(line: str) -> list[str]:
    return wrap(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # The text part is no markup: escaping it would show entities. All else is escaped.
    return Environment(
        loader=PackageLoader("almenara.adapters.apprise"),
        autoescape=select_autoescape(
            enabled_extensions=("html.j2",), default_for_string=True, default=True, disabled_extensions=("txt.j2",)
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
