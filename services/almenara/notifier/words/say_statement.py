"""What a message says of statements: who said them, the strongest one word for word, and what the score is."""

from collections import Counter
from collections.abc import Iterator, Mapping

from almenara.domain.alert import Evidence
from almenara.domain.message import Paragraph
from almenara.domain.text import plain
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.reading import NAME, QUOTE, get, name_of, text_of
from almenara.notifier.words.telling import Telling

TYPE = "statement.made"


def statements(telling: Telling) -> Iterator[Paragraph]:
    """The speakers with their numbers, and the strongest statement as a quote in its own language."""
    events = [event for event in telling.alert.events if event.type == TYPE]
    if not events:
        return
    speakers = Counter(filter(None, (_speaker(event, telling) for event in events)))
    if len(events) > 1 and speakers:
        told = [f"{name} {count}" for name, count in speakers.most_common(8)]
        yield telling.paragraph("by", ", ".join(told) + ".")
    strongest = max(events, key=lambda event: (score(event) or 0.0, event.time, event.id))
    quote = text_of(get(strongest.data, "quote") or get(strongest.data, "text"), telling.language, QUOTE)
    if quote:
        mark = text_of(get(strongest.data, "language"), telling.language, 12)
        text = f"«{quote}»" if telling.language == "es" else f"“{quote}”"
        yield telling.paragraph("quote", text, mark if mark.replace("-", "").isalnum() and mark.isascii() else "und")
        yield telling.paragraph("said_by", _about(strongest, telling))


def score(event: Evidence) -> float | None:
    """The highest score that a statement has towards any country; None when it has none."""
    rhetoric = get(event.data, "rhetoric")
    found = []
    for target in rhetoric.values() if isinstance(rhetoric, Mapping) else ():
        value = get(target, "score")
        if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0:
            found.append(float(value))
    return max(found) if found else None


def _about(event: Evidence, telling: Telling) -> str:
    parts = [part for part in (_speaker(event, telling), telling.day_of(event)) if part]
    value = score(event)
    if value is not None:
        told = words.number(round(value, 2), telling.language)
        parts.append(telling.say(f"score {told}", f"puntaje {told}"))
    return ", ".join(parts) + "."


def _speaker(event: Evidence, telling: Telling) -> str:
    speaker = get(event.data, "speaker")
    name = name_of(speaker, telling.language)
    country = get(speaker, "country")
    if isinstance(country, str) and country:
        there = plain(words.country_name(country, telling.language), NAME)
        return f"{name} ({there})" if name else there
    return name
