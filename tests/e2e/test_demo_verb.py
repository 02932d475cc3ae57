"""`almenara demo` as a person starts it: told, proven, and kept out of the database that the settings name."""

import re
import sqlite3
from pathlib import Path

import pytest

from almenara.cli.main import run
from case_files import CONFIG


def test_the_demo_keeps_to_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "real.db"
    monkeypatch.setenv("ALMENARA_STORAGE__DATABASE", f"sqlite:///{real}")
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "demo"
    assert run(["demo", "--fast", "--config", str(CONFIG), "--data-dir", str(folder)]) == 0
    assert not real.exists()
    with sqlite3.connect(folder / "almenara.db") as database:
        assert database.execute("select count(*) from records").fetchone()[0] > 0
    told = capsys.readouterr().out
    case = told.partition("\nSent ")[0]
    assert [line for line in case.splitlines() if len(line) > 80 and str(tmp_path) not in line] == []
    assert not re.search(r" +$", told, re.MULTILINE)
    assert re.search(r"Replay .* identical (\d+)/\1$", told, re.MULTILINE)
    assert "(exit 3, as it must)" in told
