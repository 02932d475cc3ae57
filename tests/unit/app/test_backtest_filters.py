"""What a part of a ruleset takes away from the record, as `rules check` asks it of each filter."""

from dataclasses import replace

from almenara.adapters.memory import MemoryStore
from almenara.app.backtest import backtest
from almenara.app.backtest_filters import FilterDocument, filters_of, removed_by_filters, without
from almenara.audit.compare import Found, Range
from almenara.engine.ruleset import Content
from backtesting import really_run, source
from case_run import PARTITIONS, case_entries, changes, shipped


def filters(rule: str, category: str, *conditions: str) -> str:
    """Filter documents for one rule, the events that they hold back by their detection."""
    return "---\n".join(
        f"title: Exception {number}\nname: exception_{number}\n"
        f"logsource: {{product: almenara, category: {category}}}\n"
        f"filter:\n  rules: [{rule}]\n  held: {condition}\n  condition: held\n"
        "almenara: {owner: desk-lima, reason: tried here}\n"
        for number, condition in enumerate(conditions, start=1)
    )


def with_filters(*conditions: str, rule: str = "office_change", category: str = "office.changed") -> Content:
    content = shipped().content
    return replace(content, files={**content.files, "rules/z.yml": filters(rule, category, *conditions)})


def test_filters_are_found_with_their_place() -> None:
    content = with_filters("{office: mayor}", "{change: removed}")
    assert filters_of(content) == [
        FilterDocument("exception_1", "rules/z.yml", 1),
        FilterDocument("exception_2", "rules/z.yml", 10),
    ]
    left = without(content, "rules/z.yml", 10)
    assert filters_of(left) == [FilterDocument("exception_1", "rules/z.yml", 1)]
    assert left.files["rules/z.yml"].count("\n") == content.files["rules/z.yml"].count("\n")


def test_what_each_filter_removed_from_the_record() -> None:
    content = with_filters("{change: removed}", "{change: censured}", "{change: nothing_of_the_kind}")
    store = really_run(shipped().content, case_entries(PARTITIONS, 24))
    found = removed_by_filters(source(store), content, Range())
    assert [one.filter.name for one in found] == ["exception_1", "exception_2", "exception_3"]
    told = [
        {one.events[0].data["change"] for one in removed.alerts if one.rule == "office_change"} for removed in found
    ]
    assert told == [{"removed"}, {"censured"}, set()]
    # only what an alert loses whole is removed; a correlation that the event fed stands on the others, if they suffice
    assert found[2].alerts == ()
    # two filters of one rule: without either, what it holds back is there again, and only that
    assert not {one.uid for one in found[0].alerts} & {
        one.uid for one in found[1].alerts if one.rule == "office_change"
    }


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
