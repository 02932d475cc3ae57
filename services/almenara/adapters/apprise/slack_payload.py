"""A message as a Slack payload: header, sections and a context of plain text, within Slack's limits. Pure.

All text is `plain_text` with `& < >` escaped: nothing in it can become a mention, a link or markup.
"""

from html import escape
from typing import Any, Final

from almenara.adapters.apprise.shown_links import shown_links
from almenara.domain.message import Link, Message
from almenara.domain.text import cut, plain

HEADER: Final = 150
SECTION: Final = 3_000
CONTEXT: Final = 2_000
BUTTON: Final = 75
BLOCKS: Final = 50
FALLBACK: Final = 500

Block = dict[str, Any]


def payload(message: Message, *, anew: bool = False) -> dict[str, Any]:
    """The JSON of one post. `text` is what notifications show: the headline, after the mark if there is one.

    `anew`: it stands by itself, in no thread; an update then says first which alert it updates.
    """
    headline = plain(message.headline)
    texts = []
    if anew and message.updates and message.cite:
        texts.append(f"{'Actualización de' if message.language == 'es' else 'Update to'} {message.cite}")
    if message.change:
        texts.append(message.change)
    if len(escaped(headline, 10 * HEADER)) > HEADER:
        texts.insert(0, headline)  # the header is cut; the claim is not
    texts += [f"{paragraph.label}: {paragraph.text}" for paragraph in message.paragraphs]
    texts += message.earlier
    head = ([_section(message.mark)] if message.mark else []) + [_header(headline)]
    foot = [_context(message.caution), _context(f"{message.reference} · {message.why_you}")]
    sections = [_section(text) for text in texts if plain(text)]
    if links := shown_links(message):
        foot = [_actions(links), *foot]
    room = BLOCKS - len(head) - len(foot)
    if len(sections) > room:
        sections = [*sections[: room - 1], _section("…")]
    return _post(message, message.headline, [*head, *sections, *foot])


def reply(message: Message) -> dict[str, Any]:
    """The JSON of a post in the thread of an alert: what changed; the first post was edited and tells the rest."""
    text = message.change or message.headline
    head = [_section(message.mark)] if message.mark else []
    return _post(message, text, [*head, _section(text), _context(message.reference)])


def _post(message: Message, text: str, blocks: list[Block]) -> dict[str, Any]:
    return {
        "text": escaped(f"{message.mark} {text}" if message.mark else text, FALLBACK),
        "blocks": blocks,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str, limit: int) -> str:
    """Plain text with `& < >` as entities, at most `limit` characters long; no entity is cut in two."""
    shown = plain(text, limit)
    while len(escape(shown, quote=False)) > limit:
        over = len(escape(shown, quote=False)) - limit
        shown = cut(shown, max(1, len(shown) - max(1, over // 4)))
        if len(shown) < 2:
            return ""
    return escape(shown, quote=False)


def _header(text: str) -> Block:
    return {"type": "header", "text": _text(text, HEADER)}


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text, SECTION)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_text(text, CONTEXT)]}


def _actions(links: tuple[Link, ...]) -> Block:
    """Buttons that open pages; nothing is done by pressing one."""
    buttons = [
        {
            "type": "button",
            "action_id": f"link-{number}",
            "text": _text(link.label, BUTTON),
            "url": link.url,
        }
        for number, link in enumerate(links)
    ]
    return {"type": "actions", "elements": buttons}


def _text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped(text, limit) or "…", "emoji": False}
