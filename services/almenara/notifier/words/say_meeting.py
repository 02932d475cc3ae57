"""What a message says of meetings and of the search for their entries: reported, checked, nearest, list.

"No entry found in X as of Y", never more than the search and the watchlist entry say.
"""

from collections.abc import Iterator
from typing import Final

from almenara.domain.alert import Evidence, Matched, Reading, Search
from almenara.domain.message import Paragraph
from almenara.domain.text import plain
from almenara.notifier.words.reading import NAME, get, name_of, text_of
from almenara.notifier.words.telling import Telling

_LINKS: Final = {
    "soe": ("recorded there as linked to a state enterprise", "consta allí su vínculo con una empresa estatal"),
    "party": ("recorded there as linked to the party", "consta allí su vínculo con el Partido"),
    "state_body": ("recorded there as linked to a state body", "consta allí su vínculo con un organismo del Estado"),
    "diplomat": ("recorded there as a diplomat", "consta allí como diplomático"),
    "official": ("recorded there as an official", "consta allí como funcionario"),
    "private": (
        "no link to a state enterprise or the party is recorded",
        "no consta vínculo con empresa estatal ni con el Partido",
    ),
}
_LISTED_KINDS: Final = ("person", "company", "organisation")
_NO_LINK: Final = ("whether there is a link is not recorded", "no consta si hay vínculo")


def pair(event: Evidence, telling: Telling) -> str:
    """`Official – Counterpart`, or host and visitor; empty when neither is named."""
    names = [
        name_of(get(event.data, one), telling.language) or name_of(get(event.data, other), telling.language)
        for one, other in (("official", "host"), ("counterpart", "visitor"))
    ]
    return " – ".join(name for name in names if name)


def meeting(event: Evidence, telling: Telling) -> str:
    """What was reported of a meeting, from its fields, where the event brings no summary."""
    names, place = pair(event, telling), text_of(get(event.data, "place"), telling.language, NAME)
    if not names:
        return ""
    where = f", {place}" if place else ""
    head = telling.say("a meeting of", "una reunión de")
    return f"{head} {names}, {telling.when(event)}{where}."


def search(telling: Telling) -> Iterator[Paragraph]:
    """What was searched for an absence, what could not be, and the nearest entries outside."""
    found = telling.alert.search
    if found is None or telling.silence:
        return
    if found.readings or not found.coverage:
        yield telling.paragraph("checked", _checked(found, telling))
    if found.unread:
        names = telling.join([plain(source, NAME) for source in found.unread])
        text = telling.say(
            f"no reading of {names} covers these days, so nothing can be said about an entry there.",
            f"ninguna lectura de {names} cubre esos días; nada puede decirse de una anotación allí.",
        )
        yield telling.paragraph("unread", text)
    if found.nearest:
        yield telling.paragraph("nearest", nearest(found, telling))


def nearest(found: Search, telling: Telling) -> str:
    """The entries of the same two nearest to the window; none of them lies in it."""
    times = telling.join([telling.when(entry) for entry in found.nearest])
    return telling.say(
        f"{times}. None lies between {telling.hour(found.start)} and {telling.hour(found.end)}.",
        f"{times}. Ninguna está entre el {telling.hour(found.start)} y el {telling.hour(found.end)}.",
    )


def watchlist(telling: Telling) -> Iterator[Paragraph]:
    """The watchlist entries that matched: where they stand, on what basis, and which link is recorded, if any."""
    told = set()
    for matched in telling.alert.matched:
        line = _entry(matched, telling)
        if line and line not in told:
            told.add(line)
            yield telling.paragraph("list", line)


def _checked(found: Search, telling: Telling) -> str:
    start, end = telling.hour(found.start), telling.hour(found.end, year=True)
    sources: dict[str, list[Reading]] = {}
    for reading in found.readings:
        sources.setdefault(reading.source, []).append(reading)
    names = [_read_source(name, readings, telling) for name, readings in sources.items()]
    moment = telling.hour(telling.as_of, year=True) if telling.as_of else ""
    as_of = telling.say(f" As of {moment}.", f" Al {moment}.") if moment else ""
    window = telling.say(f"from {start} to {end} ({telling.place})", f"del {start} al {end} (hora de {telling.place})")
    if not names:
        return telling.say(f"entries {window}.", f"anotaciones {window}.") + as_of
    read = telling.hour(max(reading.recorded for reading in found.readings), year=True)
    joined = telling.join(names, telling.say("or", "ni"))
    both = bool(telling.alert.events) and " – " in pair(telling.alert.events[-1], telling)
    whose = telling.say(" of the two", " de ambos") if both else ""
    text = telling.say(
        f"no entry{whose} {window} in {joined}, last read {read}.",
        f"ninguna anotación{whose} {window} en {joined}; última lectura: {read}.",
    )
    return text + as_of


def _read_source(name: str, readings: list[Reading], telling: Telling) -> str:
    latest = max(readings, key=lambda reading: reading.recorded)
    shown = text_of(latest.name, telling.language, NAME) or plain(name, NAME)
    rows = sum(reading.rows for reading in readings if reading.rows > 0)  # -1: not known
    notes = [f"{rows} {telling.say('rows', 'filas')}"] if rows else []
    if latest.by:
        notes.append(f"{telling.say('read by', 'leído por')}: {plain(latest.by, NAME)}")
    return f"{shown} ({', '.join(notes)})" if notes else shown


def _entry(matched: Matched, telling: Telling) -> str:
    entry = matched.entry
    # Of people and companies one says where they are listed; that a country or a list is watched is no news.
    if not matched.watchlist or (entry.get("kind") or "person") not in _LISTED_KINDS:
        return ""
    name = text_of(entry.get("name"), telling.language, NAME) or text_of(entry.get("id"), telling.language, NAME)
    basis = text_of(entry.get("basis"), telling.language, NAME)
    link = telling.say(*_LINKS.get(str(entry.get("link", "")), _NO_LINK))
    on = telling.say(
        f"{name} is on {plain(matched.watchlist, NAME)}", f"{name} figura en {plain(matched.watchlist, NAME)}"
    )
    because = telling.say(f", basis: “{basis}”", f", base: «{basis}»") if basis else ""
    return f"{on}{because}; {link}."
