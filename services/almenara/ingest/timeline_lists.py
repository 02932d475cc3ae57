"""List editions inside a timeline: reads their files and keeps the last whole edition of each family.

list_edition:
  family: us_immigrant_visa_pause
  name: {en: US pause of immigrant visas, es: Pausa de visas de inmigrante de EE. UU.}
  announced: '2026-01-14'
  effective: '2026-01-21'
  printings: [{source: gulfnews.com, url: gulfnews.com/.., says: 75, file: lists/immigrant_pause_gulfnews.csv}]
  official: false       # true: the official text was captured
  complete: true        # false: the whole list was not captured; then `named` and `counts` as told
  named: [Cuba, Venezuela]
  counts: {before: 13, after: 38}
  sources: [...]        # more sources than the printings
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from almenara.domain.errors import AlmenaraError, Fault
from almenara.engine.reading.documents import Document, Path
from almenara.ingest import countries as country_table
from almenara.ingest.countries import Countries
from almenara.ingest.editions import Edition, Printing, edition_data, read_list

KEYS: Final = (
    "family", "name", "announced", "effective", "printings", "official", "complete", "named", "counts", "sources",
    "issuer",
)  # fmt: skip
_REQUIRED: Final = ("family", "name", "announced", "effective", "printings")


class Lists:
    """Reads the editions of one timeline, in its order. Faults are collected in `faults`."""

    def __init__(self, read_file: Callable[[str], str], watched: Sequence[str], region: Sequence[str]) -> None:
        self.faults: list[Fault] = []
        self._read_file = read_file
        self._watched = tuple(watched)
        self._region = tuple(region)
        self._countries: Countries | None = None
        self._last: dict[str, Edition] = {}

    def open_countries(self, path: str, document: Document) -> None:
        """Reads the table of country names."""
        text = self._text(path, ("countries",), document)
        if text is not None:
            self._countries, faults = country_table.parse(text, path)
            self.faults += faults

    def edition(self, raw: Any, path: Path, document: Document) -> tuple[str, dict[str, Any]] | None:
        """The day it was announced and the data of its `list.changed` event; None when there were faults."""
        before = len(self.faults)
        countries = self._countries
        if countries is None:
            self.faults.append(document.fault(path, "no table of countries", "name it at the top: `countries: FILE`"))
            return None
        if not self._shape(raw, path, document):
            return None
        edition = self._read(raw, path, document, countries)
        if len(self.faults) > before:
            return None
        previous = self._last.get(edition.family)
        if previous and previous.announced >= edition.announced:
            what = f"the edition of {previous.announced} stands before it"
            self.faults.append(document.fault((*path, "announced"), what, "put the editions of a family in order"))
            return None
        data = edition_data(edition, previous, countries, watched=self._watched, region=self._region)
        if edition.complete:
            self._last[edition.family] = edition
        return edition.announced, data | {"sources": _sources(raw)}

    def _shape(self, raw: Any, path: Path, document: Document) -> bool:
        wrong = _wrong(raw)
        self.faults += [document.fault(path, what, f"keys: {', '.join(KEYS)}") for what in wrong]
        return not wrong

    def _read(self, raw: Mapping[str, Any], path: Path, document: Document, countries: Countries) -> Edition:
        complete = raw.get("complete", True) is not False
        read = [
            self._printing(printing, (*path, "printings", index), document, countries, complete=complete)
            for index, printing in enumerate(raw["printings"])
        ]
        return Edition(
            family=str(raw["family"]),
            name=raw["name"],
            announced=str(raw["announced"]),
            effective=str(raw["effective"]),
            issuer=str(raw.get("issuer", "USA")),
            printings=tuple(read),
            official=raw.get("official") is True,
            complete=complete,
            named=self._named(raw.get("named", []), (*path, "named"), document, countries),
            counts=raw.get("counts", {}),
        )

    def _printing(
        self, raw: Mapping[str, Any], path: Path, document: Document, countries: Countries, *, complete: bool
    ) -> Printing:
        says = raw.get("says")
        listed: dict[str, str] = {}
        file = raw.get("file")
        if complete and not file:
            self.faults.append(document.fault(path, "no file", "name the CSV of this printing"))
        elif complete:
            text = self._text(str(file), (*path, "file"), document)
            if text is not None:
                listed, faults = read_list(text, str(file), countries)
                self.faults += faults
        return Printing(str(raw["source"]), says if isinstance(says, int) else None, listed)

    def _named(self, names: Any, path: Path, document: Document, countries: Countries) -> tuple[str, ...]:
        found: list[str] = []
        for index, name in enumerate(names if isinstance(names, list) else []):
            codes = countries.of(str(name))
            if len(codes) == 1:
                found.append(codes[0])
            else:
                what = f"'{name}' may be {' or '.join(codes)}" if codes else f"'{name}' is no known country"
                self.faults.append(document.fault((*path, index), what, "write the full name"))
        return tuple(found)

    def _text(self, file: str, path: Path, document: Document) -> str | None:
        try:
            return self._read_file(file)
        except AlmenaraError as error:
            self.faults.append(document.fault(path, f"cannot read {file}: {error}", "mend the path"))
            return None


def _wrong(raw: Any) -> list[str]:
    if not isinstance(raw, dict):
        return ["an edition is a mapping"]
    wrong = [f"no {key}" for key in _REQUIRED if not raw.get(key)]
    wrong += [f"unknown key '{key}'" for key in raw if key not in KEYS]
    days = ("announced", "effective")
    wrong += [f"{day} '{raw[day]}' is no day" for day in days if raw.get(day) and not _is_day(raw[day])]
    name, printings, counts = raw.get("name"), raw.get("printings"), raw.get("counts")
    if not isinstance(name, dict) or sorted(name) != ["en", "es"]:
        wrong.append("name is not {en, es}")
    if not isinstance(printings, list) or not all(isinstance(p, dict) and p.get("source") for p in printings):
        wrong.append("printings is not a list of {source, url, says, file}")
    if raw.get("complete", True) is False and not (isinstance(counts, dict) and {"before", "after"} <= set(counts)):
        wrong.append("an edition that was not captured whole has counts {before, after}")
    return wrong


def _sources(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    printed = [{"name": p["source"], "url": p["url"], "grade": "F"} for p in raw["printings"] if p.get("url")]
    more = raw.get("sources")
    return [*printed, *(more if isinstance(more, list) else [])]


def _is_day(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
