"""What a part of a ruleset takes away from the record, as `rules check` asks it of each filter."""

from almenara.adapters.memory import MemoryStore
from almenara.app.backtest import backtest
from almenara.app.backtest_filters import FilterDocument, filters_of, removed_by_filters, without
from almenara.audit.compare import Found, Range
from almenara.engine.ruleset import Content
from backtesting import really_run, source
from case_run import PARTITIONS, case_entries, changes, shipped

FILTER = """title: A
name: a
logsource: {product: almenara, category: meeting.held}
detection: {any: {'k|exists': true}, condition: any}
---
title: Nothing of this source
name: not_that_one
logsource: {product: almenara, category: meeting.held}
filter:
  rules: [a]
  that: {k: x}
  condition: not that
"""


def test_filters_are_found_with_their_place() -> None:
    content = Content({"rules/b.yml": FILTER, "watchlists/x.csv": "id,name\n"})
    assert filters_of(content) == [FilterDocument("not_that_one", "rules/b.yml", 6)]
    left = without(content, "rules/b.yml", 6)
    assert filters_of(left) == []
    assert left.files["rules/b.yml"] == FILTER[: FILTER.index("title: Nothing")] + "\n" * 7


def test_what_a_document_adds_is_what_is_gone_without_it() -> None:
    content = shipped().content
    store = really_run(content, case_entries(PARTITIONS, 24))
    strong = shipped().ruleset.by_name["strong_statement"]
    compared = backtest(source(store), content, without(content, strong.file, strong.line), Range()).compared
    raised = {one.alert.uid for one in changes(store) if one.alert.rule == strong.name}
    assert raised
    assert {(one.found, one.alert.uid) for one in compared.alerts} == {(Found.LOST, uid) for uid in raised}


def test_a_ruleset_without_filters_has_nothing_removed() -> None:
    assert removed_by_filters(source(MemoryStore(1)), shipped().content, Range()) == []
