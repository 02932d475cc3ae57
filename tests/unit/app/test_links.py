"""Which links a message gets: by what it is about and where it stands; each for its reader and its time alone."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.app.clock import VirtualClock
from almenara.app.links import linked_by, links_key
from almenara.app.logs import RedactingFormatter
from almenara.app.secrets import Redactor
from almenara.app.settings import Settings
from almenara.console.links import Action, LinkTo, verify
from almenara.domain.alert import State
from almenara.domain.message import Message
from almenara.domain.notice import Beacon, DigestNotice, OperatorNotice, Sendable
from told import absence, message, notice

NOW = datetime(2026, 1, 12, 12, 0, 0, 500, tzinfo=UTC)
BASE = "https://alerts.example.org/almenara"
DIGEST = DigestNotice(
    delivery="d", subscriber="ben", channel="mail", via="mail", address_hash="0", language="en", time_zone="UTC",
    team=False, why="digest", since=NOW, at=NOW,
)  # fmt: skip
OPERATOR = OperatorNotice(
    delivery="o", subscriber="ben", via="mail", address_hash="0", language="en", destination="mail", to="", cause="x",
    at=NOW, refused="r",
)  # fmt: skip


def settings(folder: Path, **links: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "links": {"base": BASE, **links}})


def linked(folder: Path, told: Sendable, shown: Message | None = None) -> dict[str, LinkTo]:
    """What the links of a message say, by label; the last is the one that ends the messages."""
    given = settings(folder)
    made = linked_by(given, VirtualClock(NOW))(shown or message(), told)
    found = {}
    for label, url in [*((link.label, link.url) for link in made.links), ("end", made.unsubscribe)]:
        if url:
            assert url.startswith(f"{BASE}/l/")
            said = verify(url.rpartition("/")[2], links_key(given), NOW)
            assert isinstance(said, LinkTo)
            found[label] = said
    return found


def test_each_link_is_for_one_action_alert_reader_channel_and_time(tmp_path: Path) -> None:
    found = linked(tmp_path, notice(absence(), via="desk"), message(language="es"))
    assert {label: link.action for label, link in found.items()} == {
        "Por qué": Action.WHY,
        "Tomar a cargo": Action.ACKNOWLEDGE,
        "Valorar": Action.JUDGE,
        "Asignar": Action.ASSIGN,
        "Silenciar": Action.MUTE,
        "end": Action.UNSUBSCRIBE,
    }
    assert {link.subscriber for link in found.values()} == {"ana"}
    assert {link.via for link in found.values()} == {"desk"}
    assert {link.expires for link in found.values()} == {NOW.replace(microsecond=0) + timedelta(days=30)}
    assert [link.alert for link in found.values()] == ["u1"] * 5 + [""]


@pytest.mark.parametrize("state", [State.RESOLVED, State.RETRACTED])
def test_a_closed_alert_is_only_explained(tmp_path: Path, state: State) -> None:
    assert list(linked(tmp_path, notice(absence(state=state), via="mail"))) == ["Why", "end"]


def test_what_is_taken_on_is_not_taken_on_again(tmp_path: Path) -> None:
    found = linked(tmp_path, notice(absence(state=State.ACKNOWLEDGED), via="mail"))
    assert list(found) == ["Why", "Judge", "Assign", "Mute", "end"]


def test_a_digest_can_only_be_ended(tmp_path: Path) -> None:
    assert list(linked(tmp_path, DIGEST)) == ["end"]


@pytest.mark.parametrize("told", [OPERATOR, Beacon(delivery="b", slot=NOW, at=NOW)], ids=["operator", "beacon"])
def test_the_operator_and_the_beacon_get_none(tmp_path: Path, told: Sendable) -> None:
    assert linked(tmp_path, told) == {}


def test_a_name_that_no_link_can_say_is_told_without_links(tmp_path: Path) -> None:
    assert linked(tmp_path, notice(absence(), via="mail", subscriber="x" * 65)) == {}


def test_without_a_base_there_are_none_and_no_key_is_made(tmp_path: Path) -> None:
    given = Settings.model_validate({"data_dir": tmp_path / "new"})
    shown = message()
    assert linked_by(given, VirtualClock(NOW))(shown, notice(absence(), via="mail")) is shown
    assert not (tmp_path / "new").exists()


def test_the_key_is_the_setting_or_one_made_once(tmp_path: Path) -> None:
    assert links_key(settings(tmp_path, key="0123456789abcdef")) == b"0123456789abcdef"
    made = links_key(settings(tmp_path))
    assert made == links_key(settings(tmp_path)) == (tmp_path / "links.key").read_bytes()
    assert (tmp_path / "links.key").stat().st_mode & 0o777 == 0o600


def test_another_key_makes_every_link_void(tmp_path: Path) -> None:
    made = linked_by(settings(tmp_path), VirtualClock(NOW))(message(), notice(absence(), via="mail"))
    token = made.links[0].url.rpartition("/")[2]
    assert not isinstance(verify(token, b"another key, made up", NOW), LinkTo)


def test_a_log_masks_what_looks_like_a_link(tmp_path: Path) -> None:
    made = linked_by(settings(tmp_path), VirtualClock(NOW))(message(), notice(absence(), via="mail"))
    url = made.links[1].url
    record = logging.LogRecord("x", logging.INFO, "", 0, "asked for %s and /l/%s", (url, url.rpartition("/")[2]), None)
    text = RedactingFormatter(Redactor()).format(record)
    assert url.rpartition("/")[2] not in text
    assert text.count("/l/***") == 2
