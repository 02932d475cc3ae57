"""`events`, `log`: publish, add, correct, withdraw; what is refused is told, with its reason and exit code 2."""

import json
from pathlib import Path

import pytest

from case_files import CONFIG
from cli_calls import DESIGNATION, Calls


@pytest.fixture
def ready(almenara: Calls) -> Calls:
    almenara("migrate")
    return almenara


def write(path: Path, *events: object) -> str:
    path.write_text("".join(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events), "utf-8")
    return str(path)


def test_publish_tells_what_was_rejected_and_why(ready: Calls, tmp_path: Path) -> None:
    bad = {**DESIGNATION, "id": "d-2", "country": "Peru"}
    file = write(tmp_path / "e.jsonl", DESIGNATION, "{oops", bad, {**DESIGNATION, "id": "d-3", "type": "tick"})
    found = ready.json("events", "publish", file)
    assert found.code == 2
    assert (found.one["accepted"], found.one["repeated"]) == (1, 0)
    assert [refused["reason"] for refused in found.one["rejected"]] == ["undecodable", "bad_country", "unknown_type"]
    assert [refused["item"].split(" ")[0] for refused in found.one["rejected"]] == [f"{file}:{n}" for n in (2, 3, 4)]
    again = ready.json("events", "publish", write(tmp_path / "again.jsonl", DESIGNATION))
    assert (again.code, again.one["accepted"], again.one["repeated"]) == (0, 0, 1)
    rejected = ready.json("log", "tail", "--stream", "rejected").lines
    assert sorted(line["body"]["reason"] for line in rejected) == ["bad_country", "undecodable", "unknown_type"]


def test_publish_a_timeline_and_list_it(ready: Calls) -> None:
    found = ready.json("events", "publish", str(CONFIG / "cases" / "peru" / "timeline.yaml"))
    assert found.code == 0
    assert found.one["accepted"] > 20
    listed = ready.json("events", "list", "--type", "meeting.held", "--country", "PER").lines
    assert {event["type"] for event in listed} == {"meeting.held"}
    assert all(event["position"].startswith("events/") and event["specversion"] == "1.0" for event in listed)
    shown = ready.json("events", "show", listed[0]["id"]).one
    assert shown == listed[0]
    assert ready.json("events", "list", "--limit", "2").lines[-1]["recorded"] >= listed[-1]["recorded"]


def test_a_timeline_with_faults_is_not_taken_at_all(ready: Calls, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("items:\n  - {id: a, type: meeting.held, day: '2026-01-01', country: PER, data: {}}\n")
    found = ready("events", "publish", str(file))
    assert found.code == 2
    assert f"{file}:2" in found.err
    assert ready.json("events", "list").lines == []


def test_publish_a_file_that_is_not_there(ready: Calls, tmp_path: Path) -> None:
    found = ready("events", "publish", str(tmp_path / "no.jsonl"))
    assert found.code == 2
    assert "cannot be read" in found.err


def test_add_correct_and_withdraw(ready: Calls, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"title": "Uno"}')
    entry = ("events", "add", "--type", "article.published", "--time", "2026-01-11T17:00:00-05:00")
    rest = ("--country", "PER", "--data", f"@{data}", "--by", "ana")
    added = ready.json(*entry, *rest).one
    (uid,) = added["ids"]
    assert ready.json(*entry, *rest).one["repeated"] == 1
    shown = ready.json("events", "show", uid).one
    assert (shown["source"], shown["time"]) == ("hand/ana", "2026-01-11T22:00:00Z")
    why = ("--by", "ana", "--reason", "a slip")
    assert ready("events", "correct", uid, "--data", '{"title": "Dos"}', *why).code == 0
    assert ready("events", "withdraw", uid, *why).code == 0
    corrected = ready.json("events", "list", "--type", "event.corrected").one
    assert corrected["data"]["of"] == uid
    assert corrected["data"]["event"]["data"] == {"title": "Dos"}
    assert corrected["data"]["event"]["type"] == "article.published"
    assert ready.json("events", "list", "--type", "event.withdrawn").one["data"]["reason"] == "a slip"
    assert ready("events", "withdraw", "no-such-event", *why).code == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--time", "yesterday"), ("--time", "2026-01-11T17:00:00"), ("--data", "[1]"), ("--data", "{"), ("--data", "@no")],
)
def test_a_slip_of_the_hand_is_told_and_not_recorded(ready: Calls, option: str, value: str) -> None:
    given = {"--type": "article.published", "--time": "2026-01-11T17:00:00Z", "--country": "PER", "--data": "{}"}
    words = [word for pair in ({**given, option: value}).items() for word in pair]
    assert ready("events", "add", *words, "--by", "ana").code == 2
    assert ready("events", "add", *words, "--by", "ana", "--country", "peru").code == 2
    assert ready.json("log", "tail", "--stream", "rejected").lines == []


def test_export_holds_the_exact_bytes(ready: Calls, tmp_path: Path) -> None:
    import base64

    from almenara.ports.log import GENESIS, Entry, chain_of

    ready("events", "publish", write(tmp_path / "e.jsonl", DESIGNATION))
    file = tmp_path / "log.jsonl"
    assert ready("log", "export", "--output", str(file)).code == 0
    (line,) = [json.loads(text) for text in file.read_text("utf-8").splitlines()]
    entry = Entry(line["stream"], line["key"], line["id"], base64.b64decode(line["bytes"]))
    assert chain_of(GENESIS, entry, line["partition"], line["sequence"]).hex() == line["chain"]
    assert line["body"]["id"] == "d-1"
