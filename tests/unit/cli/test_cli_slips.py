"""What a slip of the hand gets: one line that names the place, exit 2, never a traceback."""

from pathlib import Path

import pytest

from almenara.cli.main import run
from cli_calls import Calls


@pytest.fixture
def ready(almenara: Calls) -> Calls:
    """With a record."""
    assert almenara("migrate").code == 0
    return almenara


def test_a_verb_mistyped_names_the_nearest(almenara: Calls) -> None:
    found = almenara("alert", "list")
    assert found.code == 2
    assert "'alerts'" in found.err


@pytest.mark.parametrize("number", ["2", "-1"])
def test_a_partition_that_is_not_there_is_not_called_identical(ready: Calls, number: str) -> None:
    found = ready("audit", "replay", "--partition", number)
    assert found.code == 2
    assert "0 to 1" in found.err


def test_a_state_that_no_delivery_has(ready: Calls) -> None:
    assert ready("deliveries", "list", "--state", "sent").code == 2


def test_files_where_folders_belong(almenara: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert run(["alerts", "list", "--data-dir", str(file)]) == 2
    assert "is a file; name the folder" in capsys.readouterr().err
    assert run(["rules", "check", "--config", str(almenara.config / "almenara.yaml")]) == 2
    assert "name the folder" in capsys.readouterr().err
    assert run(["demo", "--config", str(almenara.config), "--data-dir", str(file)]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_the_record_of_a_folder_is_used_whatever_database_the_settings_name(
    almenara: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    almenara("migrate")
    monkeypatch.setenv("ALMENARA_STORAGE__DATABASE", f"sqlite:///{tmp_path / 'other' / 'real.db'}")
    assert almenara("alerts", "list").code == 0
    assert not (tmp_path / "other").exists()
