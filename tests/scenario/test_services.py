"""The embedded services driven step by step over SQLite, on a virtual clock: bad files, polling, restarts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.activation import activate_audience
from almenara.app.audience import read_audience
from almenara.app.clock import VirtualClock
from almenara.app.intake import DraftIntake
from almenara.app.polling import Poller, try_source
from almenara.app.preview import preview
from almenara.app.publish import correction, publish_jsonl, withdrawal
from almenara.app.settings import Settings, load_settings
from almenara.app.sources import last_readings
from almenara.app.standalone import Standalone, open_poller
from almenara.app.startup import LAST_GOOD
from almenara.app.stores import open_store
from almenara.audit.explain import changes, deliveries, find_event, records
from almenara.domain.errors import Faulty, Missing, Refused, Unreachable
from almenara.domain.event import CHECKED, RULESET
from almenara.domain.notice import DeliveryState
from almenara.ingest.sources import SourceSpec
from almenara.ports.log import EVENTS, REJECTED, STREAMS
from almenara.ports.source import Fetched
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from cli_calls import DESIGNATION, small_config

START = datetime(2026, 2, 3, 12, tzinfo=UTC)
FEED = SourceSpec(id="pe_diario", kind="feed", url="https://diario.example/rss", country="PER", every_s=600)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, sink: SmtpSink) -> Path:
    return small_config(tmp_path / "config", mail_port=sink.port)


@pytest.fixture
def settings(config: Path, tmp_path: Path) -> Settings:
    return load_settings(config, {}, {"data_dir": str(tmp_path / "data")})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with closing(open_store(settings, create=True)) as opened:
        yield opened


class System:
    """One life of the process over a store that stays."""

    def __init__(self, store: Store, config: Path, settings: Settings, at: datetime = START) -> None:
        self.clock = VirtualClock(at)
        self.parts = Standalone(store, config, settings, self.clock)
        self.store = store

    def publish(self, **changed: Any) -> None:
        event = {**DESIGNATION, **changed}
        publish_jsonl(DraftIntake(self.store, self.clock), json.dumps(event).encode(), "test")

    def go(self, minutes: float = 1) -> None:
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))
        self.parts.tick()
        self.parts.pump()
        self.parts.send()


def spoil(config: Path, file: str) -> str:
    path = config / file
    good = path.read_text("utf-8")
    path.write_text(good + "\n: [\n", "utf-8")
    return good


def activations(store: Store) -> int:
    return sum(record.id.startswith(f"{RULESET}/") for record in records(store, EVENTS)) // store.partitions


def test_an_event_becomes_a_mail(store: Store, config: Path, settings: Settings, sink: SmtpSink) -> None:
    system = System(store, config, settings)
    system.parts.start()
    system.publish()
    system.go()
    (alert,) = [changed.alert for changed in changes(store)]
    assert (alert.rule, alert.level) == ("major_designation", "high")
    (mail,) = sink.mails()
    assert b"ana@example.org" in mail.read_bytes()
    assert [step.state for step in deliveries(store)] == [DeliveryState.ATTEMPTING, DeliveryState.DELIVERED]
    system.go()
    assert len(sink.mails()) == 1


def test_a_restart_activates_nothing_again_and_sends_nothing_twice(
    store: Store, config: Path, settings: Settings, sink: SmtpSink
) -> None:
    for minute in range(3):
        system = System(store, config, settings, START + timedelta(hours=minute))
        system.parts.start()
        system.publish()
        system.go()
    assert activations(store) == 1
    assert len(sink.mails()) == 1


@pytest.mark.parametrize("file", ["rules/lists_and_policy.yml", "subscribers.yaml"])
def test_a_bad_file_at_the_start_leaves_the_good_one(
    store: Store, config: Path, settings: Settings, sink: SmtpSink, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    System(store, config, settings).parts.start()
    spoil(config, file)
    system = System(store, config, settings, START + timedelta(hours=1))
    system.parts.start()
    assert file.rpartition("/")[2] in caplog.text
    assert "NOT taken" in caplog.text
    assert system.parts.faults > 0
    system.publish()
    system.go()
    assert len(sink.mails()) == 1


@pytest.mark.parametrize("file", ["rules/lists_and_policy.yml", "subscribers.yaml"])
def test_a_bad_file_while_running_leaves_the_good_one(
    store: Store, config: Path, settings: Settings, sink: SmtpSink, file: str
) -> None:
    system = System(store, config, settings)
    system.parts.start()
    good = spoil(config, file)
    system.parts.reload()
    assert system.parts.faults > 0
    assert activations(store) == 1
    system.publish()
    system.go()
    assert len(sink.mails()) == 1
    (config / file).write_text(good.replace("level: high", "level: critical"), "utf-8")
    system.parts.reload()
    assert system.parts.faults == 0


@pytest.mark.parametrize("file", ["rules/lists_and_policy.yml", "subscribers.yaml"])
def test_a_start_with_nothing_good_is_refused(store: Store, config: Path, settings: Settings, file: str) -> None:
    spoil(config, file)
    with pytest.raises(Faulty) as caught:
        System(store, config, settings).parts.start()
    assert any(fault.line and file.rpartition("/")[2] in fault.file for fault in caught.value.faults)


def test_a_rule_whose_own_test_fails_is_a_bad_file(store: Store, config: Path, settings: Settings) -> None:
    System(store, config, settings).parts.start()
    file = config / "rules" / "sources.yml"
    file.write_text(file.read_text("utf-8").replace("expect: [{what: raised", "expect: [{what: updated", 1), "utf-8")
    system = System(store, config, settings)
    system.parts.start()
    assert system.parts.faults == 1
    assert activations(store) == 1


def test_without_addresses_nothing_is_sent_and_nothing_is_lost(
    store: Store, config: Path, settings: Settings, sink: SmtpSink
) -> None:
    System(store, config, settings).parts.start()
    good = spoil(config, "subscribers.yaml")
    (settings.data_dir / LAST_GOOD).unlink()
    system = System(store, config, settings)
    system.parts.start()
    system.publish()
    system.go()
    assert sink.mails() == []
    assert system.parts.how()["trouble"]
    (config / "subscribers.yaml").write_text(good, "utf-8")
    system.parts.startup.take_ways(system.parts.ways)
    system.go()
    assert len(sink.mails()) == 1


def test_the_copy_of_the_subscribers_is_for_this_user_only(store: Store, config: Path, settings: Settings) -> None:
    System(store, config, settings).parts.start()
    assert (settings.data_dir / LAST_GOOD).stat().st_mode & 0o077 == 0


def test_subscribers_activated_by_another_process_are_taken_up(
    store: Store, config: Path, settings: Settings, sink: SmtpSink
) -> None:
    system = System(store, config, settings)
    system.parts.start()
    file = config / "subscribers.yaml"
    file.write_text(file.read_text("utf-8").replace("ana@example.org", "ana.new@example.org"), "utf-8")
    system.parts.startup.take_ways(system.parts.ways)  # the file alone changes nothing: it is not active
    loaded = read_audience(config, settings)
    activate_audience(store, loaded.audience, START, by="test", reason="moved")
    # nothing else tells the running system: it looks again before it says that an address is gone
    system.publish()
    system.go()
    (mail,) = sink.mails()
    assert b"ana.new@example.org" in mail.read_bytes()


def test_a_withdrawal_reaches_whoever_was_told(store: Store, config: Path, settings: Settings, sink: SmtpSink) -> None:
    system = System(store, config, settings)
    system.parts.start()
    system.publish()
    system.go()
    event, _ = find_event(store, "d-1")
    draft = withdrawal(event, system.clock.now(), by="ana", reason="it was a draft")
    DraftIntake(store, system.clock).take([draft])
    system.go()
    assert [str(changed.change) for changed in changes(store)] == ["raised", "retracted"]
    assert len(sink.mails()) == 2


def test_a_correction_that_leaves_nothing_to_say_retracts(store: Store, config: Path, settings: Settings) -> None:
    system = System(store, config, settings)
    system.parts.start()
    system.publish()
    system.go()
    event, _ = find_event(store, "d-1")
    right = {"data": {**DESIGNATION["data"], "designation": {"kind": "none"}}}
    DraftIntake(store, system.clock).take([correction(event, right, system.clock.now(), by="ana", reason="misread")])
    system.go()
    assert [str(changed.change) for changed in changes(store)][-1] == "retracted"


def test_a_preview_is_what_was_sent(store: Store, config: Path, settings: Settings, sink: SmtpSink) -> None:
    system = System(store, config, settings)
    system.parts.start()
    system.publish()
    system.publish(id="d-2", time="2026-02-03T13:00:00Z")
    system.go()
    loaded = read_audience(config, settings)
    before = [store.end(stream, number) for stream in STREAMS for number in range(store.partitions)]
    told = [one for one in preview(store, loaded.audience, "ana", START) if one.at is not None]
    assert len({one.message for one in told}) == len(sink.mails()) > 0
    assert all(one.notice.reason is not None for one in preview(store, loaded.audience, "ben", START))
    assert list(preview(store, loaded.audience, "ana", START + timedelta(days=1))) == []
    assert before == [store.end(stream, number) for stream in STREAMS for number in range(store.partitions)]


class Web:
    """A web of one feed; says how it was asked."""

    def __init__(self) -> None:
        self.items = [("a", START - timedelta(days=3)), ("b", START - timedelta(hours=1))]
        self.down = False
        self.etags: list[str] = []

    def get(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        self.etags.append(etag)
        if self.down:
            raise Unreachable("diario.example: does not answer")
        tag = f"v{len(self.items)}"
        if etag == tag:
            return Fetched(url=url, unchanged=True, etag=tag)
        return Fetched(url=url, body=b"...", sha256=tag * 32, etag=tag)

    def parse(self, body: bytes, content_type: str) -> Mapping[str, Any]:
        entries = [{"id": name, "title": f"Noticia {name}", "published": at.isoformat()} for name, at in self.items]
        return {"feed": {"language": "es-PE"}, "entries": entries}


def poller(store: Store, web: Web, clock: VirtualClock) -> Poller:
    known = last_readings(store, [FEED.id])
    intake = DraftIntake(store, clock)
    return Poller([FEED], intake, web, web.parse, clock, watched=["PER", "CHL"], known=known)


def events(store: Store, type_: str) -> list[Any]:
    found = [decode_event(record.body) for record in records(store, EVENTS)]
    return [event for event in found if event.type == type_]


def test_polling(store: Store) -> None:
    web, clock = Web(), VirtualClock(START)
    polling = poller(store, web, clock)
    assert [spec.id for spec in polling.due()] == [FEED.id]
    assert polling.read(FEED).outcome == "new"
    flags = {event.data["title"]: event.data.get("flags") for event in events(store, "article.published")}
    assert flags == {"Noticia a": ["backfill"], "Noticia b": None}
    checked = events(store, CHECKED)
    assert {event.country for event in checked} == {"PER", "CHL"}
    assert all(event.data["polled"] is True for event in checked)
    assert polling.due() == []
    clock.set(START + timedelta(minutes=10))
    assert polling.due() == [FEED]
    assert polling.read(FEED).outcome == "unchanged"
    assert web.etags == ["", "v2"]
    web.down = True
    assert polling.read(FEED).outcome == "failed"
    web.down = False
    web.items.append(("c", START - timedelta(days=2)))
    clock.set(START + timedelta(minutes=20))
    assert polling.read(FEED).report.accepted
    late = [event for event in events(store, "article.published") if event.data["title"] == "Noticia c"]
    assert "flags" not in late[0].data  # only what a first reading finds is backfill


def test_a_poller_that_starts_again_knows_what_was_read(store: Store) -> None:
    web, clock = Web(), VirtualClock(START)
    poller(store, web, clock).read(FEED)
    clock.set(START + timedelta(minutes=5))
    again = poller(store, web, clock)
    assert again.due() == []
    clock.set(START + timedelta(minutes=10))
    assert again.due() == [FEED]
    assert again.read(FEED).outcome == "unchanged"
    assert len(events(store, "article.published")) == 2


def test_a_source_that_fails_at_first_is_still_read_for_the_first_time_later(store: Store) -> None:
    web, clock = Web(), VirtualClock(START)
    web.down = True
    poller(store, web, clock).read(FEED)
    web.down = False
    clock.set(START + timedelta(minutes=10))
    poller(store, web, clock).read(FEED)
    assert any("backfill" in event.data.get("flags", []) for event in events(store, "article.published"))


def test_an_item_that_says_nothing_goes_to_rejected(store: Store) -> None:
    web, clock = Web(), VirtualClock(START)
    web.items = [("a", START)]
    polling = poller(store, web, clock)
    polling.parse = lambda body, kind: {"entries": [{"id": "x"}, {"id": "y", "title": "Sí"}]}
    report = polling.read(FEED).report
    assert [error.reason for _, error in report.rejected] == ["empty_item"]
    (record,) = records(store, REJECTED)
    assert json.loads(record.body)["reason"] == "empty_item"


def test_a_dry_run_stores_nothing(store: Store) -> None:
    web = Web()
    reading = try_source(FEED, web, web.parse, START)
    assert len(reading.drafts) == 2
    assert all(store.end(stream, number) == 0 for stream in STREAMS for number in range(store.partitions))


def test_the_poller_of_a_system_reads_feeds_only(store: Store, settings: Settings) -> None:
    register = SourceSpec(id="r", kind="register_import", country="PER")
    web, clock = Web(), VirtualClock(START)
    polling = open_poller(store, settings, clock, [FEED, register], fetch=web)
    assert polling.feeds() == [FEED]


def test_stores(settings: Settings, tmp_path: Path, config: Path) -> None:
    with pytest.raises(Missing, match="almenara run all"):
        open_store(settings, create=False)
    assert not settings.data_dir.exists()
    open_store(settings, create=True).close()
    open_store(settings, create=False).close()
    other = load_settings(config, {}, {"data_dir": str(tmp_path / "data"), "kafka.partitions": 3})
    with pytest.raises(Refused, match="partitions"):
        open_store(other, create=True)
