"""29 December read both ways, through all three folds: with the President or not, the same two meetings are told."""

import shutil
from pathlib import Path

from almenara.adapters.memory import MemoryStore
from almenara.app.case import load_case
from almenara.domain.alert import Change
from almenara.ports.log import Entry
from case_run import CONFIG, PARTITIONS, REGION, WATCHED, changes, run_embedded

OTHER = "{name: Palace communications official (not named), office: palace_communications_official}"
PRESIDENT = "{name: José Jerí, office: head_of_state}"


def raised(folder: Path) -> list[tuple[str, str, str]]:
    """Rule, day and country of every alert on a meeting without an entry."""
    entries: list[Entry] = [entry for step in load_case(folder, WATCHED, REGION) for entry in step.entries(PARTITIONS)]
    store = MemoryStore(PARTITIONS)
    run_embedded(store, tuple(entries))
    found = (changed for changed in changes(store) if changed.change == Change.RAISED)
    return sorted((c.alert.rule, c.at.date().isoformat(), c.alert.country) for c in found)


def test_both_alerts_come_either_way(tmp_path: Path) -> None:
    case = CONFIG / "cases" / "peru"
    shutil.copytree(CONFIG / "lists", tmp_path / "lists")
    shutil.copytree(CONFIG / "watchlists", tmp_path / "watchlists")
    other = tmp_path / "cases" / "peru"
    shutil.copytree(case, other)
    text = (other / "timeline.yaml").read_text("utf-8")
    for role in ("host", "official"):
        assert text.count(f"{role}: {OTHER}") == 1
        text = text.replace(f"{role}: {OTHER}", f"{role}: {PRESIDENT}")
    (other / "timeline.yaml").write_text(text, "utf-8")
    one, two = raised(case), raised(other)
    assert one == two
    assert [at for rule, at, _ in one if rule == "unregistered_meeting"] == ["2026-01-11", "2026-01-18"]
