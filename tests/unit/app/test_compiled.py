"""Compiled rulesets are kept and found again, equal to what compiling gives; a damaged one is compiled anew."""

from pathlib import Path

import pytest

from almenara.app.compiled import KEPT, CompiledRulesets
from almenara.domain.errors import Faulty
from almenara.engine.ruleset import Content, build
from case_run import shipped

RULE = """
title: T
name: {name}
logsource: {{product: almenara, category: meeting.held}}
detection: {{s: {{'a|contains': {text}}}, condition: s}}
"""


def content(text: str = "x", name: str = "t") -> Content:
    return Content({"rules/r.yml": RULE.format(name=name, text=text)})


def test_what_is_found_again_is_what_was_compiled(tmp_path: Path) -> None:
    compiled = CompiledRulesets(tmp_path)
    for made in (shipped().content, content()):
        assert compiled.ruleset(made).rules == build(made).rules
        assert compiled.ruleset(made).rules == build(made).rules
    assert len(list(tmp_path.glob("*.msgpack"))) == 2


def test_a_set_that_is_kept_is_not_compiled_again(tmp_path: Path) -> None:
    CompiledRulesets(tmp_path).ruleset(content())
    (path,) = tmp_path.iterdir()
    CompiledRulesets(tmp_path).ruleset(content("other"))
    other = next(found for found in tmp_path.iterdir() if found != path)
    path.write_bytes(other.read_bytes())
    # Nobody but this test writes there; it shows that the file is what is used.
    assert CompiledRulesets(tmp_path).ruleset(content()).rules == build(content("other")).rules


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x91\x01", b"half"])
def test_a_file_that_is_damaged_is_replaced(tmp_path: Path, body: bytes) -> None:
    CompiledRulesets(tmp_path).ruleset(content())
    (path,) = tmp_path.iterdir()
    path.write_bytes(body)
    assert CompiledRulesets(tmp_path).ruleset(content()).rules == build(content()).rules
    assert path.read_bytes() != body


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert CompiledRulesets(tmp_path / "file" / "folder").ruleset(content()).rules == build(content()).rules


def test_faults_are_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Faulty):
        CompiledRulesets(tmp_path).ruleset(Content({"rules/r.yml": "title: T\n"}))
    assert not list(tmp_path.iterdir())


def test_old_sets_are_removed(tmp_path: Path) -> None:
    compiled = CompiledRulesets(tmp_path)
    for number in range(KEPT + 3):
        compiled.ruleset(content(f"x{number}"))
    assert len(list(tmp_path.iterdir())) == KEPT


def test_a_number_that_cannot_be_written_is_compiled_and_not_kept(tmp_path: Path) -> None:
    large = content().files["rules/r.yml"].replace("'a|contains': x", "'a|gt': 100000000000000000000")
    made = Content({"rules/r.yml": large})
    assert CompiledRulesets(tmp_path).ruleset(made).rules == build(made).rules
