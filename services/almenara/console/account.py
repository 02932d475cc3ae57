"""The page behind "why": an alert as it stands, on which records, what was searched, and who was told. Pure.

Data of events may be of any shape: what cannot be read is left out, and nothing here raises for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from almenara.console import texts, words
from almenara.console.words import Pair, Voice
from almenara.domain.alert import Alert, Evidence, Matched, Reading, State
from almenara.domain.event import CHECKED
from almenara.domain.text import plain
from almenara.ports.query import AlertView

SHORT: Final = 120
LONG: Final = 600
MOST: Final = 50
_MOST_NUMBER: Final = 1e15
_ROOM: Final = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a section tells: what it is, where it stands, and lines about it."""

    head: str
    place: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the page."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What every page says first of an alert. `level` is for its colour; `hidden` leaves the claim out.

    `caution` is what the alert does not prove.
    """

    level: str
    level_word: str
    country: str
    title: str
    state: str
    cite: str
    caution: str = ""
    hidden: bool = False


def card_of(view: AlertView, voice: Voice) -> Card:
    """The alert in short; without its claim where the reader may not know it any more."""
    alert = view.alert
    gone = voice.say(
        ("This alert has become more confidential than you or this channel may be told.",
         "Esta alerta es ahora más reservada de lo que se le puede informar a usted o por este canal.")
    )  # fmt: skip
    return Card(
        level="closed" if alert.state in ("resolved", "retracted") else plain(alert.level, 20),
        level_word=voice.word(words.LEVELS, alert.level),
        country=plain(view.country, SHORT),
        title=gone if view.hidden else _claim(alert, voice),
        state=voice.word(words.STATES, alert.state),
        cite=plain(alert.cite, 20),
        caution=voice.say(_caution(alert)),
        hidden=view.hidden,
    )


def _claim(alert: Alert, voice: Voice) -> str:
    """The alert's sentence; an absence that nobody could check is never told as one, whatever the rule's words are."""
    claim, lead = _text(alert.title, voice, LONG) or plain(alert.rule, SHORT), voice.say(texts.UNCHECKED)
    return claim if alert.checked or claim.startswith(lead) else f"{lead}: {plain(alert.rule, SHORT)}"


def _caution(alert: Alert) -> Pair:
    """What the alert does not prove."""
    if alert.state == State.RETRACTED:
        return texts.CAUTIONS["retracted"]
    if alert.events and alert.events[-1].type == CHECKED:
        return texts.CAUTIONS["silent"]
    if alert.search is not None:
        return texts.CAUTIONS["absence" if alert.checked else "unchecked"]
    return texts.CAUTIONS["told"]


def account_of(view: AlertView, voice: Voice) -> list[Part]:
    """The sections of the page; only the life and what was told where the reader may not know the rest any more."""
    say, alert = voice.say, view.alert
    parts = []
    if not view.hidden:
        parts += [
            Part(say(("Evidence", "Pruebas")), tuple(_evidence(event, voice) for event in alert.events[:MOST])),
            Part(say(("What was searched", "Qué se buscó")), tuple(_search(alert, voice))),
            Part(say(("What matched", "Qué coincidió")), tuple(_matched(one, voice) for one in alert.matched[:MOST])),
            Part(say(("Rule", "Regla")), tuple(_rule(alert, voice))),
        ]
    parts.append(Part(say(("Life", "Vida")), tuple(_life(view, voice))))
    parts.append(Part(say(("You were told", "Se le informó")), tuple(_told(view, voice))))
    return [part for part in parts if part.items]


def _rule(alert: Alert, voice: Voice) -> Iterator[Item]:
    say = voice.say
    rule = f"{plain(alert.rule, SHORT)} · {say(('version', 'versión'))} {alert.rule_version}"
    keys = tuple(f"{plain(str(name), SHORT)}: {_text(value, voice, SHORT)}" for name, value in alert.key.items())
    yield Item(rule, lines=keys)
    if alert.ruleset:
        yield Item(say(("ruleset (SHA-256)", "conjunto de reglas (SHA-256)")), plain(alert.ruleset, SHORT))
    if alert.engine:
        yield Item(say(("engine semantics", "semántica del motor")), plain(alert.engine, 20))


def _life(view: AlertView, voice: Voice) -> Iterator[Item]:
    for changed in view.changes[-MOST:]:
        lines = []
        if changed.by:
            lines.append(f"{voice.say(('by', 'por'))} {plain(changed.by, SHORT)}")
        if changed.note and not view.hidden:
            lines.append(f"«{plain(changed.note, LONG)}»")
        if changed.change == "judged":
            lines.append(voice.word(words.JUDGEMENTS, changed.alert.judgement))
        yield Item(
            f"{voice.when(changed.at)}: {voice.word(words.CHANGES, changed.change)}", changed.cause, tuple(lines)
        )


def _told(view: AlertView, voice: Voice) -> Iterator[Item]:
    for told in view.told[-MOST:]:
        what, how = voice.word(words.CHANGES, told.change), voice.word(words.DELIVERIES, told.state)
        yield Item(f"{voice.when(told.at)}: {what}", plain(told.via, SHORT), (how,))


def _evidence(event: Evidence, voice: Voice) -> Item:
    say = voice.say
    happened = voice.when(event.time)
    if event.until is not None and event.until - event.time <= _ROOM:
        happened = voice.day(event.time + (event.until - event.time) / 2)  # the day, as its own place has it
    lines = [
        _text(event.data.get("summary"), voice, LONG),
        f"{say(('happened', 'ocurrió'))} {happened}; {say(('known', 'se supo'))} {voice.when(event.recorded)}",
        ", ".join(_names(event, voice)),
        f"id {plain(event.id, SHORT)}",
    ]
    return Item(plain(event.type, SHORT), event.position, tuple(line for line in lines if line))


def _names(event: Evidence, voice: Voice) -> Iterator[str]:
    """The sources of an event, as names: no link of an event becomes one here."""
    given = event.data.get("sources")
    named = [_text(source, voice, SHORT) for source in given[:MOST]] if isinstance(given, list | tuple) else []
    yield from (name for name in named if name) if any(named) else [plain(event.source, SHORT)]


def _matched(matched: Matched, voice: Voice) -> Item:
    entry, lines = matched.entry, []
    if entry:
        told = (entry.get(name, "") for name in ("name", "link", "basis", "confidence"))
        lines.append(f"{plain(matched.watchlist, SHORT)}: {', '.join(plain(text, SHORT) for text in told if text)}")
    return Item(f"{plain(matched.field, SHORT)} = {_text(matched.value, voice, SHORT)}", lines=tuple(lines))


def _search(alert: Alert, voice: Voice) -> Iterator[Item]:
    say, search = voice.say, alert.search
    if search is None:
        return
    window = say(("window", "ventana"))
    yield Item(f"{window}: {voice.when(search.start)} – {voice.when(search.end)}")
    for reading in search.readings[:MOST]:
        yield _reading(reading, voice)
    for source in search.unread[:MOST]:
        yield Item(f"{plain(source, SHORT)}: {say(('NOT read', 'SIN leer'))}")
    for entry in search.nearest[:MOST]:
        yield Item(f"{say(('nearest entry', 'anotación cercana'))}: {voice.when(entry.time)}", entry.position)


def _reading(reading: Reading, voice: Voice) -> Item:
    say = voice.say
    name = plain(reading.name.get(voice.language, ""), SHORT) or plain(reading.source, SHORT)
    rows = f"; {reading.rows} {say(('rows', 'filas'))}" if reading.rows >= 0 else ""
    lines = (
        f"{say(('read', 'leída'))} {voice.when(reading.recorded)}: {plain(reading.outcome, 20)}{rows}",
        f"{say(('covers', 'cubre'))} {voice.when(reading.covers_from)} – {voice.when(reading.covers_until)}",
    )
    return Item(name, reading.position, lines)


def _text(value: Any, voice: Voice, limit: int) -> str:
    """The text of a value: a text, a number, {en, es}, something with a name, or a list of these; else empty."""
    if isinstance(value, str):
        return plain(value, limit)
    if isinstance(value, bool | int | float):
        return plain(f"{value}", limit) if abs(value) < _MOST_NUMBER else ""  # longer ones are no text for people
    if isinstance(value, Mapping):
        found = (value.get(key) for key in (voice.language, "en", "es", "name"))
        return next((_text(one, voice, limit) for one in found if one), "")
    if isinstance(value, Iterable):
        parts = [plain(one, limit) for one in list(value)[:MOST] if isinstance(one, str)]
        return plain(", ".join(parts), limit)
    return ""
