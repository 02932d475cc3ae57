"""A watched folder over real files and SQLite: what is sound goes live by itself, what is not never does."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.app.active import Active
from almenara.app.clock import VirtualClock
from almenara.app.health import health_file, write_health
from almenara.app.rule_sets import activated
from almenara.app.settings import Settings, load_settings
from almenara.app.standalone import Standalone, run_all
from almenara.app.stores import open_store
from almenara.app.watching import RulesWatch
from almenara.domain.event import RULESET
from almenara.ports.log import EVENTS
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from cli_calls import Calls, small_config

START = datetime(2026, 2, 3, 12, tzinfo=UTC)
OFFICES = "rules/offices.yml"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return small_config(tmp_path / "config")


@pytest.fixture
def settings(config: Path, tmp_path: Path) -> Settings:
    return load_settings(config, {"ALMENARA_RULES__WATCH": "30s"}, {"data_dir": str(tmp_path / "data")})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with closing(open_store(settings, create=True)) as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def parts(store: Store, config: Path, settings: Settings, clock: VirtualClock) -> Standalone:
    started = Standalone(store, config, settings, clock)
    started.start()
    return started


@pytest.fixture
def watch(parts: Standalone) -> RulesWatch:
    return parts.watch


def edit(config: Path, file: str, old: str, new: str) -> None:
    path = config / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def activations(store: Store) -> list[tuple[str, str, datetime]]:
    """Who activated rulesets, why and when, in order."""
    found = []
    for record in store.read(EVENTS, 0, 0, 10_000):
        if record.id.startswith(f"{RULESET}/"):
            event = decode_event(record.body, record.position)
            found.append((str(event.data["by"]), str(event.data["reason"]), event.recorded))
    return found


def test_it_is_off_unless_it_is_set(config: Path, tmp_path: Path) -> None:
    assert load_settings(config, {}, {"data_dir": str(tmp_path)}).rules.watch is None


def test_a_change_goes_live_at_the_second_look_that_finds_it(
    watch: RulesWatch, store: Store, config: Path, clock: VirtualClock
) -> None:
    before = Active(store).refresh().ruleset
    assert [watch.look(), watch.look()] == [None, None]
    edit(config, OFFICES, "level: medium", "level: low")
    clock.set(START + timedelta(minutes=1))
    assert watch.look() is None
    assert Active(store).refresh().ruleset == before
    taken = watch.look()
    assert taken is not None
    assert taken.activated
    assert taken.digest == Active(store).refresh().ruleset != before
    assert activations(store)[1:] == [("watch", f"changed: {OFFICES}", START + timedelta(minutes=1))]
    assert [watch.look(), watch.look()] == [None, None]


def test_a_file_that_is_still_being_saved_is_never_taken(watch: RulesWatch, store: Store, config: Path) -> None:
    """Every half-saved state here is a sound ruleset of its own, and none of them goes live."""
    path = config / OFFICES
    whole = path.read_text("utf-8").replace("level: medium", "level: low")
    documents = whole.split("---\n")
    for count in range(1, len(documents) + 1):
        path.write_text("---\n".join(documents[:count]), "utf-8")
        assert watch.look() is None
    assert len(activated(store)) == 1
    path.write_text(whole, "utf-8")
    while (taken := watch.look()) is None:
        pass
    assert taken.activated
    assert len(activated(store)) == 2


def test_touching_a_file_or_saving_the_same_again_is_no_change(watch: RulesWatch, store: Store, config: Path) -> None:
    path = config / OFFICES
    path.write_bytes(path.read_bytes())
    (config / "rules" / "notes.txt").write_text("not a rule\n", "utf-8")
    assert [watch.look() for _ in range(3)] == [None, None, None]
    assert len(activations(store)) == 1


def spoil_yaml(config: Path) -> None:
    edit(config, OFFICES, "title: ", "title: [")


def spoil_test(config: Path) -> None:
    edit(config, "rules/sources.yml", "expect: [{what: raised", "expect: [{what: updated")


def spoil_list(config: Path) -> None:
    (config / "watchlists" / "cn_contacts.csv").write_bytes(b"id,name\n\xff,x\n")


def spoil_folder(config: Path) -> None:
    (config / "rules").rename(config / "rules-away")


@pytest.mark.parametrize("spoil", [spoil_yaml, spoil_test, spoil_list, spoil_folder])
def test_a_bad_set_is_told_once_and_never_replaces_the_good_one(
    spoil: Callable[[Path], None],
    parts: Standalone,
    store: Store,
    config: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = Active(store).refresh().ruleset
    spoil(config)
    with caplog.at_level(logging.ERROR):
        assert parts.watch.look() is None
        refused = parts.watch.look()
        assert refused is not None
        assert (refused.digest, refused.activated) == (good, False)
        for fault in refused.faults:
            assert str(fault) in caplog.text
        told = len(caplog.records)
        assert told == len(refused.faults) + 1
        assert [parts.watch.look() for _ in range(3)] == [None, None, None]
    assert len(caplog.records) == told
    assert Active(store).refresh().ruleset == good
    assert parts.how()["config_faults"] == len(refused.faults)


def test_what_is_mended_goes_live_and_names_all_that_changed_since(
    parts: Standalone, store: Store, config: Path
) -> None:
    edit(config, OFFICES, "level: medium", "level: loud")
    (config / "watchlists" / "more.csv").write_text("id,name\nx,X\n", "utf-8")
    refused = [parts.watch.look() for _ in range(2)][1]
    assert refused is not None
    assert refused.faults
    edit(config, OFFICES, "level: loud", "level: low")
    (config / "lexicons" / "hostile_es.csv").unlink()
    taken = [parts.watch.look() for _ in range(2)][1]
    assert taken is not None
    assert taken.activated
    reason = activations(store)[-1][1]
    assert reason == f"changed: {OFFICES}; added: watchlists/more.csv; removed: lexicons/hostile_es.csv"
    assert parts.how()["config_faults"] == 0


def test_taking_a_bad_change_back_activates_nothing(watch: RulesWatch, store: Store, config: Path) -> None:
    edit(config, OFFICES, "level: medium", "level: loud")
    refused = [watch.look() for _ in range(2)][1]
    assert watch.refused is refused is not None
    edit(config, OFFICES, "level: loud", "level: medium")
    taken = [watch.look() for _ in range(2)][1]
    assert taken is not None
    assert (taken.activated, taken.faults, watch.refused) == (False, (), None)
    assert len(activations(store)) == 1


def test_a_set_that_somebody_activated_from_elsewhere_stays(
    parts: Standalone, store: Store, config: Path, settings: Settings, clock: VirtualClock
) -> None:
    """The folder did not change, so the watch has nothing to say: a roll back is not undone."""
    first = Active(store).refresh().ruleset
    edit(config, OFFICES, "level: medium", "level: low")
    assert [parts.watch.look() for _ in range(2)][1]
    edit(config, OFFICES, "level: low", "level: medium")
    clock.set(START + timedelta(hours=1))
    Standalone(store, config, settings, clock).start()  # another process activates the first one again
    edit(config, OFFICES, "level: medium", "level: low")
    assert Active(store).refresh().ruleset == first
    assert [parts.watch.look() for _ in range(3)] == [None, None, None]
    assert Active(store).refresh().ruleset == first


def test_status_tells_of_faults_in_the_folder(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    almenara = Calls(config, tmp_path / "data", capsys)
    almenara("migrate")
    write_health(health_file(tmp_path / "data", "all"), "all", datetime.now(UTC), config_faults=3)
    assert "3 faults in its folder: almenara config check" in almenara("status").out
    assert almenara.json("status").one["services"][0]["config_faults"] == 3


async def until(holds: Callable[[], bool]) -> None:
    """Waits for the running system; the test's own time limit ends it when it never comes."""
    while not await asyncio.to_thread(holds):
        await asyncio.sleep(0.02)


async def test_the_running_system_takes_what_is_saved(
    config: Path, settings: Settings, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    often = settings.model_copy(
        update={"rules": settings.rules.model_copy(update={"watch": timedelta(milliseconds=20)})}
    )
    caplog.set_level(logging.INFO)
    stop = asyncio.Event()
    running = asyncio.create_task(run_all(often, config, stop=stop, clock=clock))
    try:
        await until(lambda: settings.data_dir.joinpath("almenara.db").exists() and "is watched" in caplog.text)
        with closing(open_store(settings, create=False)) as store:
            first = Active(store).refresh().ruleset
            spoil_yaml(config)
            await until(lambda: "NOT taken" in caplog.text)
            assert activated(store) == [first]
            edit(config, OFFICES, "title: [", "title: ")
            edit(config, OFFICES, "level: medium", "level: low")
            await until(lambda: len(activated(store)) == 2)
            by, reason, _ = activations(store)[-1]
            assert (by, reason) == ("watch", f"changed: {OFFICES}")
    finally:
        stop.set()
        await running


def test_a_restart_does_not_undo_a_roll_back(
    tmp_path: Path, store: Store, config: Path, settings: Settings, clock: VirtualClock,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    calls = Calls(config, tmp_path / "data", capsys)
    first = calls.json("rules", "activate", "--reason", "first").one["hash"]
    edit(config, OFFICES, "timespan: 180d", "timespan: 150d")
    second = calls.json("rules", "activate", "--reason", "second").one["hash"]
    assert calls.json("rules", "activate", "--reason", "back", "--hash", first[:6]).one["hash"] == first != second
    Standalone(store, config, settings, clock).start()
    assert Active(store).refresh().ruleset == first
    assert "activated by hand" in caplog.text
    edit(config, OFFICES, "timespan: 150d", "timespan: 140d")
    Standalone(store, config, settings, clock).start()
    assert Active(store).refresh().ruleset not in (first, second)


def test_there_is_no_way_back_to_what_never_was(
    tmp_path: Path, store: Store, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = Calls(config, tmp_path / "data", capsys)
    known = calls.json("rules", "activate", "--reason", "first").one["hash"]
    refused = calls("rules", "activate", "--reason", "back", "--hash", "0123456789")
    assert refused.code == 2
    assert known[:12] in refused.err
