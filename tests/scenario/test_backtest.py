"""The verbs `rules backtest` and `rules promote` over the record of both cases in a SQLite file."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from almenara.adapters.sql.store import open_sqlite
from almenara.app.activation import activate_audience, activate_rules, check
from almenara.app.active import Active
from almenara.app.backtest import active_content, backtest
from almenara.app.content import read_content
from almenara.app.embedded import Embedded
from almenara.app.spread import Source
from almenara.app.stores import ReadOnly
from almenara.audit.compare import Range
from almenara.ports.store import Store
from backtesting import candidate, messages, raised, really_run
from case_run import AUDIENCE, START, case_entries, changes, processors, shipped
from cli_calls import Calls, small_config

ENTRIES = case_entries(2, 24)
MEETINGS = "rules/meetings.yml"
LIVE, SHADOW = (
    "status: stable\nlevel: high\ncorrelation",
    "status: experimental  # a week, say\nlevel: high\ncorrelation",
)


@pytest.fixture
def almenara(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Calls:
    """The command line with a configuration folder; nothing is recorded yet."""
    return Calls(small_config(tmp_path / "config"), tmp_path / "data", capsys)


def record(almenara: Calls, *, audience: bool = True) -> None:
    """Both cases with the folder's rules active from the start, all services having run."""
    with closing(open_sqlite(almenara.data / "almenara.db", 2)) as store:
        content = read_content(almenara.config, allowed_lateness_s=172_800)
        activate_rules(store, check(content), START, by="test", reason="test")
        if audience:
            activate_audience(store, AUDIENCE, START, by="test", reason="test")
        store.append(list(ENTRIES))
        Embedded(store, processors(store)).pump()


def write(folder: Path, files: dict[str, str]) -> Path:
    """The rules of a content as files."""
    for name, text in files.items():
        if name.startswith("rules/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    return folder


def state(data: Path) -> list[Any]:
    """Everything that the database holds."""
    with closing(sqlite3.connect(data / "almenara.db")) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [(table, sorted(file.execute(f"SELECT * FROM {table}").fetchall(), key=repr)) for table in tables]


def edit(almenara: Calls, old: str, new: str, file: str = MEETINGS) -> None:
    path = almenara.config / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_candidate_with_other_thresholds_gains_and_loses_alerts_and_messages(almenara: Calls, tmp_path: Path) -> None:
    record(almenara)
    before = state(almenara.data)
    rules = write(tmp_path / "other", dict(candidate().files)) / "rules"
    called = almenara.json("rules", "backtest", "--rules", str(rules))
    assert called.code == 0
    *lines, summary = called.lines
    old, new = really_run(shipped().content, case_entries(4, 24)), really_run(candidate(), case_entries(4, 24))
    alerts = {(one["difference"], one["uid"]) for one in lines if one["what"] == "alert"}
    assert {uid for found, uid in alerts if found == "gained"} == raised(new) - raised(old)
    assert {uid for found, uid in alerts if found == "lost"} == raised(old) - raised(new)
    told = [one for one in lines if one["what"] == "message"]
    more = {(one["to"], one["via"], one["change"]) for one in told if one["difference"] == "more"}
    assert more == {(who, via, change) for (who, via, _, change), _ in messages(new) - messages(old)}
    assert all(
        event["line"] and event["position"] for one in lines if one["what"] == "alert" for event in one["events"]
    )
    assert (summary["gained"], summary["lost"]) == (len(raised(new) - raised(old)), len(raised(old) - raised(new)))
    said = almenara("rules", "backtest", "--rules", str(rules)).out.splitlines()
    assert said[-1].startswith(f"+{summary['gained']} alerts, -{summary['lost']}, {summary['changed']} changed; ")
    assert "mails more" in said[-1]
    assert state(almenara.data) == before


def test_the_folder_itself_differs_in_nothing_until_it_is_edited(almenara: Calls) -> None:
    record(almenara)
    called = almenara("rules", "backtest")
    assert called.code == 0
    assert called.out.splitlines()[-1].startswith("nothing differs: ")
    edit(almenara, "grace: 6h", "grace: 30h")
    [*_, summary] = almenara.json("rules", "backtest", "--since", "2026-03-01").lines
    assert summary["changed"] > 0
    assert summary["messages"]["moved"]["slack"] > 0
    [*_, whole] = almenara.json("rules", "backtest").lines
    assert whole["changed"] > summary["changed"]
    [*_, early] = almenara.json("rules", "backtest", "--from", "2026-01-01", "--to", "2026-02-28").lines
    assert early["changed"] + summary["changed"] == whole["changed"]


def test_a_duration_counts_back_from_the_newest_tick_of_the_record(almenara: Calls) -> None:
    record(almenara)
    [summary] = almenara.json("rules", "backtest", "--since", "30d").lines
    assert summary["from"] == "2026-03-02T00:00:00Z"
    assert summary["alerts_seen"]["active"] > 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_answer_is_the_same_for_any_number_of_processes(almenara: Calls, jobs: int) -> None:
    record(almenara)
    source = Source(ReadOnly(f"sqlite:///{almenara.data / 'almenara.db'}"), offline=True)
    told: list[int] = []
    report = backtest(
        source, shipped().content, candidate(), Range(), jobs=jobs, watch=lambda more, of: told.append(more)
    )
    assert report == backtest(source, shipped().content, candidate(), Range(), jobs=1)
    assert report.compared.alerts
    assert sum(told) == 2 * report.records


def test_nothing_to_compare(almenara: Calls) -> None:
    assert almenara("rules", "backtest").code == 2  # no record
    record(almenara)
    for period in (["--from", "2030-01-01"], ["--to", "2024-12-31"]):
        called = almenara("rules", "backtest", *period)
        assert (called.code, "nothing to compare" in called.out) == (1, True)
        assert almenara.json("rules", "backtest", *period).one == {"what": "summary", "compared": False}
    assert almenara("rules", "backtest", "--since", "3d", "--to", "2026-01-01").code == 2
    assert almenara("rules", "backtest", "--from", "2026-01-02", "--to", "2025-12-01").code == 2
    assert almenara("rules", "backtest", "--from", "soon").code == 2


def test_all_faults_of_a_candidate_are_told_with_their_files(almenara: Calls, tmp_path: Path) -> None:
    record(almenara)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.yml").write_text("title: A\nname: a\n")
    (folder / "b.yml").write_text("title: [\n")
    called = almenara("rules", "backtest", "--rules", str(folder))
    assert called.code == 2
    assert f"{folder / 'a.yml'}:" in called.err
    assert f"{folder / 'b.yml'}:" in called.err


def test_a_record_without_subscribers_is_told_to_those_of_the_folder(almenara: Calls) -> None:
    record(almenara, audience=False)
    edit(almenara, "grace: 6h", "grace: 30h")
    told = [line for line in almenara.json("rules", "backtest").lines if line["what"] == "message"]
    assert {(one["to"], one["channel"]) for one in told} == {("ana", "mail")}


def in_shadow(almenara: Calls) -> bytes:
    """The rule about meetings ran in shadow; one of its alerts was judged true. The file as it is."""
    edit(almenara, LIVE, SHADOW)
    record(almenara)
    with closing(open_sqlite(almenara.data / "almenara.db")) as store:
        cites = [one.alert.cite for one in changes(store) if one.alert.rule == "unregistered_meeting"]
    assert almenara("alerts", "judge", cites[0], "true", "--by", "ana").code == 0
    with closing(open_sqlite(almenara.data / "almenara.db")) as store:
        Embedded(store, processors(store)).pump()
    return (almenara.config / MEETINGS).read_bytes()


def active(store: Store) -> tuple[str, bool]:
    content = active_content(store)
    return Active(store).refresh().ruleset, check(content).ruleset.by_name["unregistered_meeting"].shadow


def test_a_rule_in_shadow_is_promoted_after_a_look_at_its_record(almenara: Calls) -> None:
    before = in_shadow(almenara)
    called = almenara.json("rules", "promote", "unregistered_meeting", "--reason", "good", "--by", "ana", "--yes")
    assert called.code == 0
    said = called.one
    assert (said["promoted"], said["since"], said["also"]) == (True, "2025-06-04T00:00:00Z", [])
    assert said["judged"] == {"true": 1, "false": 0, "unclear": 0}
    assert len(said["alerts"]) == 7
    live = really_run(shipped().content, case_entries(4, 24))
    meetings = {one.alert.uid for one in changes(live) if one.alert.rule == "unregistered_meeting"}
    would = [place for place, _ in messages(live) if place[2] in meetings]
    counted = {(one["to"], one["via"]): one["count"] for one in said["messages"]}
    # those who would have been told of an alert would have been told of the judgement, too
    judged = len({(who, via) for who, via, *_ in would})
    assert sum(counted.values()) == len(would) + judged
    after = (almenara.config / MEETINGS).read_bytes()
    assert after == before.replace(b"status: experimental  # a week", b"status: stable  # a week")
    with closing(open_sqlite(almenara.data / "almenara.db")) as store:
        assert active(store) == (said["hash"], False)
    again = almenara("rules", "promote", "unregistered_meeting", "--reason", "good", "--by", "ana", "--yes")
    assert (again.code, "is not experimental" in again.err) == (5, True)


def test_nobody_confirms_and_nothing_changes(almenara: Calls) -> None:
    before, stored = in_shadow(almenara), state(almenara.data)
    called = almenara("rules", "promote", "unregistered_meeting", "--reason", "good", "--by", "ana")
    assert called.code == 5
    assert "7 alerts, 1 judged true, 0 judged false, 0 judged unclear, 6 not judged" in called.out
    assert "add --yes" in called.err
    assert (almenara.config / MEETINGS).read_bytes() == before
    assert state(almenara.data) == stored


def test_what_else_would_go_live_is_told_first(almenara: Calls) -> None:
    in_shadow(almenara)
    edit(almenara, "level: medium", "level: low", "rules/offices.yml")
    called = almenara("rules", "promote", "unregistered_meeting", "--reason", "good", "--by", "ana")
    assert "not active yet: rules/offices.yml" in called.out


def test_a_set_that_is_bad_is_not_promoted(almenara: Calls) -> None:
    in_shadow(almenara)
    edit(almenara, "expect: [{what: raised, key", "expect: [{what: updated, key")
    before, stored = (almenara.config / MEETINGS).read_bytes(), state(almenara.data)
    called = almenara("rules", "promote", "unregistered_meeting", "--reason", "good", "--by", "ana", "--yes")
    assert (called.code, "test 'no entry, registers read'" in called.err) == (2, True)
    assert (almenara.config / MEETINGS).read_bytes() == before
    assert state(almenara.data) == stored
    assert almenara("rules", "promote", "no_such", "--reason", "good", "--by", "ana", "--yes").code == 2


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        (b"\xef\xbb\xbftitle: T\r\nname: t\r\nstatus:   'experimental'  # x\r\n", b"status:   'stable'  # x"),
        (b'title: T\nname: t\n"status": Experimental\n', b'"status": stable\n'),
        ("title: 'Línea nueva: status: experimental'\nname: t\nstatus: experimental\n".encode(), b"\nstatus: stable\n"),
    ],
)
def test_only_the_one_word_changes_however_it_is_written(almenara: Calls, written: bytes, becomes: bytes) -> None:
    rest = b"logsource: {product: almenara, category: poll.published}\ndetection: {a: {b: 1}, condition: a}\n"
    record(almenara)
    path = almenara.config / "rules" / "mine.yml"
    path.write_bytes(written + rest)
    assert almenara("rules", "promote", "t", "--reason", "good", "--by", "ana", "--yes").code == 0
    after = path.read_bytes()
    assert becomes in after
    assert len(after) == len(written + rest) + len("stable") - len("experimental")
    assert after.endswith(rest)
    assert not list(path.parent.glob(".*.new"))


def test_a_status_that_is_not_plain_is_left_to_a_person(almenara: Calls) -> None:
    record(almenara)
    path = almenara.config / "rules" / "mine.yml"
    path.write_text(
        "title: T\nname: t\nstatus:\n  # to be seen\n  experimental\n"
        "logsource: {product: almenara, category: poll.published}\ndetection: {a: {b: 1}, condition: a}\n"
    )
    called = almenara("rules", "promote", "t", "--reason", "good", "--by", "ana", "--yes")
    assert (called.code, "write `status: stable`" in called.err) == (5, True)
