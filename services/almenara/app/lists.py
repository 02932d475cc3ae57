"""Importing a list of companies (section 1260H): its editions become events, one for each company put on or taken off.

Lists of countries come by a timeline with `list_edition` items: they need words and the edition before.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from almenara.app.intake import DraftIntake, Report
from almenara.domain.errors import Fault, Faulty
from almenara.ingest.checked import Previous, Reading, ReadOutcome, checked, compare
from almenara.ingest.companies import LIST, changes_of, drafts, read_spells
from almenara.ingest.draft import Draft
from almenara.ingest.sources import SourceSpec

_START = datetime(2021, 1, 1, tzinfo=UTC)  # the list exists since 2021


@dataclass(frozen=True, slots=True)
class ListReading:
    """What a list file gives: the changes of all its editions, and the record that it was read."""

    drafts: tuple[Draft, ...]
    checked: Draft
    outcome: ReadOutcome
    rows: int


def read_list_file(spec: SourceSpec, file: Path, *, by: str, at: datetime, previous: Previous | None) -> ListReading:
    """What the file says. Raises Faulty for a list that is not read this way, and for every row that cannot be read."""
    if spec.id != LIST:
        cure = "publish it as a timeline with a list_edition item: docs/timeline-format.md"
        raise Faulty([Fault("sources.yaml", 0, f"{spec.id}: only {LIST} is imported as a file", cure)])
    try:
        body = file.read_bytes()
        text = body.decode("utf-8-sig")
    except OSError as error:
        raise Faulty([Fault(str(file), 0, f"cannot be read ({error.strerror})", "check the path")]) from None
    except UnicodeDecodeError:
        raise Faulty([Fault(str(file), 0, "not UTF-8 text", "save the file as UTF-8")]) from None
    spells, faults = read_spells(text, file.name)
    if faults:
        raise Faulty(faults)
    digest = hashlib.sha256(body).hexdigest()
    outcome = compare(len(spells), digest, previous)
    reading = Reading(
        source=spec.id,
        country=spec.country,
        at=at,
        covers=(_START, at),
        outcome=outcome,
        rows=len(spells),
        sha256=digest,
        more={"by": by},
    )
    return ListReading(tuple(drafts(list(changes_of(spells)), spec.id)), checked(reading), outcome, len(spells))


def store_list(intake: DraftIntake, spec: SourceSpec, reading: ListReading, *, first: bool) -> Report:
    """Appends the changes and the reading. A shrunk file changes nothing: half a list would look like withdrawals.

    At the first reading old changes are recorded as backfill; later only what is new is appended at all.
    """
    changes = () if reading.outcome == ReadOutcome.SHRUNK else reading.drafts
    return intake.take([*changes, reading.checked], source=spec.id, first_reading=first)
