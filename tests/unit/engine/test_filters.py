"""Filters: documents that hold events back from the rules they name, and what cannot be one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from almenara.audit.explain import why_not
from almenara.domain.event import Event
from almenara.engine.engine import Engine
from almenara.engine.rule import AnyRule, SingleRule
from almenara.engine.ruleset import Content, Ruleset, build
from sigma_rules import FILES, faults_of

RULE = """title: A watched meeting
name: meeting
id: 6f3e2987-db24-4c78-a860-b4f4095a7095
logsource: {product: almenara, category: meeting.held}
detection: {sel: {who: [ana, ben, eva]}, condition: sel}
"""
COUNT = """---
title: Several meetings
name: several
correlation: {type: event_count, rules: [meeting], group-by: [place], timespan: 1d, condition: {gte: 2}}
"""
OTHER = (
    "---\ntitle: Other\nname: other\nlogsource: {category: statement.made}\ndetection: {s: {who: ana}, condition: s}\n"
)


def filter_(
    body: str, *, title: str = "Ana is one of us", logsource: str = "{product: almenara}", more: str = ""
) -> str:
    return f"---\ntitle: {title}\nlogsource: {logsource}\nfilter:\n  rules: [meeting]\n{body}{more}"


ANA = filter_("  selection: {who: ana}\n  condition: selection\n")
BEN = filter_("  selection: {who: ben}\n  condition: not selection\n", title="Ben too")


def made(*texts: str) -> Ruleset:
    return build(Content({**FILES, "rules/r.yml": "".join(texts)}))


def meeting(who: str, day: str = "2030-03-01T12:00:00Z", *, uid: str = "", **data: Any) -> Event:
    at = datetime.fromisoformat(day).astimezone(UTC)
    uid = uid or f"{who}-{day}"
    data = {"who": who, "place": "Lima", **data}
    return Event(id=uid, source="t", type="meeting.held", time=at, recorded=at, country="PER", data=data)


def told(ruleset: Ruleset, *events: Event) -> list[str]:
    """Of whom the rules say something."""
    engine = Engine(ruleset)
    return [f"{d.rule}: {d.events[-1].data['who']}" for event in events for d in engine.apply(event).detections]


def rule(ruleset: Ruleset, name: str = "meeting") -> AnyRule:
    return ruleset.by_name[name]


ALL_THREE = [meeting("ana"), meeting("ben"), meeting("eva")]


@pytest.mark.parametrize(
    "condition",
    [
        "selection", "not selection", "1 of sel*", "not 1 of selection", "all of them", "not all of them",
        "selection and not never", "not (selection and not never)", "never or selection", "not never and not selection",
    ],
)  # fmt: skip
def test_a_filter_takes_away_whichever_way_it_is_written(condition: str) -> None:
    never = "" if "them" in condition else "  never: {who: nobody}\n"
    held = filter_(f"  selection: {{who: ana}}\n{never}  condition: {condition}\n")
    assert told(made(RULE, held), *ALL_THREE) == ["meeting: ben", "meeting: eva"]


def test_several_filters_on_one_rule() -> None:
    assert told(made(RULE, ANA, BEN), *ALL_THREE) == ["meeting: eva"]


def test_a_filter_may_stand_in_another_file_and_before_its_rule() -> None:
    files = {**FILES, "rules/a.yml": ANA, "rules/b.yml": RULE}
    assert told(build(Content(files)), *ALL_THREE) == ["meeting: ben", "meeting: eva"]


@pytest.mark.parametrize(
    ("rules", "logsource"),
    [
        ("meeting", "{product: almenara}"),
        ("[meeting]", "{category: meeting.held}"),
        ("[meeting, other]", "{product: almenara}"),
        ("6F3E2987-DB24-4C78-A860-B4F4095A7095", "{product: almenara, category: meeting.held}"),
        ("any", "{product: almenara}"),
        ("[any]", "{category: meeting.held}"),
    ],
)
def test_the_rules_of_a_filter(rules: str, logsource: str) -> None:
    other = OTHER.replace("{category: statement.made}", "{product: almenara, category: statement.made}")
    held = ANA.replace("rules: [meeting]", f"rules: {rules}").replace("{product: almenara}", logsource)
    assert told(made(RULE, other, held), *ALL_THREE) == ["meeting: ben", "meeting: eva"]


def test_any_is_any_rule_of_the_log_source() -> None:
    held = ANA.replace("[meeting]", "any").replace("{product: almenara}", "{category: meeting.held}")
    ruleset = made(RULE, OTHER, held)
    assert [len(r.filters) for r in ruleset.rules if isinstance(r, SingleRule)] == [1, 0]


def test_what_is_held_back_from_a_rule_is_held_back_from_correlations_over_it() -> None:
    events = [meeting("ana", uid="1"), meeting("ana", uid="2"), meeting("eva", uid="3")]
    assert told(made(RULE, COUNT), *events)[0] == "several: ana"
    assert told(made(RULE, COUNT, ANA), *events) == []


def test_a_filter_may_look_into_a_watchlist() -> None:
    held = filter_("  selection: {'who|expand': '%contacts%'}\n  condition: selection\n")
    wide = RULE.replace("[ana, ben, eva]", "'*'")
    assert told(made(wide, held), meeting("Pepe"), meeting("eva")) == ["meeting: eva"]


def test_what_people_may_know_of_a_filter() -> None:
    own = "almenara: {owner: desk-lima, reason: She is our own host., expires: 2030-03-01}\n"
    found = rule(made(RULE, filter_("  selection: {who: ana}\n  condition: selection\n", more=own), BEN))
    assert isinstance(found, SingleRule)
    first, second = found.filters
    assert (first.name, first.owner, first.reason, first.expires) == (
        "Ana is one of us", "desk-lima", "She is our own host.", "2030-03-01",
    )  # fmt: skip
    assert (second.name, second.owner, second.expires) == ("Ben too", "", "")
    assert (first.file, first.line) == ("rules/r.yml", 7)


def test_a_filter_ends_with_its_last_day_where_the_event_happened() -> None:
    own = "almenara: {owner: desk-lima, reason: She is our own host., expires: 2030-03-01}\n"
    zones = {"lexicons/zones.csv": "country,zone\nPER,America/Lima\n"}
    text = RULE + filter_("  selection: {who: ana}\n  condition: selection\n", more=own)
    ruleset = build(Content({**FILES, **zones, "rules/r.yml": text}))
    evening = meeting("ana", "2030-03-02T04:59:00Z")  # still 1 March in Lima
    night = meeting("ana", "2030-03-02T05:00:00Z")
    assert told(ruleset, evening) == []
    assert told(ruleset, night) == ["meeting: ana"]
    engine = Engine(ruleset)
    assert engine.plain(evening) == []
    assert engine.plain(night)


def test_one_filter_can_be_left_out() -> None:
    found = rule(made(RULE, ANA, BEN))
    assert isinstance(found, SingleRule)
    without = msgspec.structs.replace(found, filters=found.filters[1:])
    assert without.expression == rule(made(RULE, BEN)).expression  # type: ignore[union-attr]
    assert msgspec.structs.replace(found, filters=()).expression == rule(made(RULE)).expression  # type: ignore[union-attr]


def test_a_compiled_rule_with_filters_can_be_stored() -> None:
    found = rule(made(RULE, ANA, BEN))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=AnyRule) == found


def test_a_changed_filter_starts_the_rule_and_what_stands_on_it_anew() -> None:
    def hashes(*texts: str) -> tuple[str, str]:
        ruleset = made(RULE, COUNT, *texts)
        return rule(ruleset).detection_hash, rule(ruleset, "several").detection_hash

    own = "almenara: {owner: a, reason: b, expires: 2030-03-01}\n"
    different = [hashes(), hashes(ANA), hashes(ANA, BEN), hashes(ANA.replace("ana", "eva")), hashes(ANA + own)]
    assert len(set(different)) == len(different)
    assert len({several for _, several in different}) == len(different)
    # Whom else it names, who owns it and where it stands is none of the rule's detection.
    same = OTHER.replace("{category: statement.made}", "{product: almenara}")
    assert hashes(ANA) == hashes(same, ANA.replace("[meeting]", "[meeting, other]"))
    assert hashes(ANA + own) == hashes(ANA + own.replace("owner: a", "owner: c"))


def test_explain_names_the_filter() -> None:
    engine = Engine(made(RULE, ANA, BEN))
    assert why_not(engine, meeting("ana"), "meeting").lines[0] == "not matched: held back by filter Ana is one of us"
    assert why_not(engine, meeting("eva"), "meeting").lines[0] == "matched"
    assert why_not(engine, meeting("nobody"), "meeting").lines[0] == "not matched: its condition is not met"


def test_the_fields_of_a_filter_are_no_reason_of_an_alert() -> None:
    (said,) = Engine(made(RULE, ANA)).apply(meeting("eva")).detections
    assert [(m.field, m.value) for m in said.matched] == [("who", "eva")]


@pytest.mark.parametrize(
    ("changed", "line", "what", "cure"),
    [
        ({"rules: [meeting]": "rules: [several]"}, 14, "'several' is a correlation", "is made of: meeting"),
        ({"rules: [meeting]": "rules: [meetin]"}, 14, "no rule is named 'meetin'", "did you mean 'meeting'?"),
        ({"rules: [meeting]": "rules: [meeting, zzz]"}, 14, "no rule is named 'zzz'", "or any"),
        ({"rules: [meeting]": "rules: []"}, 14, "names no rule", "rules: any"),
        ({"rules: [meeting]": "rules: {a: b}"}, 14, "names no rule", "rules: any"),
        ({"rules: [meeting]": "rules: [7]"}, 14, "'7' is no name", "names or ids"),
        ({"  rules: [meeting]\n": ""}, 13, "names no rule", "rules: any"),
        ({"logsource: {product: almenara}": "logsource: {product: windows}"}, 12, "does not fit meeting", "less of it"),
        (
            {"logsource: {product: almenara}": "logsource: {service: x}", "[meeting]": "any"},
            12, "fits no rule", "rules that are there",
        ),
        ({"logsource: {product: almenara}\n": ""}, 11, "no logsource", "product: almenara"),
        ({"logsource: {product: almenara}": "logsource: {}"}, 12, "no category, no product", "product: almenara"),
        ({"logsource: {product: almenara}": "logsource: {product: 5}"}, 12, "'5' is no product", "write a name"),
        ({"condition: selection": "condition: [selection]"}, 16, "must be one text", "condition: selection"),
        ({"  condition: selection\n": ""}, 13, "no condition", "condition: selection"),
        ({"  selection: {who: ana}\n": ""}, 13, "no selection", "selection: {field"),
        ({"who: ana": "'who|expand': '%gone%'"}, 15, "no watchlist is named 'gone'", "watchlists/gone.csv"),
        ({"title: Ana is one of us\n": ""}, 11, "must have a title", "title:"),
        ({"filter:\n": "detection: {a: {b: c}}\nfilter:\n"}, 13, "a filter has no detection", "two documents"),
        ({"filter:\n": "type: filter\nfiltre:\n"}, 11, "filter must be a map", "selections and a condition"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_cannot_be_a_filter(changed: Mapping[str, str], line: int, what: str, cure: str) -> None:
    text = ANA
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    found = faults_of({"rules/r.yml": RULE + COUNT + text})
    fault = next((fault for fault in found if what in fault.what), None)
    assert fault is not None, [str(fault) for fault in found]
    assert fault.line == line
    assert cure in fault.cure


@pytest.mark.parametrize(
    ("own", "what", "cure"),
    [
        ("{owner: a}", "the filter has no reason", "add reason:"),
        ("{reason: a}", "the filter has no owner", "add owner:"),
        ("{owner: a, reason: ' '}", "the filter has no reason", "add reason:"),
        ("{owner: a, reason: b, expires: soon}", "'soon' is no day", "YYYY-MM-DD"),
        ("{owner: a, reason: b, expires: 20300301}", "'20300301' is no day", "YYYY-MM-DD"),
        ("{owner: a, reason: b, expire: 2030-03-01}", "unknown key 'expire'", "did you mean 'expires'?"),
        ("[x]", "must be a map", "indent"),
    ],
)
def test_who_says_something_of_a_filter_says_who_and_why(own: str, what: str, cure: str) -> None:
    (fault,) = faults_of({"rules/r.yml": RULE + ANA + f"almenara: {own}\n"})
    assert what in fault.what
    assert cure in fault.cure
    assert fault.line == 13


def test_what_is_wrong_in_a_filter_hides_no_wrong_name() -> None:
    broken = ANA.replace("[meeting]", "[meetin]").replace("condition: selection", "condition: selections")
    found = faults_of({"rules/r.yml": RULE + broken})
    assert [fault.line for fault in found] == [10, 12]
    assert "'meetin'" in found[0].what
    assert "'selections'" in found[1].what


def test_two_filters_of_one_name() -> None:
    (fault,) = faults_of({"rules/a.yml": RULE, "rules/b.yml": ANA, "rules/c.yml": ANA})
    assert fault.file == "rules/c.yml"
    assert "the name 'Ana is one of us' is taken" in fault.what


def test_faults_of_a_rule_are_not_told_again_by_its_filter() -> None:
    (fault,) = faults_of({"rules/r.yml": RULE.replace("condition: sel", "condition: sell") + ANA})
    assert "'sell'" in fault.what
