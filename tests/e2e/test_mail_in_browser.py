"""The HTML of a mail in a real browser: fits a telephone and a desk, can be read, asks the network for nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from almenara.adapters.apprise.letter import render_html
from almenara.domain.alert import Change, Reason, State
from almenara.domain.message import Message, Paragraph
from almenara.notifier.words.compose import compose
from almenara.notifier.words.messages import message_of
from availability import Missing, unavailable
from browser import chromium, lowest_contrast, requested, resize
from told import absence, digest, message, notice, visit

pytestmark = pytest.mark.servers

MAILS = {
    "absence": compose(notice(absence(), language="es"), contact="editor@example.org", possible_duplicate=True),
    "closed": compose(
        notice(
            absence(state=State.RESOLVED),
            Change.RESOLVED,
            Reason.REGISTERED_LATE,
            joined=(visit("2025-12-26"),),
            language="en",
        )
    ),
    "long": replace(
        message(headline="🟠 HIGH · " + "x" * 400),
        paragraphs=(
            Paragraph(label="A-label-that-is-far-too-long-for-it", text="y" * 3_000),
            Paragraph(label="Quote", text="«" + "z" * 300 + "»", quote_language="es"),
        ),
    ),
    "digest": message_of(digest("es"), contact="editor@example.org"),
    "hostile": message(
        headline='<img src="https://evil.example/a.png"> <script>document.title="taken"</script>',
        paragraphs=(Paragraph(label="</td>", text='<a href="https://evil.example">x</a><style>*{color:red}</style>'),),
    ),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    manager = chromium(tmp_path_factory.mktemp("profile"))
    try:
        opened = manager.__enter__()
    except Missing as reason:
        unavailable(reason)
    yield opened
    manager.__exit__(None, None, None)


def show(browser, folder: Path, mail: Message, width: int, *, dark: bool = False) -> str:
    """Opens the mail's HTML; returns its URL."""
    file = folder / "mail.html"
    file.write_text(render_html(mail), encoding="utf-8")
    resize(browser, width, dark=dark)
    requested(browser)
    browser.get(file.as_uri())
    browser.save_screenshot(str(folder / f"mail-{width}.png"))
    return file.as_uri()


@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize("name", list(MAILS))
def test_it_fits_and_asks_for_nothing(browser, tmp_path, name, width):
    url = show(browser, tmp_path, MAILS[name], width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.querySelector('.sheet').getBoundingClientRect().width") <= 600
    assert requested(browser) == [url]
    assert browser.title != "taken"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 800])
def test_every_text_can_be_seen(browser, tmp_path, width, dark):
    mail = MAILS["absence"]
    show(browser, tmp_path, mail, width, dark=dark)
    seen = " ".join(browser.execute_script("return document.body.innerText").split())
    for text in (mail.mark, mail.headline.removeprefix(f"{mail.dot} "), mail.caution, mail.reference, mail.why_you):
        assert text in seen
    for paragraph in mail.paragraphs:
        assert paragraph.text in seen
    worst = lowest_contrast(browser, "h1, p, th, td, blockquote")
    assert worst[0] >= 4.5, worst


@pytest.mark.parametrize("width", [360, 800])
def test_no_texts_lie_on_one_another(browser, tmp_path, width):
    show(browser, tmp_path, MAILS["absence"], width)
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('.pad > p, h1, th, td, .foot p')].map(e => {"
        " const b = e.getBoundingClientRect();"
        " return [b.left, b.top, b.right, b.bottom, e.scrollWidth > e.clientWidth]})"
    )
    assert len(boxes) > 10
    for number, (left, top, right, bottom, over) in enumerate(boxes):
        assert not over
        for other in boxes[number + 1 :]:
            apart = other[0] >= right - 1 or other[2] <= left + 1 or other[1] >= bottom - 1 or other[3] <= top + 1
            assert apart
