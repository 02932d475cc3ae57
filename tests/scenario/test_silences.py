"""Silences, assignments and subscriptions as typed: what they hide, what is told at their end, how it is explained."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.settings import load_settings
from almenara.app.stores import open_store
from cli_calls import Calls, small_config
from scenario.test_services import System

pytestmark = pytest.mark.timeout(120)

SUBSCRIBERS = """\
people:
  ana: {mail: ana@example.org, language: en, wants: [{countries: [PER]}]}
  ben: {mail: ben@example.org, language: en, wants: [{tags: [policy_shift]}], quiet: {daily: "00:00-23:59"}}
"""


@dataclass
class Office:
    """A running system whose clock starts now, and the verbs of somebody who works with it."""

    system: System
    almenara: Calls
    sink: SmtpSink

    def subjects(self) -> list[str]:
        """Who got what: `ana: ...` for each mail, in order."""
        found = []
        for path in self.sink.mails():
            mail = message_from_bytes(path.read_bytes(), policy=default)
            found.append(f"{str(mail['To']).partition('@')[0]}: {str(mail['Subject']).removeprefix('[Almenara] ')}")
        return found


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    with SmtpSink(tmp_path / "mails") as sink:
        config = small_config(tmp_path / "config", mail_port=sink.port)
        (config / "subscribers.yaml").write_text(SUBSCRIBERS, "utf-8")
        data = tmp_path / "data"
        settings = load_settings(config, {}, {"data_dir": str(data)})
        with closing(open_store(settings, create=True)) as store:
            system = System(store, config, settings, datetime.now(UTC))
            system.parts.start()
            system.go()
            yield Office(system, Calls(config, data, capsys), sink)


def test_a_silence_hides_what_it_says_and_tells_what_is_open_when_it_ends(office: Office) -> None:
    almenara, system = office.almenara, office.system
    which = ("--rule", "major_designation", "--for", "3h")
    made = almenara.json("silences", "add", *which, "--by", "ana", "--reason", "being looked at")
    system.publish()
    system.go()
    assert office.subjects() == []
    name = made.one["id"]
    [held] = almenara.json("silences", "preview", name).lines
    assert (held["to"], held["change"], held["level"]) == ("ana", "raised", "high")
    [listed] = almenara.json("silences", "list").lines
    assert (listed["state"], listed["matcher"]) == ("active", {"rules": ["major_designation"]})
    why = almenara("explain", held["alert"], "--to", "ana")
    assert f"not sent: silenced ({name})" in why.out
    system.go(minutes=125)
    assert [line.partition(" at ")[0] for line in office.subjects()] == ["ana: A silence ends"]
    system.go(minutes=60)
    assert office.subjects()[1:] == ["ana: Peru · A designation."]
    why = almenara("explain", held["alert"], "--to", "ana")
    assert f"by mail: silence_ended ({name})" in why.out
    assert "delivered" in why.out


def test_a_silence_that_is_ended_and_what_one_would_have_hidden(office: Office) -> None:
    almenara, system = office.almenara, office.system
    system.publish()
    system.go()
    [would] = almenara.json("silences", "preview", "--country", "PER", "--level", "high").lines
    assert would["to"] == "ana"
    assert almenara.json("silences", "preview", "--rule", "other").lines == []
    cite = would["alert"]
    name = almenara.json(
        "silences", "add", "--alert", cite, "--for", "1h", "--by", "ben", "--reason", "being looked at"
    ).one["id"]  # fmt: skip
    assert cite in almenara("silences", "list").out
    assert almenara("silences", "end", name, "--by", "ben", "--reason", "done").code == 0
    assert almenara("silences", "end", name, "--by", "ben", "--reason", "again").code == 5
    assert almenara("silences", "list").out == ""
    assert almenara.json("silences", "list", "--all").one["state"] == "over"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--for", "1h"), "say which alerts are meant"),
        (("--alert", "ALM-4K7Q-9XTD", "--rule", "r", "--for", "1h"), "say which alerts are meant"),
        (("--rule", "r"), "say how long"),
        (("--rule", "r", "--for", "soon"), "not a duration"),
        (("--rule", "r", "--until", "2020-01-01"), "over before it begins"),
        (("--rule", "r", "--until", "tomorrow"), "write a moment"),
        (("--level", "hihg", "--for", "1h"), "no level hihg"),
        (("--alert", "ALM-0000-0000", "--for", "1h"), "no alert ALM-0000-0000"),
    ],
)
def test_a_silence_that_says_too_little_is_refused(office: Office, args: tuple[str, ...], said: str) -> None:
    called = office.almenara("silences", "add", *args, "--by", "ana", "--reason", "x")
    assert called.code == 2
    assert said in called.err
    assert office.almenara.json("silences", "list", "--all").lines == []


def test_what_is_assigned_is_told_at_once_whatever_the_hours_are(office: Office) -> None:
    almenara, system = office.almenara, office.system
    system.publish()
    system.go()
    cite = almenara.json("alerts", "list").one["id"]
    assert almenara("alerts", "assign", cite, "--to", "nobody", "--by", "ana").code == 2
    assert almenara("alerts", "assign", cite, "--to", "ben", "--by", "ana", "--note", "yours").code == 0
    system.go()
    assert sorted(office.subjects()[1:]) == [
        "ana: HIGH, assigned · Peru · A designation.",
        "ben: HIGH, assigned · Peru · A designation.",
    ]


def test_an_ended_subscription_is_kept_to_until_it_is_resumed(office: Office) -> None:
    almenara, system = office.almenara, office.system
    assert almenara("subscribers", "end", "ana", "--via", "desk", "--by", "ana").code == 2
    assert almenara("subscribers", "end", "ana", "--via", "mail", "--by", "ana").code == 0
    system.publish()
    system.go()
    assert office.subjects() == []
    cite = almenara.json("alerts", "list").one["id"]
    assert "not sent: unsubscribed" in almenara("explain", cite, "--to", "ana").out
    assert almenara("subscribers", "resume", "ana", "--via", "mail", "--by", "ana").code == 0
    system.publish(id="d-2", time="2026-02-04T12:00:00Z")
    system.go()
    assert len(office.subjects()) == 1


def test_hours_are_shown_and_previewed(office: Office) -> None:
    almenara, system = office.almenara, office.system
    shown = almenara("subscribers", "show", "ben").out
    assert "quiet 00:00-23:59" in shown
    assert almenara.json("subscribers", "show", "ben").one["quiet"]["daily"] == [0, 1439]
    text = SUBSCRIBERS.replace("[{countries: [PER]}]", '[{countries: [PER]}], digest: {at: "07:30", includes: [high]}')
    (almenara.config / "subscribers.yaml").write_text(text, "utf-8")
    system.publish()
    system.go()
    system.go(minutes=1500)
    [would] = almenara.json("subscribers", "preview", "ana").lines
    assert (would["held"], would["in_digest"]) == ("digest", True)
    assert would["message_at"].endswith("T07:30:00Z")
