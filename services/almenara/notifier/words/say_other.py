"""What a message says of designations, offices, policies and everything else: from the event's own fields."""

from collections.abc import Callable, Mapping
from typing import Final

from almenara.domain.alert import Evidence
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.reading import NAME, codes_of, get, name_of, text_of
from almenara.notifier.words.say_meeting import meeting
from almenara.notifier.words.telling import Telling, capital


def summary(event: Evidence, telling: Telling) -> str:
    """One event in a sentence: the summary that it brings, else one made of its fields, else its type and day."""
    given = text_of(get(event.data, "summary"), telling.language)
    if given:
        return capital(given if given[-1] in ".!?…" else f"{given}.")
    made = _MADE.get(event.type, _unknown)(event, telling)
    return capital(made) or _unknown(event, telling)


def _designation(event: Evidence, telling: Telling) -> str:
    what = get(event.data, "designation")
    name = text_of(get(what, "name"), telling.language, NAME) or text_of(get(what, "kind"), telling.language, NAME)
    countries = codes_of(get(event.data, "affected", "country"))
    stage = text_of(get(what, "stage"), telling.language, NAME)
    whom = words.country_names(countries, telling.language)
    told = ", ".join(part for part in (name, whom, stage) if part)
    return f"{told}, {telling.day_of(event)}." if told else ""


def _office(event: Evidence, telling: Telling) -> str:
    data, language = event.data, telling.language
    names = [name_of(get(data, key), language) for key in ("office", "holder", "successor")]
    change, vote = text_of(get(data, "change"), language, NAME), text_of(get(data, "vote"), language, NAME)
    parts = [part for part in (names[0], names[1], change) if part]
    if names[2]:
        parts.append(telling.say(f"successor {names[2]}", f"sucede {names[2]}"))
    if vote:
        parts.append(telling.say(f"vote {vote}", f"votación {vote}"))
    return f"{', '.join(parts)}, {telling.day_of(event)}." if parts else ""


def _policy(event: Evidence, telling: Telling) -> str:
    before = text_of(get(event.data, "position", "previous"), telling.language, NAME)
    after = text_of(get(event.data, "position", "new"), telling.language, NAME)
    if not after:
        return ""
    position = telling.say("position", "posición")
    return f"{position}: {before} → {after}, {telling.day_of(event)}." if before else f"{position}: {after}."


def _statement(event: Evidence, telling: Telling) -> str:
    speaker = name_of(get(event.data, "speaker"), telling.language)
    if not speaker:
        return ""
    return telling.say(
        f"a statement by {speaker}, {telling.day_of(event)}.", f"una declaración de {speaker}, {telling.day_of(event)}."
    )


def _reading(event: Evidence, telling: Telling) -> str:
    source = name_of(get(event.data, "source"), telling.language)
    read = telling.hour(event.recorded, year=True)
    return (
        telling.say(f"the last reading of {source} was on {read}.", f"la última lectura de {source} fue el {read}.")
        if source
        else ""
    )


def _list(event: Evidence, telling: Telling) -> str:
    name = name_of(get(event.data, "list"), telling.language)
    return f"{name}, {telling.day_of(event)}." if name else ""


def _unknown(event: Evidence, telling: Telling) -> str:
    told = text_of(event.type, telling.language, NAME) or telling.say("an event", "un hecho")
    return f"{told}, {telling.day_of(event)}."


_MADE: Final[Mapping[str, Callable[[Evidence, Telling], str]]] = {
    "meeting.held": meeting,
    "meeting.registered": meeting,
    "meeting.suspected": meeting,
    "designation.made": _designation,
    "office.changed": _office,
    "policy.changed": _policy,
    "statement.made": _statement,
    "list.changed": _list,
    "source.checked": _reading,
}
