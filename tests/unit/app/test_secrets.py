"""No secret in any print, error, dump or log."""

import copy
import io
import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from almenara.app.logs import set_up_logging
from almenara.app.secrets import MASK, Redactor, Secret, SecretUrl, secrets_in
from almenara.app.settings import Settings, load_settings
from almenara.domain.errors import Faulty

CANARY = 'canary/7f3a "quoted"+d9'


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = set_up_logging("debug", Redactor([Secret(CANARY), Secret("abc")]), stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_secret_prints_masked_everywhere_and_reveals_itself_on_demand() -> None:
    secret = Secret(CANARY)
    prints = [str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", f"{secret:>5}", "%s" % secret]  # noqa: UP031
    prints += [json.dumps([secret], default=str), str([secret]), str({"a": secret}), repr(copy.deepcopy(secret))]
    assert not any("canary" in text for text in prints)
    assert all(MASK in text for text in prints)
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://u:canary@db/x", "postgresql+psycopg://***"),
        ("postgresql+psycopg://db/x?password=canary", "postgresql+psycopg://***"),
        ("sqlite:///data/almenara.db", "sqlite:///data/almenara.db"),
        ("sqlite:///x?key=canary", "sqlite://***"),
        ("canary", "***"),
    ],
)
def test_a_secret_url_shows_its_scheme(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown


def test_settings_show_no_secret() -> None:
    settings = Settings.model_validate(
        {
            "mail": {"password": CANARY},
            "storage": {"database": "postgresql+psycopg://u:7f3a@db/x"},
            "webhook": {"secrets": {"a": CANARY}},
            "audience": {"key": CANARY},
            "heartbeat": {"ping": "https://switch.example/7f3a"},
        }
    )
    for text in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "7f3a" not in text
    assert len(list(secrets_in(settings))) == 6


def test_errors_show_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"mail": {"password": ["canary"]}, "storage": {"database": "canary://x"}})
    assert "canary" not in str(caught.value)
    (tmp_path / "secret").write_text("canary")
    text = """\
mode: "${file:secret}"
storage: {database: "${env:C}"}
time: {tick: "${file:secret}"}
kafka: {partitions: "${file:secret}", bootstrap: "${env:C}"}
defaults: {language: "${env:C}", time_zone: "${env:C}"}
watch: {countries: ["${env:C}"]}
mail: {password: 7, from: "${env:C}", port: "${env:C}"}
log: {level: "${env:C}"}
webhook: {listen: "${env:C}", secrets: {a: "${env:C}"}}
"""
    (tmp_path / "almenara.yaml").write_text(text)
    with pytest.raises(Faulty) as faulty:
        load_settings(tmp_path, {"C": "canary"})
    assert len(faulty.value.faults) == 14
    assert "canary" not in str(faulty.value)
    assert faulty.value.__cause__ is None
    assert faulty.value.__context__ is None


def test_a_mask_covers_every_spelling() -> None:
    redactor = Redactor([Secret(CANARY), SecretUrl("postgresql+psycopg://u:canary99@db/x")])
    spellings = [CANARY, json.dumps(CANARY), repr(CANARY), "canary%2F7f3a%20%22quoted%22%2Bd9", "pw canary99 shown"]
    assert not any("canary" in redactor.redact(text) for text in spellings)


@pytest.mark.parametrize(
    "text",
    [
        "mailto://user:canary@mail.example.org",
        "POST https://hooks.slack.com/services/T0AB/B0CD/canary HTTP/1.1",
        "POST http://127.0.0.1:99/services/T0AB/B0CD/canary",
        '"POST /services/T0AB/B0CD/canary HTTP/1.1" 200',
        "slack://T0AB/B0CD/canary/#desk",
        "Authorization: Bearer canary.canary",
        "xoxb-canary-canary",
    ],
)
def test_shapes_of_secrets_are_masked_unknown_as_they_are(text: str) -> None:
    assert "canary" not in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-12 alert ALM-4K7Q-9XTD raised",
        'File "/opt/services/almenara/app/settings.py", line 3',
        "https://example.org/a/b",
        "basic reading",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor([Secret(""), Secret("abc")]).redact(text) == text


def test_the_sqlite_file_is_no_secret() -> None:
    url = "sqlite:///data/almenara.db"
    assert Redactor([SecretUrl(url)]).redact(f"opened {url}") == f"opened {url}"


def test_logs_show_no_secret(written: io.StringIO) -> None:
    log = logging.getLogger("somebody.elses.library")
    log.debug("url %s", f"https://u:{CANARY}@host/")
    log.info("args %r", {"token": CANARY})
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        log.exception("failed with %s", Secret(CANARY))
    text = written.getvalue()
    assert "canary" not in text
    assert "RuntimeError" in text
    assert text.count(MASK) >= 4


def test_a_message_cannot_forge_a_line(written: io.StringIO) -> None:
    logging.getLogger("x").warning("one\n2026-01-01T00:00:00.000Z ERROR forged: two")
    assert [line for line in written.getvalue().splitlines() if line.startswith("2026-01-01T00")] == []


def test_a_secret_learned_later_is_masked_too() -> None:
    redactor = Redactor()
    redactor.add(Secret("canary-late"))
    assert redactor.redact("x canary-late y") == f"x {MASK} y"
