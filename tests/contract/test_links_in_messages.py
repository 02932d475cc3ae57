"""Links as each channel shows them: in both parts of a mail, as buttons in Slack, nowhere else; no other addresses."""

from dataclasses import replace
from email.message import EmailMessage

import pytest

from almenara.adapters.apprise.letter import cleaned, letter, render_html, render_text
from almenara.adapters.apprise.other import _text
from almenara.adapters.apprise.slack_payload import BLOCKS, payload, reply
from almenara.adapters.http.hook import body_of
from almenara.domain.message import Link, Message, Paragraph
from told import message

BASE = "https://alerts.example.org/l/"
LINKS = (
    Link(label="Why", url=f"{BASE}aa.11", prominent=True),
    Link(label="Acknowledge", url=f"{BASE}bb.22", prominent=True),
    Link(label="Judge", url=f"{BASE}cc.33"),
    Link(label="Mute", url=f"{BASE}dd.44"),
)
END = f"{BASE}ee.55"
BAD = (
    "javascript:alert(1)",
    "http://alerts.example.org/l/aa.11",
    "http://127.0.0.1.evil.example/l/aa",
    "https://evil.example/\r\nBcc: a@example.org",
    "https://evil.example/<b>",
    'https://evil.example/"onclick="x',
    "https://evil.example/a, https://evil.example/b",
    "https://evil.example/" + "x" * 5_000,
    "",
)


def linked(**more: object) -> Message:
    return message(links=LINKS, unsubscribe=END, **more)


def sent(told: Message) -> EmailMessage:
    return letter(told, "Almenara <alertas@example.org>", "ana@example.org")


def test_a_mail_has_two_buttons_and_the_rest_in_its_foot() -> None:
    page = render_html(cleaned(linked()))
    body, foot = page.split('<div class="foot">')
    assert [link.label for link in LINKS if f'<a class="button" href="{link.url}"' in body] == ["Why", "Acknowledge"]
    for link in LINKS[2:]:
        assert f'href="{link.url}" rel="noreferrer">{link.label}</a>' in foot
    assert f'href="{END}" rel="noreferrer">Unsubscribe</a>' in foot
    assert page.count("<a ") == 5


def test_the_plain_part_says_the_same_with_every_link_whole_on_a_line() -> None:
    lines = render_text(cleaned(linked())).splitlines()
    for link in LINKS:
        assert any(line.endswith(link.url) for line in lines)
    long = f"{BASE}{'x' * 300}.{'0' * 64}"
    assert long in render_text(cleaned(message(links=(Link(label="Why", url=long),)))).splitlines()
    assert lines[-1] == f"Unsubscribe: {END}"


def test_the_header_of_one_click() -> None:
    mail = sent(linked())
    assert mail["List-Unsubscribe"] == f"<{END}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    here = sent(message(unsubscribe="http://127.0.0.1:8402/l/ee.55"))
    assert here["List-Unsubscribe"] is None  # RFC 8058 wants https; the foot has the page all the same
    assert "http://127.0.0.1:8402/l/ee.55" in here.get_body(("plain",)).get_content()


def test_without_links_nothing_is_different() -> None:
    told = message()
    assert "<a " not in render_html(told)
    assert ".links" not in render_html(told)
    assert "http" not in render_text(told)
    assert all(block["type"] != "actions" for block in payload(told)["blocks"])


@pytest.mark.parametrize("url", BAD)
def test_no_other_address_is_shown(url: str) -> None:
    told = message(links=(Link(label="x", url=url, prominent=True),), unsubscribe=url)
    mail = sent(told)
    assert mail["List-Unsubscribe"] is None
    assert mail["Bcc"] is None
    assert "<a " not in mail.get_body(("html",)).get_content()
    assert all(block["type"] != "actions" for block in payload(told)["blocks"])


def test_a_label_is_plain() -> None:
    told = message(links=(Link(label="<b>x\u202e</b>" * 30, url=f"{BASE}aa.11"),))
    assert "<b>" not in render_html(cleaned(told))
    (button,) = next(block for block in payload(told)["blocks"] if block["type"] == "actions")["elements"]
    assert "<" not in button["text"]["text"]
    assert len(button["text"]["text"]) <= 75


@pytest.mark.parametrize("count", [0, 1, 44, 45, 46, 47, 100])
def test_slack_buttons_fit_into_the_budget(count: int) -> None:
    told = linked(paragraphs=tuple(Paragraph(label="p", text=f"t{n}") for n in range(count)), mark="MARK")
    blocks = payload(told)["blocks"]
    assert len(blocks) <= BLOCKS
    (actions,) = [block for block in blocks if block["type"] == "actions"]
    assert [one["url"] for one in actions["elements"]] == [link.url for link in LINKS]
    assert len({one["action_id"] for one in actions["elements"]}) == len(LINKS)
    assert all(one["text"]["type"] == "plain_text" and len(one["url"]) <= 3_000 for one in actions["elements"])
    assert END not in str(blocks)  # a shared channel is not ended by one press


def test_programs_and_other_services_get_none() -> None:
    told = linked()
    assert body_of(told) == body_of(message())
    assert _text(told) == _text(message())
    assert reply(replace(told, thread="first")) == reply(message(thread="first"))
