"""`config`, `migrate`, `status`, `doctor` and `run`: exit codes, shapes, cures."""

import click
import pytest

from almenara.cli.main import VERBS, cli
from cli_calls import Calls


def test_every_verb_that_help_names_exists() -> None:
    context = click.Context(cli)
    for name in VERBS:
        assert isinstance(cli.get_command(context, name), click.Command)


def test_a_sound_folder(almenara: Calls) -> None:
    found = almenara.json("config", "check")
    assert found.code == 0
    assert found.one == {"ok": True, "rules": 18, "tests": found.one["tests"], "sources": 1, "subscribers": 2}


def test_all_faults_of_all_files_at_once(almenara: Calls) -> None:
    config = almenara.config
    (config / "almenara.yaml").write_text("mode: embeded\nwatsh: {}\n")
    (config / "sources.yaml").write_text("a: {kind: fed, country: PER}\n")
    (config / "subscribers.yaml").write_text("people:\n  ana: {mail: nowhere, wants: [{levels: [hihg]}]}\n")
    (config / "rules" / "offices.yml").write_text("title: x\nname: y\n")
    found = almenara("config", "check")
    assert found.code == 2
    for place in ("almenara.yaml:1", "almenara.yaml:2", "sources.yaml:1", "subscribers.yaml:2", "offices.yml:1"):
        assert place in found.err
    faults = almenara.json("config", "check").lines
    assert len(faults) >= 5
    assert {"file", "line", "what", "cure", "column"} == set(faults[0])


def test_a_failing_rule_test_is_a_fault(almenara: Calls) -> None:
    file = almenara.config / "rules" / "sources.yml"
    file.write_text(
        file.read_text("utf-8").replace("expect: [{what: raised, events: ['1']}]", "expect: []", 1), "utf-8"
    )
    found = almenara("config", "check")
    assert found.code == 2
    assert "sources.yml:" in found.err
    assert "fails" in found.err


def test_show_masks_secrets(almenara: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMENARA_MAIL__PASSWORD", "open sesame, please")
    monkeypatch.setenv("ALMENARA_AUDIENCE__KEY", "0123456789abcdef0123")
    for args in (("config", "show"), ("config", "show", "--json")):
        found = almenara(*args)
        assert found.code == 0
        assert "sesame" not in found.out + found.err
        assert "0123456789abcdef" not in found.out + found.err
        assert "***" in found.out


def test_without_a_record_the_cure_is_named(almenara: Calls) -> None:
    for verb in (("status",), ("events", "list"), ("deliveries", "list"), ("log", "export")):
        found = almenara(*verb)
        assert found.code == 2
        assert "almenara run all" in found.err
        assert "almenara demo" in found.err
    assert not almenara.data.exists()


def test_migrate_twice(almenara: Calls) -> None:
    first, again = almenara.json("migrate").one, almenara.json("migrate").one
    assert first["before"] is None
    assert first["partitions"] == 2
    assert again["before"] == again["now"] == first["now"]


def test_status_of_an_empty_record(almenara: Calls) -> None:
    almenara("migrate")
    page = almenara.json("status").one
    assert page["healthy"] is True
    assert page["partitions"] == 2
    assert page["streams"]["events"] == 0
    assert page["behind"] == {"rules": 0, "notifier": 0, "plan": 0}
    assert page["ruleset"] is None
    assert [source["id"] for source in page["sources"]] == ["pe_palace_visits"]


def test_status_of_a_service(almenara: Calls) -> None:
    assert almenara("status", "--service", "rules").code == 1
    folder = almenara.data / "health"
    folder.mkdir(parents=True)
    (folder / "rules.json").write_text('{"at": "2020-01-01T00:00:00+00:00"}')
    assert "silent" in almenara("status", "--service", "rules").out
    almenara("migrate")
    assert almenara("status", "--quiet").code == 1


def test_doctor_names_cures(almenara: Calls) -> None:
    almenara("migrate")
    found = almenara.json("doctor")
    assert found.code == 4  # nothing listens at port 1
    states = {line["check"]: line["state"] for line in found.lines}
    assert states["configuration"] == "ok"
    assert states["record"] == "ok"
    assert states["active"] == "failed"
    assert states["mail server"] == "unreachable"
    assert all(line["cure"] for line in found.lines if line["state"] in ("failed", "unreachable"))


def test_doctor_fails_on_a_bad_folder(almenara: Calls) -> None:
    (almenara.config / "subscribers.yaml").write_text("people: []\n")
    config = almenara.config / "almenara.yaml"
    config.write_text("watch: {countries: [PER]}\n")
    assert almenara("doctor").code == 1
    assert almenara("doctor", "--service", "ticker").code == 1


def test_services_belong_to_their_mode(almenara: Calls) -> None:
    found = almenara("run", "rules")
    assert found.code == 5
    assert "run all" in found.err


def test_bad_usage_is_2(almenara: Calls) -> None:
    assert almenara("run", "everything").code == 2
    assert almenara("events", "nothing").code == 2
    assert almenara("log", "tail", "--stream", "river").code == 2
