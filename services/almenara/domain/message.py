"""A message as it is told: plain words in order, before any channel dresses it.

Knows nothing of Slack, mail or HTML. Every text is untrusted plain text; a channel escapes it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One labelled paragraph (`Reported`, `Checked` ...); `quote_language` is set when the text is a verbatim quote."""

    label: str
    text: str
    quote_language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page where a reader can look or act; opening it changes nothing. `url` is https (or http to this machine).

    `prominent` is what most readers want: shown as a button where a channel has room for two kinds.
    """

    label: str
    url: str
    prominent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one subscriber is told once, in their language and time zone.

    `headline` is true if read alone. `id` is the stable delivery id, `thread` the id of the first message of the
    alert to this subscriber by this channel (equal to `id` for the first). `mark` is a banner that must be seen
    first, such as a possible duplicate; `change` says first what changed in an update. `cite` is how people cite the
    alert. `links` are pages where this reader alone can look or act. `unsubscribe` is the https address of a page that
    ends these messages, empty where there is none. `handle` is what the channel left when it delivered the first
    message of the thread.
    """

    id: str
    thread: str
    language: str
    level: str
    level_word: str
    dot: str
    country: str
    headline: str
    paragraphs: tuple[Paragraph, ...]
    caution: str
    reference: str
    why_you: str
    mark: str = ""
    change: str = ""
    earlier: tuple[str, ...] = ()
    cite: str = ""
    links: tuple[Link, ...] = ()
    unsubscribe: str = ""
    handle: str = ""

    @property
    def updates(self) -> bool:
        """Whether it follows an earlier message of its thread."""
        return bool(self.thread) and self.thread != self.id
