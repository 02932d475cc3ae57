"""`rules tune` over a real record: alerts, judgements as commands, and a page that changes nothing."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from almenara.app.embedded import Embedded
from almenara.app.settings import load_settings
from almenara.app.stores import open_store
from almenara.ingest.ticker import tick_entries
from almenara.ports.log import EVENTS
from almenara.rules.service import RulesProcessor
from cli_calls import DESIGNATION, Calls

CLOCK = datetime(2026, 2, 10, tzinfo=UTC)


@pytest.fixture
def fold(almenara: Calls) -> Callable[[], int]:
    """Runs the rules service over the record; returns how many events it holds then."""

    def run() -> int:
        with closing(
            open_store(load_settings(almenara.config, {}, {"data_dir": str(almenara.data)}), create=False)
        ) as store:
            store.append(tick_entries(CLOCK, store.partitions))
            Embedded(store, [RulesProcessor(store)]).pump()
            return sum(store.end(EVENTS, number) for number in range(store.partitions))

    return run


def publish(almenara: Calls, uid: str, time: str) -> None:
    file = almenara.config / "event.jsonl"
    file.write_text(json.dumps({**DESIGNATION, "id": uid, "time": time}) + "\n", "utf-8")
    assert almenara("events", "publish", str(file)).code == 0


def test_from_alerts_to_proposals(almenara: Calls, fold: Callable[[], int]) -> None:
    almenara("migrate")
    assert almenara("rules", "tune").code == 2  # nothing is active
    almenara("rules", "activate", "--reason", "first", "--by", "ana")
    assert "nothing to judge" in almenara("rules", "tune").out
    for day in range(1, 7):
        publish(almenara, f"d-{day}", f"2026-02-0{day}T12:00:00Z")
    fold()
    assert "nobody has judged" in almenara("rules", "tune").out
    alerts = almenara.json("alerts", "list").lines
    assert len(alerts) == 6
    for alert, word in zip(alerts, ("false", "false", "false", "false", "true"), strict=False):
        assert almenara("alerts", "judge", alert["id"], word, "--by", "ana").code == 0
    before = fold()
    found = almenara.json("rules", "tune").one
    (rule,) = found["rules"]
    assert (rule["rule"], rule["judged"], rule["true"], rule["false"], rule["not_judged"]) == (
        "major_designation", 5, 1, 4, 1,
    )  # fmt: skip
    assert (rule["precision"], rule["interval"]) == (0.2, [0.0362, 0.6245])
    assert [entry["id"] for entry in found["entries"]] == ["PER"]
    assert {p["about"] for p in found["proposals"]} == {"major_designation", "watched_countries/PER"}
    assert found["applied"] is False
    page = almenara("rules", "tune")
    assert page.code == 0
    assert "4 of 5 false" in page.out
    assert "none is applied" in page.out
    assert fold() == before  # it wrote nothing
    assert almenara.json("rules", "tune", "--since", "2099-01-01").one["rules"] == []
