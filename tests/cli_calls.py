"""Calling the command line inside a test, and a configuration folder of the test's own."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from almenara.cli.main import run
from case_files import CONFIG


@dataclass(frozen=True, slots=True)
class Called:
    """What one call came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects of --json."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def one(self) -> dict[str, Any]:
        """The only object of --json."""
        (found,) = self.lines
        return found


@dataclass(slots=True)
class Calls:
    """Calls with one configuration folder and one data folder."""

    config: Path
    data: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: str) -> Called:
        """Runs a verb as typed."""
        self.capsys.readouterr()
        code = run([*args, "--config", str(self.config), "--data-dir", str(self.data)])
        out, err = self.capsys.readouterr()
        return Called(code, out, err)

    def json(self, *args: str) -> Called:
        """The same with --json."""
        return self(*args, "--json")


def small_config(folder: Path, *, mail_port: int = 1) -> Path:
    """A copy of the shipped configuration without feeds, its mail server at a port of this machine."""
    folder.mkdir()
    for part in ("rules", "watchlists", "lexicons", "lists"):
        shutil.copytree(CONFIG / part, folder / part)
    (folder / "almenara.yaml").write_text(
        "data_dir: data\n"
        "watch: {countries: [PER, CHL], targets: [USA, CHN]}\n"
        "time: {tick: 1s}\n"
        "kafka: {partitions: 2}\n"
        f"mail: {{host: 127.0.0.1, port: {mail_port}, security: none, from: alertas@example.org}}\n"
    )
    (folder / "sources.yaml").write_text(
        "pe_palace_visits: {kind: register_import, country: PER, zone: America/Lima, covers: visits}\n"
    )
    (folder / "subscribers.yaml").write_text(
        "people:\n"
        "  ana: {mail: ana@example.org, language: es, wants: [{countries: [PER], levels: [high, critical]}]}\n"
        "  ben: {mail: ben@example.org, language: en, wants: [{tags: [policy_shift]}]}\n"
    )
    return folder


DESIGNATION: dict[str, Any] = {
    "specversion": "1.0",
    "id": "d-1",
    "source": "test",
    "type": "designation.made",
    "time": "2026-02-03T12:00:00Z",
    "country": "PER",
    "data": {
        "designation": {"kind": "major_non_nato_ally"},
        "affected": {"country": "PER"},
        "summary": {"en": "A designation.", "es": "Una designación."},
        "countries": {"affected": ["PER"]},
    },
}
"""An event that the shipped rule `major_designation` (high) answers at once."""
