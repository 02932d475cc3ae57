"""`sources`: list, check, import of a register; a dry run stores nothing."""

from pathlib import Path

import pytest

from cli_calls import Calls

REGISTER = """Fecha,Visitante,Funcionario,Documento
05/01/2026,YANG ZHIHUA,JOSE JERI,12345678
05/01/2026,PEREZ JUAN,OTRA PERSONA,87654321
"""


@pytest.fixture
def register(tmp_path: Path) -> str:
    file = tmp_path / "visits.csv"
    file.write_text(REGISTER, "utf-8")
    return str(file)


def test_list_and_check_without_a_record(almenara: Calls) -> None:
    assert almenara.json("sources", "check").one == {"ok": True, "sources": 1}
    line = almenara.json("sources", "list").one
    assert (line["id"], line["last_read"], line["silent"]) == ("pe_palace_visits", None, False)


def test_faults_have_their_place(almenara: Calls) -> None:
    (almenara.config / "sources.yaml").write_text("a: {kind: feed, country: PER}\nb: {kind: fed}\n")
    for verb in ("check", "list"):
        found = almenara("sources", verb)
        assert found.code == 2
        assert "sources.yaml:1" in found.err
        assert "sources.yaml:2" in found.err


def test_import_a_register(almenara: Calls, register: str) -> None:
    almenara("migrate")
    words = ("sources", "import", "pe_palace_visits", register, "--covers", "2026-01-01..2026-01-15", "--by", "ana")
    dry = almenara.json(*words, "--dry-run").one
    assert (dry["stored"], dry["rows"], dry["watched_rows"]) == (False, 2, 1)
    assert almenara.json("events", "list").lines == []
    found = almenara.json(*words)
    assert found.code == 0
    assert found.one["outcome"] == "new"
    types = [event["type"] for event in almenara.json("events", "list").lines]
    assert sorted(set(types)) == ["meeting.registered", "source.checked"]
    assert almenara.json("sources", "list").one["outcome"] == "new"
    exported = almenara("log", "export").out
    assert "12345678" not in exported
    assert "PEREZ" not in exported
    # the same file again is no news, and nothing is counted twice
    again = almenara.json(*words).one
    assert again["outcome"] == "unchanged"


def test_import_with_wrong_words(almenara: Calls, register: str) -> None:
    almenara("migrate")
    assert almenara("sources", "import", "nowhere", register, "--covers", "2026-01-01", "--by", "ana").code == 2
    assert almenara("sources", "import", "pe_palace_visits", register, "--covers", "soon", "--by", "a").code == 2
    missing = almenara("sources", "import", "pe_palace_visits", "no.csv", "--covers", "2026-01-01", "--by", "a")
    assert missing.code == 2
    assert "no.csv" in missing.err


def test_try_refuses_what_is_no_feed(almenara: Calls) -> None:
    assert almenara("sources", "try", "pe_palace_visits").code == 5
    private = almenara("sources", "try", "http://127.0.0.1:9/feed")
    assert private.code == 2
    assert not almenara.data.exists()
