"""An installation whose release gets a newer engine: it goes on by itself, and an auditor is told who decided what."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.app import startup
from almenara.app.active import Active
from almenara.app.clock import VirtualClock
from almenara.app.settings import load_settings
from almenara.app.standalone import Standalone
from almenara.app.stores import open_store
from almenara.audit.explain import changes
from almenara.domain.errors import Fault, Faulty, Refused
from almenara.engine.engine import SEMANTICS
from bad_input import line
from cli_calls import Calls, small_config
from older_release import OLDER, older_release

START = datetime(2026, 2, 3, 12, tzinfo=UTC)


class Place:
    """An installation: its folder, its log, and its releases, one after the other."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self.data = small_config(tmp_path / "config"), tmp_path / "data"
        self.settings = load_settings(self.config, {}, {"data_dir": str(self.data)})
        self.calls = Calls(self.config, self.data, capsys)
        self.now = START

    def publish(self, uid: str) -> None:
        """An event that a shipped rule answers at once."""
        file = self.config / f"{uid}.jsonl"
        file.write_bytes(line(uid))
        assert self.calls("events", "publish", str(file)).code == 0

    def run(self) -> int:
        """The service starts, ticks, takes what is there, and stops; how many changes of alerts there are then."""
        self.now += timedelta(minutes=1)
        with closing(open_store(self.settings, create=True)) as store:
            running = Standalone(store, self.config, self.settings, VirtualClock(self.now))
            running.start()
            running.tick()
            while running.pump():
                pass
            return len(list(changes(store)))


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


@pytest.fixture
def begun(place: Place) -> int:
    """An older release ran for a while; how many changes of alerts it wrote."""
    with older_release():
        place.run()
        place.publish("d-1")
        return place.run()


def test_it_goes_on_by_itself_and_says_nothing_twice(
    place: Place, begun: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = place.calls.json("alerts", "list").lines
    assert place.run() == begun
    assert f"engine semantics {SEMANTICS} go on from {OLDER}" in caplog.text
    assert place.calls.json("alerts", "list").lines == before
    place.publish("d-2")
    assert place.run() > begun
    assert place.run() == place.run()


def test_what_came_while_nobody_ran_is_not_lost(place: Place, begun: int) -> None:
    place.publish("d-2")
    assert place.run() > begun
    found = [alert["rule"] for alert in place.calls.json("alerts", "list").lines]
    assert found.count("major_designation") == 2


def test_an_auditor_is_told_which_release_decided_what(place: Place, begun: int) -> None:
    refused = place.calls("audit", "replay")
    assert (refused.code, f"use a release with semantics {OLDER}" in refused.err) == (5, True)
    place.publish("d-2")
    place.run()
    said = place.calls("audit", "replay")
    assert said.code == 0
    assert f"decided by engine semantics {OLDER}" in said.out
    told = place.calls.json("audit", "replay").one
    assert (told["identical"], len(told["older"]) > 0, told["compared"] > 0) == (True, True, True)
    for partition in range(2):
        with older_release():
            upto = next(
                (int(text.split()[2].rpartition("/")[2]) for text in told["older"] if f"events/{partition}/" in text), 0
            )
            held = place.calls.json("audit", "replay", "--partition", str(partition), "--upto", str(upto)).one
            assert (held["identical"], held["older"]) == (True, [])


def test_tampering_behind_the_takeover_is_still_found(place: Place, begun: int) -> None:
    place.publish("d-2")
    place.run()
    with sqlite3.connect(place.data / "almenara.db") as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        changed = (
            "UPDATE records SET body = replace(body, 'major_designation', 'minor_designation') WHERE stream = 'alerts'"
        )
        file.execute(f"{changed} AND CAST(body AS TEXT) LIKE '%d-2%'")
    assert place.calls("audit", "replay").code == 3


def test_a_ruleset_that_the_newer_release_cannot_read_is_refused_and_nothing_is_written(
    place: Place, begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: object) -> None:
        raise Faulty([Fault("rules/r.yml", 3, "no longer allowed", "write it otherwise")])

    monkeypatch.setattr(startup, "compiled", unreadable)
    with pytest.raises(Refused, match=r"rules/r\.yml:3: no longer allowed"):
        place.run()
    with closing(open_store(place.settings, create=False)) as store:
        assert Active(store).refresh().ruleset_engine == OLDER


def test_an_older_release_does_not_go_on_with_what_a_newer_one_took_over(place: Place, begun: int) -> None:
    place.run()
    with older_release(), pytest.raises(Refused, match=f"engine semantics {SEMANTICS} goes on"):
        place.run()
