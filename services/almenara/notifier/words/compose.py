"""What a subscriber is told: a notice becomes a message, in their language and time zone. Pure.

The first line is true if read alone; the last says what the alert does not prove. Knows nothing of channels. Data of
events may be of any shape: what cannot be read is left out, and nothing here raises for it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from almenara.domain.alert import ENDS, AlertChanged, Change, Evidence, Reason
from almenara.domain.message import Message, Paragraph
from almenara.domain.notice import Notice, Told
from almenara.domain.text import plain
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.reading import NAME, SENTENCE, codes_of, get, sources_of, text_of, texts_of
from almenara.notifier.words.say_change import claim, status_word, what_changed
from almenara.notifier.words.say_list import TYPE as LIST
from almenara.notifier.words.say_list import lists
from almenara.notifier.words.say_meeting import pair, search, watchlist
from almenara.notifier.words.say_other import summary
from almenara.notifier.words.say_statement import TYPE as STATEMENT
from almenara.notifier.words.say_statement import statements
from almenara.notifier.words.say_why import called_in, why_you
from almenara.notifier.words.telling import Telling

TITLE: Final = 320
PARAGRAPH: Final = 2_800
MOST_EVENTS: Final = 10
_UNCHECKED: Final = ("Could not be checked", "No se pudo comprobar")
_ROLES: Final = {
    "actor": ("acting", "actúa"),
    "target": ("other side", "contraparte"),
    "affected": ("affected", "afectado"),
    "checked_absent": ("checked, not on it", "se buscó y no figura"),
}


def compose(notice: Notice, *, contact: str = "", possible_duplicate: bool = False) -> Message:
    """The message of a planned notice. `contact` is where a reader reports an error; empty leaves it out.

    Never raises for what an event holds; a language that is not known is English, an unknown zone UTC.
    """
    changed, alert = notice.changed, notice.changed.alert
    language = notice.language if notice.language in words.LANGUAGES else "en"
    as_of = None if changed.reason == Reason.COMMAND else changed.at
    telling = Telling(alert, language, words.zone_of(notice.time_zone), as_of)
    level_word = words.LEVELS[language].get(alert.level, plain(alert.level.upper(), NAME))
    closed = changed.change in ENDS
    dot = words.CLOSED_DOT if closed else words.DOTS.get(alert.level, words.CLOSED_DOT)
    country = plain(words.country_name(alert.country, language), NAME)
    title = _title(telling)
    word = status_word(changed, telling, level_word)
    if notice.why == Told.ESCALATED:
        word = f"{level_word}, {telling.say('not acknowledged', 'sin tomar a cargo')}"
    first = [word, country, claim(changed, telling, title)]
    return Message(
        id=notice.delivery,
        thread=notice.thread or notice.delivery,
        language=language,
        level=alert.level,
        level_word=level_word,
        dot=dot,
        country=country,
        headline=f"{dot} {' · '.join(part for part in first if part)}",
        paragraphs=tuple(_paragraphs(telling, closed=closed)),
        caution=_caution(changed, telling),
        reference=_reference(telling),
        why_you=_why_you(notice, telling, plain(contact, NAME)),
        mark=telling.say(*words.POSSIBLE_DUPLICATE) if possible_duplicate else "",
        change=plain(
            " ".join(part for part in (called_in(notice, telling), what_changed(changed, telling)) if part), PARAGRAPH
        ),
        earlier=() if changed.change == Change.RAISED else (_earlier(changed, telling, title),),
        cite=plain(alert.cite, NAME),
    )


def _title(telling: Telling) -> str:
    alert = telling.alert
    title = text_of(alert.title, telling.language, TITLE) or plain(alert.rule, NAME)
    lead = telling.say(*_UNCHECKED)
    if not alert.checked and not title.startswith(lead):
        # an absence that nobody could check is never told as one, whatever the rule's words are
        names = pair(alert.events[-1], telling) if alert.events else ""
        what = f"{names}, {telling.day_of(alert.events[-1])}" if names else plain(alert.rule, NAME)
        return f"{lead}: {what}" if what else lead
    return title or lead


def _paragraphs(telling: Telling, *, closed: bool) -> Iterator[Paragraph]:
    parts = [_reported(telling)]
    if not closed:
        parts.append(search(telling))
    parts += [statements(telling), lists(telling), _differences(telling)]
    parts += [watchlist(telling), _countries(telling), _known(telling), _sources(telling)]
    for part in parts:
        for paragraph in part:
            if paragraph.text:
                text = plain(paragraph.text, PARAGRAPH)
                yield Paragraph(label=paragraph.label, text=text, quote_language=paragraph.quote_language)


def _reported(telling: Telling) -> Iterator[Paragraph]:
    """What was reported, each event once; and how long after the meeting it became known."""
    events = telling.alert.events
    told: list[str] = []
    title = _title(telling)
    for event in events[:MOST_EVENTS]:
        line = summary(event, telling)
        repeated = line in told or (len(events) == 1 and line.rstrip(".") == title.rstrip("."))
        if not repeated and not (event.type == STATEMENT and len(events) > 1):
            told.append(line)
    if len(events) > MOST_EVENTS:
        more = len(events) - MOST_EVENTS
        told.append(telling.say(f"And {more} more.", f"Y {more} más."))
    if telling.alert.search and events and not telling.silence:
        told.append(_first_known(events, telling))
    if any(told):
        yield telling.paragraph("reported", " ".join(part for part in told if part))


def _first_known(events: tuple[Evidence, ...], telling: Telling) -> str:
    first = min(events, key=lambda event: (event.recorded, event.id))
    days = (first.recorded - first.time).days
    known = telling.day(first.recorded)
    if days < 1:
        return telling.say(f"Became known on {known}.", f"Se supo el {known}.")
    unit = telling.say("day" if days == 1 else "days", "día" if days == 1 else "días")
    return telling.say(f"Became known on {known}, {days} {unit} later.", f"Se supo el {known}, {days} {unit} después.")


def _known(telling: Telling) -> Iterator[Paragraph]:
    """When a single event became known, if that was another day; an absence says it elsewhere."""
    alert = telling.alert
    if alert.search or len(alert.events) != 1 or alert.events[0].type == LIST:
        return
    happened, known = telling.day_of(alert.events[0]), telling.day(alert.events[0].recorded)
    if happened != known:
        text = telling.say(f"{known}; it happened on {happened}.", f"{known}; ocurrió el {happened}.")
        yield telling.paragraph("known", text)


def _differences(telling: Telling) -> Iterator[Paragraph]:
    found: dict[str, None] = {}
    for event in telling.alert.events:
        for text in texts_of(get(event.data, "differences"), telling.language):
            found[text if text[-1] in ".!?…" else f"{text}."] = None
    days = list({telling.day_of(event): None for event in telling.alert.events})
    if telling.alert.search and len(days) > 1:
        told = telling.join(days)
        found[telling.say(f"The reports give different days: {told}.", f"Los informes dan días distintos: {told}.")] = (
            None
        )
    if found:
        yield telling.paragraph("differ", " ".join(found))


def _countries(telling: Telling) -> Iterator[Paragraph]:
    """The countries by role, where there are more than the one in the headline."""
    told, named = [], {telling.alert.country}
    for role, label in _ROLES.items():
        codes = codes_of(telling.alert.countries.get(role))
        if role == "checked_absent" and any(event.type == LIST for event in telling.alert.events):
            codes = []  # the list's own paragraph tells them
        if codes:
            named.update(codes)
            told.append(f"{words.country_names(codes, telling.language)} ({telling.say(*label)})")
    if told and len(named) > 1:
        yield telling.paragraph("countries", "; ".join(told) + ".")


def _sources(telling: Telling) -> Iterator[Paragraph]:
    names = sources_of(telling.alert.events, telling.language)
    if not names:
        return
    shared = telling.say("; common origin not excluded", "; no se descarta un origen común") if len(names) > 1 else ""
    yield telling.paragraph("sources", f"{', '.join(names)}{shared}.")


def _caution(changed: AlertChanged, telling: Telling) -> str:
    alert = telling.alert
    if changed.change == Change.RETRACTED:
        return telling.say(
            "Nothing follows from a retracted alert; please do not pass it on.",
            "De una alerta retirada nada se concluye; no la difunda.",
        )
    if telling.silence:
        return telling.say(
            "A source that is silent says nothing about what it covers, in either direction.",
            "Una fuente en silencio no dice nada de lo que cubre, ni en un sentido ni en otro.",
        )
    if changed.reason == Reason.REGISTERED_LATE:
        return telling.say(
            "A late entry is not evidence of wrongdoing: a register can simply be late.",
            "Una anotación tardía no prueba irregularidad: un registro puede simplemente tardar.",
        )
    if alert.search is not None:
        if not alert.checked:
            return telling.say(
                "Not checked means not known: nobody has looked yet, and nothing follows from it.",
                "Sin comprobar significa que no se sabe: nadie ha mirado aún y nada se concluye de ello.",
            )
        return telling.say(
            "A missing entry is not evidence of wrongdoing: a register can be late, incomplete or not apply.",
            "La falta de anotación no prueba irregularidad: un registro puede tardar, estar incompleto o no aplicarse.",
        )
    types = {event.type for event in alert.events}
    if STATEMENT in types:
        return telling.say("The score measures wording, not intent.", "El puntaje mide palabras, no intención.")
    if LIST in types:
        return telling.say(
            "Told as the sources print it; only the official text decides who is on a list.",
            "Según lo imprimen las fuentes; solo el texto oficial decide quién figura en una lista.",
        )
    return telling.say(
        "Told as the sources report it, which may be incomplete or corrected later.",
        "Según lo informan las fuentes, que pueden estar incompletas o corregirse después.",
    )


def _reference(telling: Telling) -> str:
    alert = telling.alert
    return (
        f"{plain(alert.cite, NAME)} · {telling.say('rule', 'regla')} v{alert.rule_version} · {plain(alert.rule, NAME)}"
    )


def _earlier(changed: AlertChanged, telling: Telling, title: str) -> str:
    """When the alert was raised, and what it claimed where the headline does not say it any more."""
    moment = f"{telling.hour(telling.alert.raised_at, year=True)} ({telling.place})"
    raised = telling.say(f"Raised on {moment}.", f"Emitida el {moment}.")
    if changed.reason == Reason.SOURCE_READ:
        title = _title(replace(telling, alert=replace(telling.alert, checked=False)))
    elif changed.change not in ENDS:
        return raised
    return f"{raised} {telling.say('The claim was', 'Decía')}: {title}"


def _why_you(notice: Notice, telling: Telling, contact: str) -> str:
    text = why_you(notice, telling)
    if contact:
        text += telling.say(f" An error? Write to {contact}.", f" ¿Un error? Escriba a {contact}.")
    return plain(text, SENTENCE)
