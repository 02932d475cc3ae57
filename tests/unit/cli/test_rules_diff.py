"""`rules diff`: rulesets named by folder, by hash and by `active`."""

import shutil
from pathlib import Path

import pytest

from cli_calls import Calls


@pytest.fixture
def other(almenara: Calls, tmp_path: Path) -> Path:
    """A copy of the folder with the level of one rule and the detection of another changed."""
    folder = tmp_path / "other"
    shutil.copytree(almenara.config, folder)
    swaps = {"offices.yml": ("level: medium", "level: high"), "lists_and_policy.yml": ("[USA, CHN]", "[USA, CHN, RUS]")}
    for name, (old, new) in swaps.items():
        file = folder / "rules" / name
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
    return folder


def test_two_folders(almenara: Calls, other: Path) -> None:
    found = almenara("rules", "diff", str(almenara.config), str(other))
    assert found.code == 0
    for line in (
        "level  medium → high",
        "+ toward: {target.country: [USA, CHN, RUS]}",
        "keeps its state",
        "starts anew",
    ):
        assert line in found.out
    assert not almenara.data.exists()  # no record was asked


def test_active_hashes_and_the_folder(almenara: Calls, other: Path) -> None:
    almenara("migrate")
    first = almenara.json("rules", "activate", "--reason", "first", "--by", "ana").one["hash"]
    shutil.copytree(other, almenara.config, dirs_exist_ok=True)
    second = almenara.json("rules", "activate", "--reason", "second", "--by", "ana").one["hash"]
    by_hash = almenara.json("rules", "diff", first[:6], second).one
    assert (by_hash["a"], by_hash["b"], by_hash["same"]) == (first, second, False)
    assert [rule["rule"] for rule in by_hash["rules"]] == ["policy_shift", "office_change"]
    assert almenara.json("rules", "diff", first[:8], "active").one == by_hash
    assert almenara.json("rules", "diff", first, str(other / "rules")).one == by_hash  # rules alone, our own lists
    assert almenara.json("rules", "diff").one["same"] is True  # active against the folder


def test_names_that_lead_nowhere(almenara: Calls, other: Path) -> None:
    almenara("migrate")
    assert "no ruleset is active" in almenara("rules", "diff").err
    almenara("rules", "activate", "--reason", "first", "--by", "ana")
    for name, said in (("abc", "first 6 or more"), ("nowhere", "name a folder"), ("000000", "activated were: ")):
        found = almenara("rules", "diff", name)
        assert (found.code, said in found.err) == (2, True), found.err
    (other / "rules" / "offices.yml").write_text("title: [\n")
    found = almenara("rules", "diff", str(other))
    assert (found.code, f"{other}/rules/offices.yml:2" in found.err) == (2, True), found.err
