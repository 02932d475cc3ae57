"""The sentence of an alert: a rule's `say` filled with fields of the event. Logic-less: names in braces, nothing else.

`{official.name}` is a field, `{time:date}` a day in the country's zone, `{count}` the number of events,
`{speaker.country:country}` the name of a country. A field that is missing is written as `?`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from almenara.domain.event import Event
from almenara.engine.ruleset import Ruleset
from almenara.engine.view import View, local

MAX_LENGTH: Final = 300
_FIELD: Final = re.compile(r"\{([A-Za-z_][\w.]*)(?::(date|country))?\}")
_MONTHS: Final = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}


def sentences(templates: Mapping[str, str], title: str, events: Sequence[Event], ruleset: Ruleset) -> dict[str, str]:
    """The sentence in English and Spanish; the rule's title where it has no template. At most 300 characters each."""
    found = {}
    for language in ("en", "es"):
        template = templates.get(language, title)
        text = _FIELD.sub(lambda match, lang=language: _fill(match, lang, events, ruleset), template)  # type: ignore[misc]
        found[language] = text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"
    return found


def _fill(match: "re.Match[str]", language: str, events: Sequence[Event], ruleset: Ruleset) -> str:
    name, form = match.group(1), match.group(2)
    if name == "count":
        return str(len(events))
    if not events:
        return "?"
    view = View(events[-1], ruleset.zones)
    if name == "days":
        return str(len({View(event, ruleset.zones).day() for event in events}))
    if name == "time":
        return day(view.event.time, ruleset.zones.get(view.event.country, "UTC"), language)
    texts = _listed(view, name, ruleset) or [_text(value, language) for value in view.values(name)]
    if form == "country":
        texts = [ruleset.countries.get(text, {}).get(language, text) for text in texts]
    return ", ".join(text for text in texts if text) or "?"


def _listed(view: View, path: str, ruleset: Ruleset) -> list[str]:
    """For `<x>.name` the name that the lists give `<x>.id`: sources spell people in many ways."""
    if not path.endswith(".name"):
        return []
    found = [ruleset.enricher.name_of(str(uid)) for uid in view.values(f"{path.removesuffix('.name')}.id")]
    return [name for name in found if name]


def day(moment: datetime, zone: str, language: str) -> str:
    """A day as people write it: `26 Dec 2025`, `26 dic 2025`."""
    there = local(moment, zone)
    return f"{there.day} {_MONTHS[language][there.month - 1]} {there.year}"


def _text(value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        chosen = value.get(language, value.get("en", ""))
        return chosen if isinstance(chosen, str) else ""
    return "" if value is None else str(value)
