"""`rules eval`: rules over events in files, as people script against it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from almenara.app import evaluation
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
        return self.over("\n".join(e if isinstance(e, str) else json.dumps(e) for e in events).encode(), args)

    def over(self, body: bytes, args: tuple[str, ...] = ()) -> tuple[int, list[dict[str, Any]], str]:
        """The same over a file of these bytes."""
        file = self.folder / "events.jsonl"
        file.write_bytes(body)
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


SHELL = b'{"Image": "C:\\\\cmd.exe", "User.name": "root"}'


def test_what_is_no_json_of_any_kind_is_one_bad_line(evaluate: Eval) -> None:
    bad = [b"\xff\xfe", b"[" * 100_000, b'{"a": "\\ud800"}', b'{"a": 1e999999}', b"nul", b'{"a": 1,}', b'"text"']
    code, lines, err = evaluate.over(b"\n".join([*bad, SHELL]))
    assert code == 0
    assert [line["events"] for line in lines] == [[str(len(bad) + 1)]]
    assert [line.split(":")[0] for line in err.splitlines()] == [f"line {n}" for n in range(1, len(bad) + 1)]


def test_a_line_that_is_too_long_is_told_and_passed_over(evaluate: Eval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_LINE", 1_000)
    long = b'{"x": "' + b"y" * 5_000 + b'"}'
    fits = SHELL[:-1] + b', "x": "' + b"y" * (1_000 - len(SHELL) - 10) + b'"}'
    assert len(fits) == 999
    code, lines, err = evaluate.over(b"\n".join([SHELL, long, fits, long]))
    assert [line["events"] for line in lines] == [["1"], ["3"]]
    assert err.splitlines() == [f"line {n}: longer than 1,000 bytes" for n in (2, 4)]
    assert code == 0


def test_line_ends_marks_and_empty_lines(evaluate: Eval) -> None:
    _, lines, err = evaluate.over(b"\xef\xbb\xbf" + SHELL + b"\r\n\r\n" + SHELL)
    assert [line["events"] for line in lines] == [["1"], ["3"]]
    assert err == ""
    assert evaluate.over(b"") == (0, [], "")


def test_the_time_may_stand_deeper(evaluate: Eval) -> None:
    event = {"Image": "C:\\cmd.exe", "User.name": "root", "event": {"created": "2026-01-11T00:01:40Z"}}
    [line] = evaluate(event, args=("--time-field", "event.created"))[1]
    assert line["at"] == "2026-01-11T00:01:40Z"
    code, lines, err = evaluate({**event, "event": {"created": "yesterday"}}, args=("--time-field", "event.created"))
    assert (code, lines) == (0, [])
    assert "event.created: 'yesterday' is no time" in err


def test_events_from_standard_input(evaluate: Eval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SHELL + b"\n" + SHELL)))
    assert run(["rules", "eval", "--rules", str(evaluate.folder / "rules" / "r.yml"), "-"]) == 2  # no list of people
    evaluate.capsys.readouterr()
    args = ["--rules", str(evaluate.folder / "rules"), "--watchlists", str(evaluate.folder / "lists")]
    assert run(["rules", "eval", *args, "-"]) == 0
    assert len(evaluate.capsys.readouterr().out.splitlines()) == 2


def test_strict_stops_at_the_first_bad_line(evaluate: Eval) -> None:
    code, lines, err = evaluate.over(b"\n".join([SHELL, b"{", SHELL]), ("--strict",))
    assert (code, len(lines)) == (2, 1)
    assert err.startswith("line 2: no JSON")


def test_log_sources_of_cloud_events_are_compared_and_foreign_ones_never_fit(evaluate: Eval) -> None:
    (evaluate.folder / "rules" / "r.yml").write_text(
        "---\n".join(
            f"title: r{n}\nname: r{n}\nlogsource: {source}\ndetection: {{s: {{f: 1}}, condition: s}}\n"
            for n, source in enumerate(
                (
                    "{product: almenara, category: meeting.held}",
                    "{category: meeting.held}",
                    "{product: almenara}",
                    "{product: almenara, category: statement.made}",
                    "{product: windows}",
                    "{service: sshd}",
                    "{product: almenara, service: x}",
                )
            )
        )
    )
    event = meeting("m", "2026-01-01T10:00:00Z", data={"f": 1})
    assert [line["rule"] for line in evaluate(event)[1]] == ["r0", "r1", "r2"]
    assert [line["rule"] for line in evaluate({"f": 1})[1]] == [f"r{n}" for n in range(7)]
