"""A roll back stays through restarts until the folder's content changes after it, or a person activates."""

import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.app.active import Active
from almenara.app.clock import VirtualClock
from almenara.app.settings import Settings, load_settings
from almenara.app.standalone import Standalone
from almenara.app.stores import open_store
from almenara.domain.event import RULESET
from almenara.engine.engine import SEMANTICS
from almenara.ports.log import EVENTS
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from cli_calls import Calls, small_config
from older_release import older_release

START = datetime(2026, 2, 3, 12, tzinfo=UTC)
OFFICES = "rules/offices.yml"


class Place:
    """A folder, its log, and what people and services do with both."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self.data = small_config(tmp_path / "config"), tmp_path / "data"
        self.calls = Calls(self.config, self.data, capsys)
        self.now = START
        with closing(self.store()):
            pass  # the log is there from the beginning

    def settings(self, lateness: str = "") -> Settings:
        environment = {"ALMENARA_TIME__ALLOWED_LATENESS": lateness} if lateness else {}
        return load_settings(self.config, environment, {"data_dir": str(self.data)})

    def store(self) -> Store:
        return open_store(self.settings(), create=True)

    def start(self, lateness: str = "") -> str:
        """A service starts, looks at the folder and stops; which ruleset is active then."""
        self.now += timedelta(minutes=1)
        with closing(self.store()) as store:
            Standalone(store, self.config, self.settings(lateness), VirtualClock(self.now)).start()
            return Active(store).refresh().ruleset

    def edit(self, before: str, after: str) -> None:
        path = self.config / OFFICES
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), "utf-8")

    def activate(self, *more: str) -> str:
        return str(self.calls.json("rules", "activate", "--reason", "r", *more).one["hash"])

    def last(self) -> dict[str, object]:
        """The data of the newest activation."""
        with closing(self.store()) as store:
            held = [r for r in store.read(EVENTS, 0, 0, 10_000) if r.id.startswith(f"{RULESET}/")]
            return dict(decode_event(held[-1].body, held[-1].position).data)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


@pytest.fixture
def rolled_back(place: Place) -> str:
    """The folder's first ruleset, active again; the folder holds the second one."""
    first = place.activate()
    place.edit("timespan: 180d", "timespan: 150d")
    assert place.activate() != first
    assert place.activate("--hash", first[:8]) == first
    return first


@pytest.mark.parametrize("lateness", ["", "3d", "12h"])
def test_a_restart_keeps_it_whatever_the_lateness(
    place: Place, rolled_back: str, lateness: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert [place.start(lateness), place.start(lateness)] == [rolled_back, rolled_back]
    assert "was activated by hand and stays" in caplog.text
    assert "time.allowed_lateness" in caplog.text or not lateness


def test_a_folder_that_was_never_active_and_did_not_change_is_no_way_around_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody edits, does not like what a check says, and rolls back to be sure: the edit is not to go live."""
    first = place.activate()
    place.edit("timespan: 180d", "timespan: 150d")
    place.activate()
    place.edit("timespan: 150d", "timespan: 140d")
    place.activate("--hash", first[:8])
    assert [place.start(), place.start("3d")] == [first, first]
    assert "did not change since" in caplog.text


@pytest.mark.parametrize("lateness", ["", "3d"])
def test_a_folder_that_changes_after_it_goes_live_and_says_so(
    place: Place, rolled_back: str, lateness: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert place.start() == rolled_back
    place.edit("timespan: 150d", "timespan: 140d")
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        third = place.start(lateness)
    assert third != rolled_back
    assert f"ends the roll back to {rolled_back[:12]}" in caplog.text
    assert place.last()["by"] == "start"
    assert "changed after" in str(place.last()["reason"])
    # From now on it is the folder that counts, as ever.
    place.edit("timespan: 140d", "timespan: 150d")
    assert place.start() not in (rolled_back, third)


def test_a_changed_folder_with_faults_leaves_it_and_says_so(
    place: Place, rolled_back: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.edit("timespan: 150d", "timespan: soon")
    assert place.start() == rolled_back
    assert "NOT taken" in caplog.text
    place.edit("timespan: soon", "timespan: 150d")
    assert place.start() == rolled_back


def test_a_person_ends_it(place: Place, rolled_back: str) -> None:
    second = place.activate()
    assert second != rolled_back
    assert place.start() == second


def test_another_lateness_alone_goes_live_where_nobody_rolled_back(place: Place) -> None:
    first = place.activate()
    later = place.start("3d")
    assert later != first
    assert place.start("3d") == later


def test_a_roll_back_from_a_machine_with_another_folder_is_kept(
    place: Place, rolled_back: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = Calls(small_config(tmp_path / "elsewhere"), place.data, capsys)
    elsewhere("rules", "activate", "--reason", "from here", "--hash", rolled_back[:8])
    assert [place.start(), place.start("3d")] == [rolled_back, rolled_back]


def test_a_newer_engine_goes_on_with_it(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with older_release():
        first = place.activate()
        place.edit("timespan: 180d", "timespan: 150d")
        place.activate()
        assert place.activate("--hash", first[:8]) == first
        assert place.start() == first
    assert place.start() == first
    assert "go on from" in caplog.text
    assert (place.last()["engine"], place.last()["by"]) == (SEMANTICS, "start")
    assert [place.start("3d"), place.start()] == [first, first]
    place.edit("timespan: 150d", "timespan: 140d")
    assert place.start() != first
