"""Links of a real mail in a real Chromium: opened and pressed, the alert is acknowledged; pages fit and are read."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from almenara.adapters.sinks.smtp import SmtpSink
from availability import Missing, unavailable
from browser import chromium, lowest_contrast, requested, resize
from cli_calls import DESIGNATION, small_config
from linked import links_of, mail_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

PATIENCE_S = 60.0
WIDTHS = (360, 1200)


class Installation:
    """`run all` with its pages, as people start it, and a mail server that keeps what it gets."""

    def __init__(self, folder: Path, mail_port: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder, self.base = folder, f"http://127.0.0.1:{port}"
        self.config, self.data = small_config(folder / "config", mail_port=mail_port), folder / "data"
        self.log = folder / "log.txt"
        with (self.config / "almenara.yaml").open("a", encoding="utf-8") as settings:
            settings.write(f'links: {{base: "{self.base}"}}\nconsole: {{listen: "127.0.0.1:{port}"}}\n')
            settings.write("log: {level: debug}\n")

    def words(self, *args: str) -> list[str]:
        where = ("--config", str(self.config), "--data-dir", str(self.data))
        return [sys.executable, "-m", "almenara.cli.main", *args, *where]

    def call(self, *args: str) -> str:
        done = subprocess.run(self.words(*args), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        return done.stdout

    def wait(self, what: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < deadline, self.log.read_text("utf-8")
            time.sleep(0.2)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path_factory.mktemp("mails")) as running:
        yield running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, sink: SmtpSink) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("here"), sink.port)
    event = made.folder / "event.jsonl"
    event.write_text(json.dumps(DESIGNATION), "utf-8")
    with made.log.open("wb") as log:
        process = subprocess.Popen(made.words("run", "all"), stdout=log, stderr=log, env=dict(os.environ))
        try:
            made.wait(lambda: '"healthy": true' in made.call("status", "--service", "all", "--json"))
            made.call("events", "publish", str(event))
            made.wait(sink.mails)
            yield made
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    manager = chromium(tmp_path_factory.mktemp("profile"))
    try:
        opened = manager.__enter__()
    except Missing as reason:
        unavailable(reason)
    yield opened
    manager.__exit__(None, None, None)


def test_opened_from_the_mail_pressed_and_acknowledged(here, sink, browser, tmp_path):
    mail = sink.mails()[0]
    page = tmp_path / "mail.html"
    page.write_text(mail_of(mail).get_body(("html",)).get_content(), "utf-8")
    resize(browser, 800)
    browser.get(page.as_uri())
    browser.find_element(By.LINK_TEXT, "Tomar a cargo").click()
    shows(browser, lambda: browser.title == "Tomar a cargo esta alerta · Almenara")
    assert state(here) == "open"
    browser.refresh()
    assert state(here) == "open"
    browser.find_element(By.ID, "note").send_keys("Lo miro <b>hoy</b>")
    browser.find_element(By.TAG_NAME, "button").click()
    shows(browser, lambda: "Registrado" in browser.find_element(By.TAG_NAME, "h1").text)
    here.wait(lambda: state(here) == "acknowledged")
    here.wait(lambda: len(sink.mails()) == 2)

    browser.get(links_of(mail)["Por qué"])
    text = browser.find_element(By.TAG_NAME, "main").text
    assert "Lo miro <b>hoy</b>" in text
    assert "events/" in text
    browser.get(links_of(mail)["Tomar a cargo"])
    assert browser.find_elements(By.TAG_NAME, "button") == []


def shows(browser, what: Callable[[], bool]) -> None:
    """Waits until the page that a press leads to is there: what was found on the one before it is stale by then."""
    passing = (StaleElementReferenceException, NoSuchElementException)
    WebDriverWait(browser, PATIENCE_S, ignored_exceptions=passing).until(lambda _: what())


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["Por qué", "Valorar", "Asignar", "Silenciar", "Dejar de recibir", "broken"])
def test_it_fits_can_be_read_and_asks_for_nothing(here, sink, browser, tmp_path, name, width, dark):
    links = links_of(sink.mails()[0])
    url = links.get(name, f"{here.base}/l/x.y")
    resize(browser, width, dark=dark)
    requested(browser)
    browser.get(url)
    browser.save_screenshot(str(tmp_path / f"{name}-{width}-{dark}.png"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert [one for one in requested(browser) if "favicon" not in one] == [url]
    worst = lowest_contrast(browser, "h1, h2, p, label, legend, button, textarea, input")
    assert worst[0] >= 4.5, worst
    for element in browser.find_elements(By.CSS_SELECTOR, "button, label.choice, textarea"):
        assert element.size["height"] >= 44
    unlabelled = (
        "return [...document.querySelectorAll('textarea, input:not([type=hidden])')].filter(e => !e.labels.length)"
    )
    assert browser.execute_script(unlabelled) == []
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1


def test_a_page_refuses_scripts_of_others(here, sink, browser):
    browser.get(links_of(sink.mails()[0])["Valorar"])
    made = "const s = document.createElement('script'); s.text = 'window.taken = 1'; document.body.append(s);"
    browser.execute_script(made)
    assert browser.execute_script("return window.taken") is None


def test_no_token_is_in_the_log_or_the_data_folder(here, sink):
    tokens = [url.rpartition(".")[2] for path in sink.mails() for url in links_of(path).values()]
    assert tokens
    files = [here.log, *(path for path in here.data.rglob("*") if path.is_file())]
    key = (here.data / "links.key").read_bytes()
    for path in files:
        body = path.read_bytes()
        assert [token for token in tokens if token.encode() in body] == [], path
        assert path.name == "links.key" or key not in body


def state(here: Installation) -> str:
    """The state of the only alert, as the command line tells it."""
    return json.loads(here.call("alerts", "list", "--json"))["state"]
