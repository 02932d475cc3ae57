"""`rules eval`: rules over events in files, as people script against it."""

import json
from pathlib import Path
from typing import Any

import pytest

from almenara.cli.main import run

RULES = r"""
title: Meeting
name: a
logsource: {product: almenara, category: meeting.held}
detection: {s: {'counterpart.id|expand': '%people%'}, condition: s}
---
title: Entry
name: b
logsource: {product: almenara, category: meeting.registered}
detection: {s: {'visitor.id|exists': true}, condition: s}
---
title: Missing
name: missing
correlation:
  type: temporal
  rules: [a, b]
  group-by: [o, c]
  aliases: {o: {a: official.id, b: host.id}, c: {a: counterpart.id, b: visitor.id}}
  timespan: 72h
  condition: a and not b
almenara: {absence: {anchor: a, look_back: 24h, grace: 6h, on_late: retract}}
---
title: A shell
id: 0e95725d-7320-415d-80f7-004da920fc11
logsource: {product: windows, category: process_creation}
detection: {s: {'Image|endswith': '\cmd.exe', 'User.name': root}, condition: s}
"""


def meeting(uid: str, time: str, **more: Any) -> dict[str, Any]:
    data = {"official": {"id": "x"}, "counterpart": {"name": "Pepe"}}
    return {
        "specversion": "1.0",
        "id": uid,
        "type": "meeting.held",
        "time": time,
        "country": "PER",
        "data": data,
        **more,
    }


def entry(uid: str, time: str, **more: Any) -> dict[str, Any]:
    data = {"host": {"id": "x"}, "visitor": {"id": "p-1"}}
    return {**meeting(uid, time), "type": "meeting.registered", "data": data, **more}


class Eval:
    """Calls `rules eval` over a folder of the test's own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / "rules").mkdir()
        (folder / "rules" / "r.yml").write_text(RULES, "utf-8")
        (folder / "lists").mkdir()
        (folder / "lists" / "people.csv").write_text("id,name,aliases\np-1,José,Pepe\n", "utf-8")

    def __call__(self, *events: Any, args: tuple[str, ...] = ()) -> tuple[int, list[dict[str, Any]], str]:
        file = self.folder / "events.jsonl"
        file.write_text("\n".join(e if isinstance(e, str) else json.dumps(e) for e in events), "utf-8")
        rules, lists = str(self.folder / "rules"), str(self.folder / "lists")
        code = run(["rules", "eval", "--rules", rules, "--watchlists", lists, *args, str(file)])
        out, err = self.capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Eval:
    return Eval(tmp_path, capsys)


def test_an_absence_and_its_late_entry(evaluate: Eval) -> None:
    code, lines, _ = evaluate(
        meeting("m", "2026-01-01T10:00:00Z"),
        {"tick": "2026-01-04T15:59:59Z"},
        {"tick": "2026-01-04T16:00:00Z"},
        entry("r", "2026-01-01T12:00:00Z", recorded="2026-01-05T00:00:00Z"),
    )
    assert code == 0
    key = {"o": "x", "c": "p-1"}
    assert [(line["what"], line["at"], line["events"]) for line in lines] == [
        ("raised", "2026-01-04T16:00:00Z", ["m"]),
        ("retracted", "2026-01-05T00:00:00Z", ["m"]),
    ]
    assert all(line["rule"] == "missing" and line["key"] == key for line in lines)
    assert lines[0]["fields"] == {"counterpart.id": "p-1"}


def test_an_entry_before_the_meeting_counts(evaluate: Eval) -> None:
    early = entry("r", "2025-12-31T12:00:00Z"), meeting("m", "2026-01-01T10:00:00Z")
    assert evaluate(*early, args=("--drain",))[1] == []
    too_early = entry("r", "2025-12-31T09:00:00Z"), meeting("m", "2026-01-01T10:00:00Z")
    [line] = evaluate(*too_early, args=("--drain",))[1]
    assert (line["what"], line["events"]) == ("raised", ["m"])


def test_the_clock_follows_what_became_known_or_the_time(evaluate: Eval) -> None:
    late = meeting("m", "2026-01-01T10:00:00Z", recorded="2026-02-01T00:00:00Z")
    tick = {"tick": "2026-02-01T05:00:00Z"}
    assert evaluate(late, tick)[1] == []  # six hours of grace from when it became known
    other = meeting("n", "2026-01-06T10:00:00Z")
    [line] = evaluate(meeting("m", "2026-01-01T10:00:00Z"), other, args=("--clock", "time"))[1]
    assert (line["events"], line["at"]) == (["m"], "2026-01-06T10:00:00Z")


def test_plain_events_have_no_log_source_and_dotted_keys_win(evaluate: Eval) -> None:
    plain = [
        {"@timestamp": 1_768_089_700, "Image": "C:\\x\\CMD.EXE", "User.name": "root", "User": {"name": "bob"}},
        {"@timestamp": "2026-01-11T00:01:40Z", "Image": "C:\\x\\cmd.exe", "User": {"name": "bob"}},
        {"Image": ["C:\\y.exe", "C:\\cmd.exe"], "User": {"name": "ROOT"}},
    ]
    _, lines, _ = evaluate(*plain)
    assert [line["events"] for line in lines] == [["1"], ["3"]]
    assert lines[0]["rule"] == "0e95725d-7320-415d-80f7-004da920fc11"
    assert lines[0]["at"] == "2026-01-11T00:01:40Z"


def test_bad_lines_are_told_and_passed_over(evaluate: Eval) -> None:
    bad = ["{", "[1]", '{"x": NaN}', '{"specversion": "1.0", "type": "t", "time": "2026-01-01T00:00:00Z"}', "  "]
    good = meeting("m", "2026-01-01T10:00:00Z")
    code, lines, err = evaluate(*bad, good, args=("--drain",))
    assert code == 0
    assert [line["events"] for line in lines] == [["m"]]
    assert [line.split(":")[0] for line in err.splitlines()] == ["line 1", "line 2", "line 3", "line 4"]
    assert evaluate(*bad, good, args=("--strict",))[0] == 2
    assert evaluate(*bad, good, args=("--quiet",))[2] == ""


def test_bad_rules_evaluate_nothing(evaluate: Eval) -> None:
    (evaluate.folder / "rules" / "bad.yml").write_text("title: x\nname: y\n", "utf-8")
    code, lines, err = evaluate(meeting("m", "2026-01-01T10:00:00Z"), args=("--drain",))
    assert (code, lines) == (2, [])
    assert "bad.yml:1" in err


def test_the_output_may_be_a_file(evaluate: Eval) -> None:
    target = evaluate.folder / "out.jsonl"
    evaluate(meeting("m", "2026-01-01T10:00:00Z"), args=("--drain", "--output", str(target)))
    assert json.loads(target.read_text("utf-8"))["what"] == "raised"
