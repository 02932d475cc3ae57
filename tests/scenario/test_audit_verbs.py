"""The verbs of rules, explain and audit over a real record: what they answer, and that a flipped byte is found."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.clock import SystemClock
from almenara.app.isolation import no_network
from almenara.app.loops import listening
from almenara.app.settings import load_settings
from almenara.app.standalone import Standalone
from almenara.app.stores import open_store
from almenara.domain.errors import Refused
from almenara.ports.log import ALERTS, EVENTS
from bad_input import line
from cli_calls import Calls, small_config


@pytest.fixture
def almenara(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Calls]:
    """The command line over a record in which one alert was raised and told."""
    with SmtpSink(tmp_path / "mails") as sink:
        calls = Calls(small_config(tmp_path / "config", mail_port=sink.port), tmp_path / "data", capsys)
        settings = load_settings(calls.config, {}, {"data_dir": str(calls.data)})
        with closing(open_store(settings, create=True)) as store:
            parts = Standalone(store, calls.config, settings, SystemClock())
            parts.start()
            file = tmp_path / "events.jsonl"
            file.write_bytes(line("d-1"))
            assert calls("events", "publish", str(file)).code == 0
            parts.tick()
            parts.pump()
            parts.send()
            assert len(sink.mails()) == 1
        yield calls


def flip(database: Path, stream: str) -> str:
    """Alters one byte of the newest record of a stream behind the back of the program; returns its position."""
    with closing(sqlite3.connect(database, isolation_level=None)) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        where = "stream = ? AND CAST(body AS TEXT) LIKE '%A designation%'"
        query = f"SELECT partition, sequence, body FROM records WHERE {where} ORDER BY sequence DESC"
        partition, sequence, body = file.execute(query, [stream]).fetchone()
        altered = bytes(body).replace(b"A designation", b"B designation", 1)
        assert altered != body
        change = "UPDATE records SET body = ? WHERE stream = ? AND partition = ? AND sequence = ?"
        file.execute(change, [altered, stream, partition, sequence])
    return f"{stream}/{partition}/{sequence}"


def test_an_alert_is_explained_and_so_is_an_event_that_raised_none(almenara: Calls) -> None:
    cite = almenara.json("alerts", "list").one["id"]
    why = almenara("explain", cite)
    assert why.code == 0
    for word in (cite, "rule major_designation", "ruleset", "engine semantics 3", "raised", "events/"):
        assert word in why.out
    told = almenara("explain", cite, "--to", "ana")
    assert (told.code, "delivered" in told.out) == (0, True)
    assert almenara("explain", cite, "--to", "ben").code == 0
    assert almenara.json("explain", "d-1", "--rule", "major_designation").one["lines"]
    assert almenara.json("explain", "d-1", "--rule", "strong_statement").one["lines"]
    assert almenara("explain", "ALM-0000-0000").code == 2


def test_the_verbs_of_rules(almenara: Calls, tmp_path: Path) -> None:
    assert almenara("rules", "test").code == 0
    names = {rule["name"] for rule in almenara.json("rules", "list").lines}
    assert "major_designation" in names
    again = almenara.json("rules", "activate", "--reason", "again", "--by", "ana")
    assert again.code == 0
    file = almenara.config / "rules" / "sources.yml"
    file.write_text(file.read_text("utf-8").replace("expect: [{what: raised", "expect: [{what: updated", 1), "utf-8")
    failed = almenara("rules", "test")
    assert (failed.code, "FAILED" in failed.out) == (1, True)
    assert almenara("rules", "activate", "--reason", "no", "--by", "ana").code == 2


@pytest.mark.parametrize("stream", [ALERTS, EVENTS])
def test_a_flipped_byte_is_found_and_named(almenara: Calls, stream: str) -> None:
    assert almenara.json("audit", "replay").one["identical"] is True
    assert almenara.json("audit", "verify").one["ok"] is True
    position = flip(almenara.data / "almenara.db", stream)
    found = almenara.json("audit", "verify")
    assert found.code == 3
    assert position in json.loads(found.out.splitlines()[0])["fault"]
    replayed = almenara("audit", "replay")
    assert replayed.code == 3
    assert "alerts/" in replayed.err


def test_nothing_is_reached_while_the_network_is_off() -> None:
    with listening("127.0.0.1:0") as open_, closing(socket.socket()) as one, closing(socket.socket()) as two:
        open_.listen()
        with no_network(), pytest.raises(Refused, match="network is off"):
            one.connect(open_.getsockname())
        two.connect(open_.getsockname())
