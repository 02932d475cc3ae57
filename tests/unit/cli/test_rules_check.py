"""`rules check` and `rules test` as a user meets them: a folder full of faults, told at once; a test that fails."""

import re
from pathlib import Path

import pytest

from cli_calls import Calls

FILES = {
    "rules/a_meetings.yml": """title: A meeting
name: meeting
status: brand-new
level: severe
logsource: {product: almenara, category: meeting.held}
detection:
  listed: {'counterpart.id|expand': '%cn_contact%'}
  other: {'official.id|strtswith': Jeri}
  condition: listed and othr
---
title: An entry
name: entry
logsource: {product: almenara, category: meeting.registered}
detection: {e: {'host.id|exists': true}, condition: e}
---
title: Not registered
name: unregistered
correlation:
  type: temporal
  rules: [meeting, entry]
  group-by: [official]
  timespan: soon
  condition: meeting and not entry
almenara:
  onwer: desk-lima
  absence: {anchor: entry, gracee: 6h, publish_lag: 3 days}
""",
    "rules/b_broken.yml": """title: Broken
name: broken
  logsource: {product: almenara
---
title: Behind the broken one
name: entry
logsource: {product: almenara}
detection: {e: {f: 1}, condition: e and}
""",
    "rules/c_counts.yml": """title: Rare
name: rare
correlation:
  type: event_count
  rules: [meetng, meeting]
  timespan: 2d
  condition: {gte: 0}
---
title: Two patterns
name: patterns
logsource: {product: almenara}
detection:
  s: {'x|re': '(?<=a)b', 'y|expand': '%gone%'}
  t: {'x|re': 'a('}
  condition: s or tu
almenara: {say: {en: hello}, tests: [1]}
""",
    "watchlists/cn_contacts.csv": "id,name,kind,lnk,valid_from\np-1,One,,,2024-13-01\np-1,Two,,,\n,Three,,,\n",
    "lexicons/hostile_en.csv": "term,weight\nsmear,1.5\n",
    "lexicons/zones.csv": "country,zone\nPER,Lima\n",
    "lists/countries.csv": "alpha3,name_en\nPER,Peru\n",
}
FAULTS = [
    ("lexicons/hostile_en.csv:2", "a line is one term and its weight", "write term,0.5"),
    ("lexicons/zones.csv:2", "'Lima' is no time zone", "America/Lima"),
    ("lists/countries.csv:1", "no column name_es", "columns: alpha3"),
    ("rules/a_meetings.yml:3:1", "'brand-new'", "stable"),
    ("rules/a_meetings.yml:4:1", "'severe'", "critical"),
    ("rules/a_meetings.yml:7:12", "no watchlist is named 'cn_contact'", "did you mean 'cn_contacts'?"),
    ("rules/a_meetings.yml:8:11", "'strtswith'", "did you mean 'startswith'?"),
    ("rules/a_meetings.yml:9:3", "names 'othr'", "did you mean 'other'?"),
    ("rules/a_meetings.yml:22:3", "'soon'", "36h"),
    ("rules/a_meetings.yml:25:3", "unknown key 'onwer'", "did you mean 'owner'?"),
    ("rules/a_meetings.yml:26:13", "'entry' is not the rule that must be there", "anchor: meeting"),
    ("rules/a_meetings.yml:26:28", "unknown key 'gracee'", "did you mean 'grace'?"),
    ("rules/a_meetings.yml:26:40", "'3 days' is not a duration", "36h"),
    ("rules/b_broken.yml:3:12", "not YAML", "check indents"),
    ("rules/b_broken.yml:6:1", "the name 'entry' is taken", "rules/a_meetings.yml:12"),
    ("rules/b_broken.yml:8:24", "end of text at its character 6 is unexpected", "check brackets"),
    ("rules/c_counts.yml:5:11", "no rule is named 'meetng'", "did you mean 'meeting'?"),
    ("rules/c_counts.yml:7:3", "holds always", "write gte: 1"),
    ("rules/c_counts.yml:13:7", "'(?<=a)b' is invalid", "no look-around"),
    ("rules/c_counts.yml:13:26", "no watchlist is named 'gone'", "add watchlists/gone.csv"),
    ("rules/c_counts.yml:14:7", "'a(' is invalid", "check its brackets"),
    ("rules/c_counts.yml:15:3", "names 'tu'", "did you mean 't'?"),
    ("rules/c_counts.yml:16:12", "no sentence in es", "add es"),
    ("rules/c_counts.yml:16:30", "must be a list of maps", "events and expect"),
    ("watchlists/cn_contacts.csv:1", "unknown column 'lnk'", "columns: id,name"),
    ("watchlists/cn_contacts.csv:2", "'2024-13-01' is no date", "YYYY-MM-DD"),
    ("watchlists/cn_contacts.csv:3", "the id 'p-1' stands in line 2 too", "keep one row"),
    ("watchlists/cn_contacts.csv:4", "must not be empty", "remove the row"),
]


@pytest.fixture
def faulty(almenara: Calls) -> Calls:
    """The command line over a folder with a fault of every kind, and nothing else in it."""
    for part in ("rules", "watchlists", "lexicons", "lists"):
        for file in (almenara.config / part).iterdir():
            file.unlink()
    for name, text in FILES.items():
        (almenara.config / name).write_text(text, "utf-8")
    return almenara


def test_every_fault_is_told_at_once_in_order_with_its_cure(faulty: Calls) -> None:
    found = faulty("rules", "check")
    assert found.code == 2
    assert found.out == ""
    *lines, summary = found.err.splitlines()
    for line, (place, what, cure) in zip(lines, FAULTS, strict=True):
        assert line.startswith(f"{faulty.config / place}: "), line
        before, _, after = line.partition(" -- ")
        assert what in before
        assert cure in after or cure in before
    assert summary == f"{len(FAULTS)} faults in 7 files; nothing is activated until they are mended"


def test_faults_as_json(faulty: Calls) -> None:
    found = faulty.json("rules", "check")
    assert (found.code, found.err, len(found.lines)) == (2, "", len(FAULTS))
    assert {"file", "line", "column", "what", "cure"} == set(found.lines[0])


@pytest.mark.parametrize("name", [name for name in FILES if name != "watchlists/cn_contacts.csv"])
def test_mending_one_file_leaves_the_faults_of_the_others(faulty: Calls, name: str) -> None:
    (faulty.config / name).unlink()
    lines = faulty.json("rules", "check").lines
    mended = str(faulty.config / name)
    before = {(str(faulty.config / place.partition(":")[0]), what) for place, what, _ in FAULTS}
    gone = {(file, what) for file, what in before if not any(what in f["what"] and f["file"] == file for f in lines)}
    # The name that the other file took is free now.
    assert {what for file, what in gone if file != mended} <= {"the name 'entry' is taken"}


def test_a_failed_test_shows_both_sides(almenara: Calls) -> None:
    file = almenara.config / "rules" / "sources.yml"
    file.write_text(file.read_text("utf-8").replace("expect: [{what: raised", "expect: [{what: updated", 1), "utf-8")
    found = almenara("rules", "test")
    assert found.code == 1
    lines = found.out.splitlines()
    assert lines[0].startswith("FAILED ")
    place = lines[0].rpartition("(")[2].removesuffix(")")
    path, _, number = place.rpartition(":")
    assert path == str(file)
    assert "- name:" in Path(path).read_text("utf-8").splitlines()[int(number) - 1]
    assert lines[1].split() == ["alert", "1", "differs", "what", "expected", "updated"]
    assert lines[2].split() == ["found", "raised"]
    assert "1 failed" in lines[-1]
    (failed,) = [line for line in almenara.json("rules", "test").lines if not line["passed"]]
    (alert,) = failed["alerts"]
    assert (alert["expected"]["what"], alert["found"]["what"], alert["differs"]) == ("updated", "raised", ["what"])


def test_warnings_are_printed_and_fail_only_when_strict(almenara: Calls) -> None:
    for entry in (almenara.config / "watchlists").iterdir():
        if entry.suffix == ".csv":  # nothing that is due depends on the day of this test
            entry.write_text(
                "\n".join(re.sub(r"20\d\d-\d\d-\d\d", "", line) for line in entry.read_text().splitlines())
            )
    sound = almenara("rules", "check", "--strict")
    assert (sound.code, sound.err) == (0, "")
    assert "0 warnings" in sound.out
    (almenara.config / "rules" / "mine.yml").write_text(
        "title: Mine\nname: mine\nlevel: low\nlogsource: {product: almenara, category: meeting.hold}\n"
        "detection: {s: {x: 1}, condition: s}\nalmenara: {owner: desk, tests: [{events: [], expect: []}]}\n"
    )
    place = f"{almenara.config}/rules/mine.yml:4:1"
    words = "mine can never fire: 'meeting.hold' is no type of event that rules see"
    found = almenara("rules", "check")
    assert found.code == 0
    assert found.err == f"{place}: warning: {words} -- did you mean 'meeting.held'?\n"
    assert "1 warnings" in found.out
    strict = almenara.json("rules", "check", "--strict")
    assert strict.code == 1
    warning, summary = strict.lines
    assert (warning["warning"], warning["line"], warning["what"]) == ("never_fires", 4, words)
    assert summary == {"ok": True, "rules": summary["rules"], "watchlists": summary["watchlists"], "warnings": 1}
