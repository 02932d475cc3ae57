"""Replay against a record that was cut, changed or is still growing."""

from dataclasses import replace

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts
from almenara.ports.log import ALERTS, Record
from case_run import activate, case_entries, processors


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
        return [replace(r, body=r.body.replace(b"smear", b"smile")) if stream == ALERTS else r for r in found]


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
