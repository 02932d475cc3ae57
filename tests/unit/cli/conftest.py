"""Calls of the command line with a small configuration and an empty data folder."""

from pathlib import Path

import pytest

from cli_calls import Calls, small_config


@pytest.fixture
def almenara(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Calls:
    """The command line over a folder of the test's own."""
    return Calls(small_config(tmp_path / "config"), tmp_path / "data", capsys)
