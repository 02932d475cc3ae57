"""docs/sigma.md is whole: every modifier and correlation type of pySigma stands in it, each test it names exists."""

import re
from pathlib import Path

import pytest
from sigma.correlations import SigmaCorrelationType
from sigma.modifiers import modifier_mapping

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sigma.md").read_text("utf-8")
_CELL = re.compile(r"(?<!\\)\|")


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, below its head."""
    part = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in _CELL.split(line)[1:-1]] for line in lines[2:]]


TESTED = [row for section in ("Values and fields", "Modifiers", "Conditions", "Documents") for row in rows(section)]
NAMED = [row[2].strip("`") for row in [*TESTED, *rows("Correlations")] if row[2]]


def names(section: str) -> set[str]:
    """What stands in backquotes in the first column."""
    return {name for row in rows(section) for name in re.findall(r"`([^`]+)`", row[0])}


def test_every_modifier_is_explained() -> None:
    assert set(modifier_mapping) - names("Modifiers") == set()


def test_every_correlation_type_is_explained() -> None:
    assert {kind.name.lower() for kind in SigmaCorrelationType} - names("Correlations") == set()


@pytest.mark.parametrize("row", TESTED, ids=lambda row: row[0])
def test_every_feature_names_its_test(row: list[str]) -> None:
    assert "::" in row[2]


@pytest.mark.parametrize("test", NAMED)
def test_the_test_is_there(test: str) -> None:
    file, _, function = test.partition("::")
    path = ROOT / file if "/" in file else ROOT / "tests" / "content" / file
    assert f"\ndef {function}(" in path.read_text("utf-8")
