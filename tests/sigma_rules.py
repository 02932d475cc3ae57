"""Builds rulesets from small texts and asks them about plain data: for tests of the engine's matching."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from almenara.domain.errors import Fault, Faulty
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.engine import Engine
from almenara.engine.ruleset import Content, Ruleset, build

NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIST = "id,name,aliases\np-1,José Ñandú,Pepe|J. Ñ.\np-2,Grupo Uno S.A.,\n"
FILES = {"watchlists/contacts.csv": LIST}


def ruleset(detection: Any) -> Ruleset:
    """One rule with this detection. Raises Faulty."""
    return build(Content({"rules/r.yml": rule_text(detection), **FILES}))


def rule_text(detection: Any) -> str:
    """The document of a rule; a detection without a condition is one selection, and the condition names it."""
    whole = isinstance(detection, Mapping) and "condition" in detection
    rule = {
        "title": "t",
        "name": "t",
        "logsource": {"product": "almenara"},
        "detection": detection if whole else {"sel": detection, "condition": "sel"},
    }
    return json.dumps(rule)


def detections(detection: Any, data: Mapping[str, Any]) -> list[Detection]:
    """What the rule says of one plain event."""
    return Engine(ruleset(detection)).plain(_plain(1, data))


def matches(detection: Any, data: Mapping[str, Any]) -> bool:
    """Whether the rule fires on one plain event."""
    return bool(detections(detection, data))


def met(detection: Any, *events: Mapping[str, Any]) -> list[bool]:
    """Whether the rule fires on each of some plain events."""
    engine = Engine(ruleset(detection))
    return [bool(engine.plain(_plain(number, data))) for number, data in enumerate(events)]


def refused(detection: Any) -> str:
    """What is said of a detection that cannot be meant: one fault, with its place and its cure."""
    (fault,) = faults_of({"rules/r.yml": rule_text(detection)})
    assert (fault.file, fault.line) == ("rules/r.yml", 1)
    assert fault.column > 1
    assert fault.cure
    return f"{fault.what} -- {fault.cure}"


def faults_of(files: Mapping[str, str]) -> list[Fault]:
    """The faults of a ruleset made of these files; empty when it is sound."""
    try:
        build(Content({**FILES, **files}))
    except Faulty as error:
        return list(error.faults)
    return []


def _plain(number: int, data: Mapping[str, Any]) -> Event:
    return Event(id=str(number), source="test", type="", time=NOON, recorded=NOON, country="", data=data)
