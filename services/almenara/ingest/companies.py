"""The US list of Chinese military companies (section 1260H): its editions, and what each one changed.

Text in, drafts out. A company may be printed again in a later edition, leave, and come back: each company is on the
list on a day when any of its rows covers the day. Must not know rules or alerts.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from almenara.domain.errors import Fault
from almenara.domain.ids import content_id
from almenara.ingest.draft import Draft

LIST: Final = "us_1260h"
KIND: Final = "chinese_military_company"
MADE: Final = "made"
WITHDRAWN: Final = "withdrawn"

_ZONE: Final = ZoneInfo("America/New_York")
_NAME: Final = {
    "en": "US list of Chinese military companies (section 1260H)",
    "es": "Lista de EE. UU. de empresas militares chinas (sección 1260H)",
}
_SAYS: Final = {
    MADE: {
        "en": "The US Department of Defense put {name} on its list of Chinese military companies (section 1260H).",
        "es": "El Departamento de Defensa de EE. UU. incluyó a {name} en su lista de empresas militares chinas "
        "(sección 1260H).",
    },
    WITHDRAWN: {
        "en": "The US Department of Defense took {name} off its list of Chinese military companies (section 1260H).",
        "es": "El Departamento de Defensa de EE. UU. retiró a {name} de su lista de empresas militares chinas "
        "(sección 1260H).",
    },
}


@dataclass(frozen=True, slots=True)
class Spell:
    """One row: a company and the days it is listed, half-open [start, end); `end` None = still listed."""

    company: str
    start: date
    end: date | None
    url: str = ""


@dataclass(frozen=True, slots=True)
class CompanyChange:
    """One company put on the list or taken off it, on a day."""

    day: date
    company: str
    change: str
    url: str = ""


def read_spells(text: str, file: str) -> tuple[list[Spell], list[Fault]]:
    """The rows of a CSV with the columns Name, Clean Name, Start date, End date, Source Url; faults name the row."""
    spells: list[Spell] = []
    faults: list[Fault] = []
    reader = csv.DictReader(io.StringIO(text))
    missing = [c for c in ("Name", "Clean Name", "Start date", "End date") if c not in (reader.fieldnames or ())]
    if missing:
        return [], [Fault(file, 1, f"no column {', '.join(missing)}", "take the published layout")]
    for row in reader:
        company = (row["Clean Name"] or "").strip() or (row["Name"] or "").strip()
        try:
            start = date.fromisoformat((row["Start date"] or "").strip())
            end = date.fromisoformat(ended) if (ended := (row["End date"] or "").strip()) else None
        except ValueError as error:
            faults.append(Fault(file, reader.line_num, f"'{company}': {error}", "write days as YYYY-MM-DD"))
            continue
        if not company or (end is not None and end <= start):
            faults.append(
                Fault(file, reader.line_num, f"'{company}' has no name or ends before it starts", "mend the row")
            )
            continue
        spells.append(Spell(company, start, end, (row.get("Source Url") or "").strip()))
    return spells, faults


def listed_on(spells: Sequence[Spell], day: date) -> set[str]:
    """The companies that are on the list on a day."""
    return {s.company for s in spells if s.start <= day and (s.end is None or day < s.end)}


def changes_of(spells: Sequence[Spell]) -> Iterator[CompanyChange]:
    """What each edition changed, in order of day and name. Replaying them gives the list of any day exactly."""
    urls = {(s.company, s.start): s.url for s in spells}
    before: set[str] = set()
    for day in sorted({s.start for s in spells} | {s.end for s in spells if s.end}):
        now = listed_on(spells, day)
        for company in sorted(before ^ now):
            yield CompanyChange(day, company, MADE if company in now else WITHDRAWN, urls.get((company, day), ""))
        before = now


def replay(changes: Sequence[CompanyChange], day: date) -> set[str]:
    """The list on a day, from the changes alone."""
    found: set[str] = set()
    for change in changes:
        if change.day <= day:
            (found.add if change.change == MADE else found.discard)(change.company)
    return found


def drafts(changes: Sequence[CompanyChange], source: str) -> list[Draft]:
    """One `designation.made` draft for each change, keyed USA, dated to the day in Washington."""
    return [_draft(change, source) for change in changes]


def _draft(change: CompanyChange, source: str) -> Draft:
    start = datetime.combine(change.day, time(), _ZONE)
    end = datetime.combine(change.day + timedelta(days=1), time(), _ZONE)
    sources = [{"name": "defense.gov", "url": change.url, "grade": "F"}] if change.url else []
    data: dict[str, Any] = {
        "summary": {language: form.format(name=change.company) for language, form in _SAYS[change.change].items()},
        "sources": sources,
        "designation": {"kind": KIND, "name": _NAME, "stage": "made"},
        "list": {"id": LIST, "name": _NAME},
        "company": {"name": change.company},
        "change": change.change,
        "affected": {"country": "CHN"},
        "countries": {"actor": ["USA"], "affected": ["CHN"]},
    }
    return Draft(
        id=f"{LIST}-{change.day}-{change.change}-{content_id(change.company)[:10]}",
        source=source,
        type="designation.made",
        time=start.astimezone(UTC),
        until=end.astimezone(UTC),
        recorded=(start + timedelta(hours=17)).astimezone(UTC),
        countries_key=("USA",),
        subject=change.company[:200],
        data=data,
    )
