"""The cases that the project ships, read from the checkout: for tests that replay them."""

from pathlib import Path
from typing import Final

from almenara.domain.errors import Missing
from almenara.ingest.timeline import ReadFile, Timeline, load

ROOT: Final = Path(__file__).resolve().parents[1]
CONFIG: Final = ROOT / "config"
WATCHED: Final = ("PER", "CHL")
REGION: Final = ("ARG", "BOL", "BRA", "COL", "ECU", "PRY", "URY", "VEN")


def reader(folder: Path) -> ReadFile:
    """Reads files by their path from the folder."""

    def read(path: str) -> str:
        try:
            return (folder / path).read_text(encoding="utf-8")
        except OSError as error:
            raise Missing(f"{path}: {error.strerror}") from error

    return read


def case_text(case: str) -> str:
    """The timeline of a shipped case, as text."""
    return (CONFIG / "cases" / case / "timeline.yaml").read_text(encoding="utf-8")


def load_text(case: str, text: str) -> Timeline:
    """A text read as if it stood in a case's folder."""
    return load(text, f"{case}/timeline.yaml", reader(CONFIG / "cases" / case), WATCHED, REGION)


def load_case(case: str) -> Timeline:
    """A shipped case."""
    return load_text(case, case_text(case))
