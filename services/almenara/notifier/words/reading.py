"""Reads the data of events for messages: any field may be missing or of another type, and nothing here raises.

What comes out is plain text (no control characters, no direction marks), short enough to be told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from almenara.domain.alert import Evidence
from almenara.domain.text import plain

NAME: Final = 120
SENTENCE: Final = 600
QUOTE: Final = 300
MOST: Final = 20  # items of one list that a message tells


def get(data: Any, *path: str) -> Any:
    """What stands at the path; None when there is nothing."""
    for part in path:
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def text_of(value: Any, language: str, limit: int = SENTENCE) -> str:
    """The text of a value: a text, a number, {en, es}, something with a name, or a list of these; else empty."""
    if isinstance(value, str):
        return plain(value, limit)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return plain(str(value) if abs(value) < 1e15 else f"{value:g}" if isinstance(value, float) else "", limit)
    if isinstance(value, Mapping):
        for key in (language, "en", "es", "name"):
            if isinstance(value.get(key), str) and value[key].strip():
                return plain(value[key], limit)
        return text_of(value["name"], language, limit) if isinstance(value.get("name"), Mapping) else ""
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        parts = (text_of(item, language, limit) for item in list(value)[:MOST] if not _is_list(item))
        return plain(", ".join(part for part in parts if part), limit)
    return ""


def texts_of(value: Any, language: str, limit: int = SENTENCE) -> list[str]:
    """The texts of a list, or of {en: [..], es: [..]}; a single text is a list of one."""
    if isinstance(value, Mapping) and any(_is_list(value.get(key)) for key in (language, "en", "es")):
        value = next(value[key] for key in (language, "en", "es") if _is_list(value.get(key)))
    items = list(value)[:MOST] if _is_list(value) else [value]
    found = (text_of(item, language, limit) for item in items if not _is_list(item))
    return [text for text in found if text]


def codes_of(value: Any) -> list[str]:
    """Country codes of a list or of one text."""
    items = list(value)[:300] if _is_list(value) else [value]
    return [plain(item, 3) for item in items if isinstance(item, str) and len(item) == 3 and item.isalpha()]


def dicts_of(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list."""
    return [item for item in value if isinstance(item, Mapping)] if _is_list(value) else []


def sources_of(events: Iterable[Evidence], language: str) -> list[str]:
    """The sources of the events, each once, with its grade where it was judged: `jurist.org (F)`."""
    found: dict[str, str] = {}
    for event in events:
        for name, grade in _named_sources(event, language):
            found[name] = grade or found.get(name, "")
    return [f"{name} ({grade})" if grade else name for name, grade in list(found.items())[:MOST]]


def _named_sources(event: Evidence, language: str) -> Iterator[tuple[str, str]]:
    given = get(event.data, "sources")
    named = False
    for source in list(given)[:MOST] if _is_list(given) else []:
        name = text_of(source, language, NAME)
        if name:
            named = True
            yield name, text_of(get(source, "grade"), language, 10)
    if not named and event.source:
        yield plain(event.source, NAME), ""


def name_of(value: Any, language: str) -> str:
    """The name of a person or body; its id when it has none."""
    return text_of(value, language, NAME) or text_of(get(value, "id"), language, NAME)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
