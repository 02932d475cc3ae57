"""What an edition of a list says, in one or two sentences, in English and Spanish.

Words only: it is given the event's data and says no more than stands there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from almenara.engine.folding import fold
from almenara.ingest.countries import Countries

LANGUAGES: Final = ("en", "es")
MOST_NAMED: Final = 8

_MONTHS: Final = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
}
_STATUS: Final = {
    "en": {"full": "full", "partial": "partial"},
    "es": {"full": "total", "partial": "parcial"},
}
_PLURAL: Final = {
    "en": {"full": "full", "partial": "partial"},
    "es": {"full": "totales", "partial": "parciales"},
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "countries": "{n} countries",
        "from": "from {day}",
        "moved": "{names} moved to {status}",
        "added": "{names} added",
        "removed": "{names} removed",
        "on one": "{names} is on it",
        "on many": "{names} are on it",
        "absent one": "{names} is not on it",
        "absent many": "{names} are not on it",
        "region one": "In the region, {names} is on it.",
        "region many": "In the region, {names} are on it.",
        "partly": "among those added: {names}; the full list was not captured",
        "unnamed one": "{names} is not named in the pages found",
        "unnamed many": "{names} are not named in the pages found",
        "more": "{n} more",
        "says": "{source} says {says} countries and prints {prints}",
        "prints": "{source} prints {prints}",
        "without": "missing: {names}",
        "only": "only there: {names}",
    },
    "es": {
        "countries": "{n} países",
        "from": "desde el {day}",
        "moved": "pasan a la categoría {status}: {names}",
        "added": "se agregan: {names}",
        "removed": "salen: {names}",
        "on one": "{names} figura",
        "on many": "{names} figuran",
        "absent one": "{names} no figura",
        "absent many": "{names} no figuran",
        "region one": "En la región figura {names}.",
        "region many": "En la región figuran {names}.",
        "partly": "entre los agregados: {names}; no se captó la lista completa",
        "unnamed one": "{names} no aparece en las páginas halladas",
        "unnamed many": "{names} no aparecen en las páginas halladas",
        "more": "{n} más",
        "says": "{source} dice {says} países e imprime {prints}",
        "prints": "{source} imprime {prints}",
        "without": "falta: {names}",
        "only": "solo allí: {names}",
    },
}


def describe(data: Mapping[str, Any], countries: Countries, *, watched: Sequence[str], first: bool) -> dict[str, str]:
    """The summary of a `list.changed` event in both languages; `first`: an edition without a predecessor."""
    return {language: _summary(data, countries, language, watched, first=first) for language in LANGUAGES}


def printings_differ(printings: Sequence[Mapping[str, Any]], countries: Countries) -> dict[str, list[str]] | None:
    """One sentence in each language on how the printings differ, from each other or from what they say; or None."""
    odd = any(p["missing"] or p["extra"] or p.get("says", p["prints"]) != p["prints"] for p in printings)
    if not odd:
        return None
    return {
        language: ["; ".join(_printed(printing, countries, language) for printing in printings) + "."]
        for language in LANGUAGES
    }


def say_date(day: str, language: str) -> str:
    """An ISO day as people write it: 21 Jan 2026, 21 ene 2026."""
    when = date.fromisoformat(day)
    return f"{when.day} {_MONTHS[language][when.month - 1]} {when.year}"


def _summary(
    data: Mapping[str, Any], countries: Countries, language: str, watched: Sequence[str], *, first: bool
) -> str:
    words = _WORDS[language]
    parts = [_head(data, language, first=first)]
    if data["captured"] == "partial":
        added = _named([change["country"] for change in data["changes"]], countries, language)
        parts.append(words["partly"].format(names=added))
        parts += _say("unnamed", data["not_named"], watched, countries, language)
    else:
        parts += [] if first else _changed(data, countries, language)
        told = set() if first else {change["country"] for change in data["changes"]}
        on_it = [code for code in data["on_it"] if code in watched and code not in told]
        parts += _say("on", on_it, watched, countries, language)
        parts += _say("absent", data["countries"]["checked_absent"], watched, countries, language)
    nearby = [code for code in data["on_it"] if code not in watched]
    sentence = "; ".join(parts) + "."
    if not nearby or data["captured"] == "partial":
        return sentence
    return sentence + " " + _say("region", nearby, nearby, countries, language)[0]


def _head(data: Mapping[str, Any], language: str, *, first: bool) -> str:
    words, counts = _WORDS[language], data["counts"]
    total = words["countries"].format(n=counts["after"])
    if not first:
        return f"{data['list']['name'][language]}: {counts['before']} → {total}"
    kinds = [f"{counts[kind]} {many}" for kind, many in _PLURAL[language].items() if kind in counts]
    split = f" ({', '.join(kinds)})" if kinds else ""
    since = words["from"].format(day=say_date(data["edition"]["effective"], language))
    return f"{data['list']['name'][language]}: {total}{split} {since}"


def _changed(data: Mapping[str, Any], countries: Countries, language: str) -> list[str]:
    """Moves and removals by name; additions only of the countries followed (watched and region)."""
    words, found = _WORDS[language], []
    for status in sorted({c["to"] for c in data["changes"] if c["change"] == "moved"}):
        codes = [c["country"] for c in data["changes"] if c["change"] == "moved" and c["to"] == status]
        said = _STATUS[language].get(status, status)
        found.append(words["moved"].format(names=_named(codes, countries, language), status=said))
    removed = [c["country"] for c in data["changes"] if c["change"] == "removed"]
    added = [c["country"] for c in data["changes"] if c["change"] == "added" and c["country"] in data["on_it"]]
    for key, codes in (("added", added), ("removed", removed)):
        if codes:
            found.append(words[key].format(names=_named(codes, countries, language)))
    return found


def _say(key: str, codes: Sequence[str], order: Sequence[str], countries: Countries, language: str) -> list[str]:
    if not codes:
        return []
    ordered = sorted(codes, key=list(order).index)
    form = _WORDS[language][f"{key} {'one' if len(codes) == 1 else 'many'}"]
    return [form.format(names=_named(ordered, countries, language))]


def _printed(printing: Mapping[str, Any], countries: Countries, language: str) -> str:
    words = _WORDS[language]
    told = printing.get("says", printing["prints"]) != printing["prints"]
    said = words["says" if told else "prints"].format(**printing)
    notes = [
        words[key].format(names=_named(codes, countries, language))
        for key, codes in (("without", printing["missing"]), ("only", printing["extra"]))
        if codes
    ]
    return f"{said} ({'; '.join(notes)})" if notes else said


def _named(codes: Iterable[str], countries: Countries, language: str) -> str:
    names = [countries.name(code, language) for code in codes]
    more = len(names) - MOST_NAMED
    if more > 1:
        names = [*names[:MOST_NAMED], _WORDS[language]["more"].format(n=more)]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {_and(names[-1], language)} {names[-1]}"


def _and(following: str, language: str) -> str:
    # Spanish writes `e` before the sound i: "Perú e Irán".
    sound = fold(following)
    return "and" if language == "en" else "e" if sound.startswith(("i", "hi")) and not sound.startswith("hie") else "y"
