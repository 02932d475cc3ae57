"""Importing a register that a person exported: the file into a table, the table into drafts and a reading."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from almenara.adapters.files import read_table
from almenara.app.intake import DraftIntake, Item, Report, for_countries
from almenara.app.sources import LastReading
from almenara.domain.errors import Fault, Faulty
from almenara.engine.folding import fold
from almenara.engine.watchlist import Watchlist
from almenara.ingest.register import (
    Import,
    RegisterReading,
    days_covered,
    dropped_headers,
    known_headers,
    read_register,
)
from almenara.ingest.sources import REGISTER, SourceSpec


def read_export(
    spec: SourceSpec,
    file: Path,
    covers: tuple[date, date],
    lists: Mapping[str, Watchlist],
    *,
    by: str,
    at: datetime,
    last: LastReading | None = None,
) -> RegisterReading:
    """What the file says. Raises Faulty for a file, columns or days that cannot be used."""
    if spec.kind != REGISTER:
        cure = f"import is for sources of kind {REGISTER}"
        raise Faulty([Fault("sources.yaml", 0, f"the source {spec.id} is of kind {spec.kind}", cure)])
    try:
        body = file.read_bytes()
    except OSError as error:
        raise Faulty([Fault(str(file), 0, f"cannot be read ({error.strerror})", "check the path")]) from None
    table = read_table(body, file.name, known=known_headers(spec), drop=dropped_headers(spec))
    done = Import(by=by, at=at.astimezone(UTC), covers=days_covered(*covers, spec.zone))
    previous = last.previous() if last else None
    return read_register(spec, table, done, lambda name: _watched(lists, name), previous=previous)


def store_export(intake: DraftIntake, spec: SourceSpec, reading: RegisterReading, watched: tuple[str, ...]) -> Report:
    """Appends the entries first and the reading last: a reading never stands without what it read."""
    items: list[Item] = [*reading.drafts, *reading.rejected, for_countries(reading.checked, watched)]
    return intake.take(items, source=spec.id)


def _watched(lists: Mapping[str, Watchlist], name: str) -> bool:
    return any(fold(name) in one.by_name for one in lists.values())
