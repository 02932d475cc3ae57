"""Rule documents as Sigma has them: what is accepted beside the detection, and what is refused, each at its place."""

import pytest

from almenara.engine.ruleset import Content, build
from sigma_rules import faults_of

WHOLE = """title: All that Sigma has
id: 929a690e-bef0-4204-a928-ef5e620d6fcc
name: whole
related:
  - {id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9, type: derived}
taxonomy: sigma
status: test
description: |
  More than
  one line.
license: MIT
references: [https://example.org/a]
author: A, B
date: 2019/03/26
modified: 2022-10-10
logsource: {category: meeting.held, product: almenara, definition: Read this., more: x}
detection: {sel: {f: 1}, condition: sel}
fields: [f, g]
falsepositives: [Unknown]
level: high
tags: [attack.t1059.001, cve.2021-1234, tlp.clear]
scope: [server]
custom_field: {anything: [goes]}
another: 5
"""


def test_everything_that_a_rule_may_say_of_itself_is_accepted() -> None:
    (rule,) = build(Content({"rules/r.yml": WHOLE})).rules
    assert (rule.name, rule.title, rule.level) == ("whole", "All that Sigma has", "high")


@pytest.mark.parametrize("present", [("title: All that Sigma has",), ("title: All that Sigma has", "level: high")])
def test_only_title_log_source_and_detection_are_needed(present: tuple[str, ...]) -> None:
    text = "\n".join([*present, "logsource: {product: x}", "detection: {s: {f: 1}, condition: s}"])
    (rule,) = build(Content({"rules/r.yml": text})).rules
    assert rule.name == "All that Sigma has"


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("title: All that Sigma has", "title: [x]", 1, "title"),
        ("title: All that Sigma has", f"title: {'x' * 257}", 1, "256"),
        ("id: 929a690e-bef0-4204-a928-ef5e620d6fcc", "id: 7", 2, "UUID"),
        ("id: 929a690e-bef0-4204-a928-ef5e620d6fcc", "id: [x]", 2, "UUID"),
        ("name: whole", "name: 7", 3, "name"),
        ("type: derived}", "type: cousin}", 4, "cousin"),
        ("taxonomy: sigma", "taxonomy: [x]", 6, "taxonomy"),
        ("status: test", "status: young", 7, "young"),
        ("license: MIT", "license: [MIT]", 11, "license"),
        ("references: [https://example.org/a]", "references: x", 12, "references"),
        ("author: A, B", "author: [A]", 13, "author"),
        ("date: 2019/03/26", "date: someday", 14, "someday"),
        ("modified: 2022-10-10", "modified: 10/10/2022", 15, "10/10/2022"),
        ("category: meeting.held", "category: [x]", 16, "category"),
        ("fields: [f, g]", "fields: f", 18, "fields"),
        ("falsepositives: [Unknown]", "falsepositives: none", 19, "falsepositives"),
        ("level: high", "level: severe", 20, "severe"),
        ("tags: [attack.t1059.001, cve.2021-1234, tlp.clear]", "tags: attack", 21, "tags"),
        ("tags: [attack.t1059.001, cve.2021-1234, tlp.clear]", "tags: [attack]", 21, "namespace"),
        ("scope: [server]", "scope: server", 22, "scope"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_a_rule_says_wrongly_of_itself(old: str, new: str, line: int, what: str) -> None:
    assert old in WHOLE
    (fault,) = faults_of({"rules/r.yml": WHOLE.replace(old, new)})
    assert (fault.line, fault.column > 0) == (line, True)
    assert what in fault.what
    assert fault.cure


@pytest.mark.parametrize("action", ["global", "repeat", "reset"])
def test_parts_for_several_documents_are_refused_with_the_modern_form(action: str) -> None:
    (fault,) = faults_of({"rules/r.yml": f"{WHOLE}---\naction: {action}\nlevel: high\n"})
    assert fault.line == WHOLE.count("\n") + 2
    assert f"`action: {action}`" in fault.what
    assert "each rule out in full" in fault.cure


def test_several_documents_in_a_file() -> None:
    second = WHOLE.replace("name: whole", "name: other").replace("id: 929a690e", "id: 929a690f")
    rules = build(Content({"rules/r.yml": f"---\n{WHOLE}---\n\n---\n{second}...\n"})).rules
    assert [rule.name for rule in rules] == ["whole", "other"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("title: x\nlogsource: {product: x}\ndetection: {s: {f: 1}, condition: s}\ncorrelation: {}\n", "in one rule"),
        ("title: x\nlogsource: {product: x}\n", "neither detection nor correlation"),
        ("title: x\ndetection: {s: {f: 1}, condition: s}\n", "there is no logsource"),
        ("title: x\nlogsource: {definition: y}\ndetection: {s: {f: 1}, condition: s}\n", "names no category"),
        ("title: x\nlogsource: windows\ndetection: {s: {f: 1}, condition: s}\n", "must be a map"),
        ("title: x\nlogsource: {product: x}\ndetection: [s]\n", "detection must be a map"),
        ("title: x\nlogsource: {product: x}\ndetection: {condition: s}\n", "has no selection"),
    ],
)
def test_a_document_that_is_no_rule(text: str, what: str) -> None:
    found = faults_of({"rules/r.yml": text})
    assert any(what in fault.what and fault.cure for fault in found), [str(fault) for fault in found]
