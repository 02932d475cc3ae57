"""Hostile names and texts: nothing in an event becomes a mention, a link, markup or a header, and nothing grows."""

import email
import email.policy
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.adapters.apprise import MailChannel, MailSettings, SlackChannel
from almenara.adapters.apprise.letter import letter, render_html
from almenara.adapters.apprise.slack_payload import payload
from almenara.adapters.sinks.slack import SlackSink
from almenara.adapters.sinks.smtp import SmtpSink
from almenara.domain.message import Message, Paragraph
from almenara.domain.notice import OperatorNotice, SilentSource, Told
from almenara.notifier.words.compose import compose
from almenara.notifier.words.messages import message_of
from almenara.ports.channel import OutcomeKind
from told import absence, at, digest, evidence, message, notice

HOSTILE = (
    "<!channel>",
    "<!here|here> <@U1> <#C1>",
    "<https://evil.example|click>",
    "*bold* _it_ ~no~ `code` :skull:",
    "[a](https://evil.example) <b onmouseover=alert(1)>x</b>",
    "<script>alert(1)</script>{{ 7*7 }}{% raw %}",
    "</td></table><img src=https://evil.example/x.png>",
    "A\r\nBcc: victim@example.org\r\n\r\nbody",
    "A\nSubject: other\n.\nQUIT",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b\u200f",
    "\x00\x07\x1b[31mred\x7f\x85\u2028\u2029",
    "\ud800 lone \udfff",
    '" onload="alert(1)',
    "&lt;!channel&gt; &amp;",
    "=?utf-8?q?=42cc=3A?=",
    "x" * 200_000,
    "word " * 40_000,
    "😀" * 100_000,
)
STRINGS = st.integers(0, len(HOSTILE) - 1) | st.text(st.characters(codec=None), max_size=60)
"""A text, or which of the hostile ones (some are too long to be shown by a failing test)."""


def hostile(text: str) -> Message:
    """A message composed of an alert whose every text is hostile."""
    data = {
        "official": {"name": text},
        "counterpart": {"name": text},
        "place": text,
        "summary": {"en": text},
        "sources": [{"name": text, "grade": text}],
        "differences": {"en": [text, text]},
    }
    alert = absence(title={"en": text}, events=(evidence(data=data, source=text),), rule=text, cite=text, country=text)
    called = notice(alert, language="en", subscriber=text, why=Told.ESCALATED, ref=text, on_behalf=text)
    return compose(called, contact=text)


def hostile_digest(text: str) -> Message:
    """A digest of sixty alerts whose every text is hostile, for a subscriber whose every text is, too."""
    alert = absence(title={"en": text}, rule=text, cite=text, country=text, level=text)
    silent = (SilentSource(source=text, since=at("2026-01-18 02:00")),) * 60
    notices = (notice(alert, language="en"),) * 40
    held = {text: 3, "silenced": 1}
    return message_of(digest(notices=notices, silent=silent, subscriber=text, held_back=held), contact=text)


def hostile_silence(text: str) -> Message:
    """What the author of a silence is told, whose every text is hostile."""
    told = OperatorNotice(
        about="silence", delivery="d", subscriber=text, via="mail", address_hash="", language="en",
        destination="2026-01-18T12:00:00+00:00", to="", cause=text, at=at("2026-01-18 11:00"), refused="s1",
    )  # fmt: skip
    return message_of(told)


def raw(text: str) -> Message:
    """A message whose every text is hostile, as if nothing had been made plain before the channel."""
    return message(
        headline=f"🟠 {text}", mark=text, change=text, caution=text, reference=text, why_you=text, earlier=(text,),
        paragraphs=(Paragraph(label=text, text=text, quote_language=text),), language=text, dot=text,
        id=text, thread=f"{text}2", level=text, level_word=text,
    )  # fmt: skip


def of(text: str | int) -> str:
    """The text that a drawn value stands for."""
    return HOSTILE[text] if isinstance(text, int) else text


def texts_in(value) -> list[str]:
    """Every string of a JSON value."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [value] if isinstance(value, str) else []


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.names |= {name for name, _ in attrs}


@pytest.mark.parametrize("make", [hostile, raw, hostile_digest, hostile_silence])
@settings(max_examples=25, deadline=None)
@given(text=STRINGS)
def test_slack_gets_plain_text_only(make, text):
    post = payload(make(of(text)))
    blocks = [*texts_in(post["blocks"]), post["text"]]
    for shown in blocks:
        assert "<" not in shown
        assert ">" not in shown
        assert shown.count("&") == shown.count("&amp;") + shown.count("&lt;") + shown.count("&gt;")
        assert len(shown) <= 3_000
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b")
    kinds = [block.get("text", {}).get("type") for block in post["blocks"] if block["type"] != "context"]
    assert set(kinds) == {"plain_text"}
    assert (post["mrkdwn"], post["link_names"], post["parse"]) == (False, False, "none")
    assert len(post["blocks"]) <= 50


@pytest.mark.parametrize("make", [hostile, raw, hostile_digest, hostile_silence])
@settings(max_examples=25, deadline=None)
@given(text=STRINGS)
def test_mail_gets_no_tags_no_headers(make, text):
    made = make(of(text))
    mail = letter(made, "Almenara <a@example.org>", "ana@example.org")
    parsed = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    assert parsed["Bcc"] is None
    assert {name for name, values in _headers(parsed).items() if len(values) > 1} == set()
    assert set(_headers(parsed)) <= {
        "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
        "x-auto-response-suppress", "content-language", "mime-version", "content-type",
    }  # fmt: skip
    page = parsed.get_body(("html",)).get_content()
    tags = Tags(page)
    expected = Tags(render_html(message(mark="m", change="c", earlier=("e",))))
    assert set(tags.found) <= set(expected.found)
    assert tags.names <= expected.names
    assert len(mail.as_bytes()) < 2_000_000


def _headers(mail) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in mail.items():
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_alerts_arrive_whole(tmp_path: Path, text):
    with SmtpSink(tmp_path / "m") as smtp, SlackSink(tmp_path / "s") as slack:
        settings = MailSettings(host="127.0.0.1", port=smtp.port, security="none", sender="a@example.org")
        for made in (hostile(text), raw(text), hostile_digest(text)):
            assert MailChannel(settings).send(made, "ana@example.org").kind == OutcomeKind.DELIVERED
            assert SlackChannel().send(made, slack.url()).kind == OutcomeKind.DELIVERED
        assert len(smtp.mails()) == len(slack.posts()) == 3
