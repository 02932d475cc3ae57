"""Importing the list of Chinese military companies: editions become events once, however often the file comes."""

from pathlib import Path
from typing import Any

import pytest

from case_files import CONFIG
from cli_calls import Calls

LIST = CONFIG / "lists" / "us_1260h.csv"


@pytest.fixture
def lists(almenara: Calls) -> Calls:
    (almenara.config / "sources.yaml").write_text(
        "us_1260h: {kind: list_edition, country: USA}\nus_visa: {kind: list_edition, country: USA}\n"
    )
    almenara("migrate")
    return almenara


def imported(lists: Calls, file: Path) -> dict[str, Any]:
    done = lists.json("sources", "import", "us_1260h", str(file), "--by", "desk")
    return {"code": done.code, **done.one}


def part(tmp_path: Path, rows: slice) -> Path:
    """The list with some of its rows."""
    head, *body = LIST.read_text("utf-8").splitlines(keepends=True)
    file = tmp_path / "part.csv"
    file.write_text("".join([head, *body[rows]]), "utf-8")
    return file


def test_the_second_reading_adds_only_what_is_new(lists: Calls, tmp_path: Path) -> None:
    first = imported(lists, part(tmp_path, slice(0, -1)))
    second = imported(lists, LIST)
    third = imported(lists, LIST)
    assert (first["outcome"], second["outcome"], third["outcome"]) == ("new", "new", "unchanged")
    assert first["accepted"] == first["changes"] + 1  # and the reading
    assert second["accepted"] - 1 == second["changes"] - second["repeated"] > 0
    assert third["accepted"] == 1


def test_a_shrunk_file_withdraws_nobody(lists: Calls, tmp_path: Path) -> None:
    imported(lists, LIST)
    shrunk = imported(lists, part(tmp_path, slice(0, 40)))
    assert (shrunk["code"], shrunk["outcome"], shrunk["accepted"]) == (1, "shrunk", 1)


def test_another_list_is_refused_with_the_way_to_do_it(lists: Calls) -> None:
    done = lists("sources", "import", "us_visa", str(LIST), "--by", "desk")
    assert done.code == 2
    assert "docs/timeline-format.md" in done.err
