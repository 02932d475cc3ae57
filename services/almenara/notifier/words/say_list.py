"""What a message says of lists of countries: what changed, who is on it, who was checked and is not, the printings."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from almenara.domain.alert import Evidence
from almenara.domain.message import Paragraph
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.reading import NAME, codes_of, dicts_of, get, text_of
from almenara.notifier.words.telling import Telling

TYPE: Final = "list.changed"
_CHANGES: Final = {
    "added": ("added", "entran"),
    "removed": ("removed", "salen"),
    "moved": ("moved within the list", "cambian de grupo"),
}


def lists(telling: Telling) -> Iterator[Paragraph]:
    """Every edition that the alert stands on."""
    for event in telling.alert.events:
        if event.type == TYPE:
            yield from _edition(event, telling)


def _edition(event: Evidence, telling: Telling) -> Iterator[Paragraph]:
    data, language = event.data, telling.language
    changes = _changes(data, telling)
    counts = _counts(get(data, "counts"), telling)
    if changes or counts:
        yield telling.paragraph("changes", "; ".join(part for part in (counts, changes) if part) + ".")
    absent = codes_of(get(data, "countries", "checked_absent"))
    if absent:
        # Only a whole list proves that a country is not on it.
        label = "not_named" if get(data, "captured") == "partial" else "not_on_it"
        yield telling.paragraph(label, words.country_names(absent, language) + ".")
    printings = [text for text in (_printing(one, telling) for one in dicts_of(get(data, "printings"))[:8]) if text]
    if printings:
        yield telling.paragraph("printings", "; ".join(printings) + ".")
    if get(data, "provisional") is True:
        text = telling.say("the official text has not been captured yet.", "aún sin captura del texto oficial.")
        yield telling.paragraph("provisional", text)


def _changes(data: Any, telling: Telling) -> str:
    by_kind: dict[str, list[str]] = {}
    for change in dicts_of(get(data, "changes"))[:300]:
        kind, codes = change.get("change"), codes_of(change.get("country"))
        if isinstance(kind, str) and kind in _CHANGES and codes:
            by_kind.setdefault(kind, []).append(codes[0])
    told = []
    for kind, codes in by_kind.items():
        label = telling.say(*_CHANGES[kind])
        names = words.country_names(codes, telling.language, most=12, carried=get(data, "names"))
        told.append(f"{label} ({len(codes)}): {names}")
    return "; ".join(told)


def _counts(counts: Any, telling: Telling) -> str:
    before, after = get(counts, "before"), get(counts, "after")
    if not _whole(after):
        return ""
    if not _whole(before) or not before:
        return telling.say(f"{after} countries on it", f"{after} países en ella")
    return telling.say(f"{before} → {after} countries", f"{before} → {after} países")


def _printing(printing: Mapping[str, Any], telling: Telling) -> str:
    name = text_of(printing.get("source"), telling.language, NAME)
    says, prints = printing.get("says"), printing.get("prints")
    parts = []
    if _whole(says):
        parts.append(telling.say(f"says {says}", f"dice {says}"))
    if _whole(prints):
        parts.append(telling.say(f"prints {prints}", f"imprime {prints}"))
    missing = codes_of(printing.get("missing"))
    lacks = words.country_names(missing, telling.language, most=4) if missing else ""
    tail = telling.say(f" (without {lacks})", f" (sin {lacks})") if lacks else ""
    return f"{name} {', '.join(parts)}{tail}" if name and parts else ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000
