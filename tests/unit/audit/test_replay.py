"""Replay against a record that was cut, changed or is still growing."""

from contextlib import closing
from pathlib import Path

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.adapters.sql.store import open_sqlite, sqlite_url
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts, replay_record
from almenara.app.spread import Source
from almenara.app.stores import ReadOnly
from almenara.domain.errors import Missing
from almenara.ports.log import ALERTS, EVENTS, Record
from case_run import activate, case_entries, processors, run_embedded


class Shortened(MemoryStore):
    """A store whose newest record of one partition of `alerts` is gone."""

    cut: int | None = None

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        found = super().read(stream, partition, after, limit)
        end = super().end(ALERTS, partition)
        return [r for r in found if not (stream == ALERTS and partition == self.cut and r.sequence == end)]


def store() -> Shortened:
    made = Shortened(4)
    activate(made)
    made.append(list(case_entries(4, 24)))
    Embedded(made, processors(made)).pump()
    return made


def test_a_cut_tail_of_alerts_is_a_difference() -> None:
    made = store()
    assert all(result.difference is None for result in replay_alerts(made))
    made.cut = next(p for p in range(4) if made.end(ALERTS, p) > 2)
    [difference] = [result.difference for result in replay_alerts(made) if result.difference]
    assert difference.recorded == "nothing"
    assert difference.position.startswith(f"alerts/{made.cut}")


def test_what_the_service_has_not_taken_yet_is_none() -> None:
    made = Shortened(4)
    activate(made)
    made.append(list(case_entries(4, 24)))
    results = replay_alerts(made)
    assert [result.difference for result in results] == [None] * 4
    assert sum(result.compared for result in results) == 0


def test_only_the_range_is_compared() -> None:
    made = store()
    whole = sum(result.compared for result in replay_alerts(made))
    later = sum(result.compared for result in replay_alerts(made, after=100))
    early = sum(result.compared for result in replay_alerts(made, upto=100))
    assert later + early == whole
    assert 0 < early < whole


class Altered(MemoryStore):
    """A store that gives one record of `alerts` back with another word in it, chain and all."""

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        found = super().read(stream, partition, after, limit)
        return [r._replace(body=r.body.replace(b"smear", b"smile")) if stream == ALERTS else r for r in found]


def test_a_difference_names_the_record_and_shows_the_place() -> None:
    made = Altered(4)
    activate(made)
    made.append(list(case_entries(4, 24)))
    Embedded(made, processors(made)).pump()
    first = next(result.difference for result in replay_alerts(made) if result.difference)
    assert first.position.startswith("alerts/")
    assert ", byte " in first.position
    assert "smile" in first.recorded
    assert "smear" in first.folded


def test_any_number_of_processes_gives_the_same_answer(tmp_path: Path) -> None:
    file = tmp_path / "almenara.db"
    with closing(open_sqlite(file, 4)) as made:
        run_embedded(made, case_entries(4, 24))
        here = replay_alerts(made)
        events = sum(made.end(EVENTS, partition) for partition in range(4))
    source = Source(ReadOnly(sqlite_url(file)), offline=True)
    told: list[tuple[int, int]] = []
    assert replay_record(source, jobs=1, watch=lambda *seen: told.append(seen)) == here
    assert sum(more for more, _ in told) == events
    assert {whole for _, whole in told} == {events}
    told.clear()
    assert replay_record(source, jobs=3, watch=lambda *seen: told.append(seen)) == here
    assert sum(more for more, _ in told) == events
    assert replay_record(source, partition=2, jobs=3) == here[2:3]
    with pytest.raises(Missing, match="0 to 3"):
        replay_record(source, partition=4)
