"""What is wrong between the people of subscribers.yaml: who is named by another, and rotas, steps and limits.

Found in the raw data, so that all faults of the file show at once; what a type tells already is passed over here.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from almenara.app.audience_fields import ELSE, days_of
from almenara.app.fields import Invalid, nearest
from almenara.app.validation import Origins
from almenara.domain.audience import EVERY_DAY, ON_DUTY
from almenara.domain.durations import parse_duration
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Path as Keys

Everyone = Sequence[tuple[str, str, dict[str, Any]]]
"""The section (people, teams), the name, and what the file says of it. One name may stand in both, which is a fault."""


def faults_of(everyone: Everyone, origins: Origins) -> Iterator[Fault]:
    """Every fault of deputies, rotas, escalations, limits, and of those who are told nothing."""
    known = {name for _, name, _ in everyone}
    named = {name for _, _, name in _named(everyone)}
    for at, path, name in _named(everyone):
        if name not in known and (name != ON_DUTY or path[-1] != "to"):
            hidden = path in origins.hidden
            cure = "" if hidden else nearest(name, known)
            what = "there is no such subscriber" if hidden else f"there is no subscriber '{name}'"
            yield origins.fault(path, what, cure or "add a person or team of that name")
        elif path[-1] == "who" and name == at:
            yield origins.fault(path, "nobody is their own deputy", "name somebody else")
    for section, name, one in everyone:
        path = (section, name)
        if name == ON_DUTY:
            yield origins.fault(path, "this name is taken: `to: on_duty` is whoever is on duty", "rename it")
        if name not in named:  # who is only called in by others need not want anything
            yield from _nothing_wanted(one, origins, path)
        yield from _rota(one, origins, path)
        yield from _steps(one, origins, path)
        yield from _deputy(one, origins, path)
        if isinstance(one.get("limit"), dict) and "digest" not in one:
            yield origins.fault((*path, "limit"), "what is beyond it has no digest to go into", "add digest:")


def _named(everyone: Everyone) -> Iterator[tuple[str, Keys, str]]:
    """Who names whom: the one that names, the path, and the name."""
    for section, name, one in everyone:
        deputy = one.get("deputy")
        if isinstance(deputy, dict) and isinstance(deputy.get("who"), str):
            yield name, (section, name, "deputy", "who"), deputy["who"]
        for index, duty in enumerate(_list(one, "on_duty")):
            for days, who in duty.items() if isinstance(duty, dict) else ():
                if isinstance(who, str):
                    yield name, (section, name, "on_duty", index, days), who
        for index, step in enumerate(_list(one, "escalate")):
            if isinstance(step, dict) and isinstance(step.get("to"), str):
                yield name, (section, name, "escalate", index, "to"), step["to"]


def _nothing_wanted(one: dict[str, Any], origins: Origins, path: Keys) -> Iterator[Fault]:
    if "wants" not in one:
        yield origins.fault(path, "'wants' is missing", "add it; [{}] is everything")
    elif one["wants"] == []:
        yield origins.fault((*path, "wants"), "nothing is wanted", "write [{}] to be told everything")


def _rota(one: dict[str, Any], origins: Origins, path: Keys) -> Iterator[Fault]:
    """Days on which nobody is on duty, where a step needs somebody."""
    covered: set[int] = set()
    for duty in _list(one, "on_duty"):
        for days in duty if isinstance(duty, dict) else ():
            covered.update(EVERY_DAY if days == ELSE else _or_none(days_of, days) or EVERY_DAY)
    called = [
        index
        for index, step in enumerate(_list(one, "escalate"))
        if isinstance(step, dict) and step.get("to") == ON_DUTY
    ]
    if called and len(covered) < len(EVERY_DAY):
        what = "there are days without anybody on duty" if covered else "there is no on_duty"
        yield origins.fault((*path, "escalate", called[0], "to"), what, "add {else: NAME} to on_duty")


def _steps(one: dict[str, Any], origins: Origins, path: Keys) -> Iterator[Fault]:
    before = timedelta(0)
    for index, step in enumerate(_list(one, "escalate")):
        after = _or_none(parse_duration, step.get("after") if isinstance(step, dict) else None)
        if after is not None and after <= before:
            cure = "put the steps in the order of their time; each counts from the first telling"
            yield origins.fault((*path, "escalate", index, "after"), "not later than the step before", cure)
        before = max(before, after or before)


def _deputy(one: dict[str, Any], origins: Origins, path: Keys) -> Iterator[Fault]:
    deputy = one.get("deputy")
    if isinstance(deputy, dict):
        first, last = deputy.get("from"), deputy.get("until")
        if isinstance(first, str) and isinstance(last, str) and first > last:
            yield origins.fault((*path, "deputy", "until"), "before the first day", "name a later day")


def _list(one: dict[str, Any], key: str) -> list[Any]:
    found = one.get(key)
    return found if isinstance(found, list) else []


def _or_none(read: Callable[[str], Any], text: Any) -> Any:
    """What the text says; None where it says nothing, which its type tells."""
    try:
        return read(text) if isinstance(text, str) else None
    except (Invalid, ValueError):
        return None
