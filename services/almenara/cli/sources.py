"""`almenara sources`: list, try, import and check sources."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.engine.detection import Detection
    from almenara.engine.ruleset import Ruleset
    from almenara.ingest.draft import Draft
    from almenara.ingest.sources import SourceSpec


@click.group()
def command() -> None:
    """Sources: where events come from, and when each was last read."""


@command.command(name="list")
@verb
def list_(session: Session) -> int:
    """Every source of sources.yaml with its last reading."""
    from almenara.app.overview import source_lines
    from almenara.app.sources import read_sources
    from almenara.domain.errors import Missing

    read_sources(session.config_dir)
    try:
        store = session.store
    except Missing:
        store = None
    for line in source_lines(store, session.config_dir):
        session.give(line)
        read = f"{line['outcome']} at {line['last_read'][:16]}" if line["last_read"] else "never read"
        session.say(f"{line['id']:24} {line['kind']:16} {line['country'] or '':4} {read}")
    return 0


@command.command()
@verb
def check(session: Session) -> int:
    """Everything wrong in sources.yaml at once: file, line, and the cure. Fetches nothing."""
    from almenara.app.sources import read_sources

    count = len(read_sources(session.config_dir))
    session.give({"ok": True, "sources": count})
    session.say(f"check ok: {count} sources")
    return 0


@command.command(name="try")
@click.argument("what")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Show so many items.")
@verb
def try_(session: Session, what: str, limit: int) -> int:
    """Reads a feed once (a URL, or an id of sources.yaml) and shows what would come. Stores nothing."""
    from almenara.adapters.feeds import parse
    from almenara.adapters.http.fetch import Fetcher
    from almenara.app.polling import try_source

    now = datetime.now(UTC)
    reading = try_source(_spec(session, what), Fetcher(), lambda body, kind: parse(body, kind), now)
    return show_trial(session, reading.drafts, [str(error) for error in reading.rejected], now=now, limit=limit)


def show_trial(session: Session, drafts: "Sequence[Draft]", refused: list[str], *, now: datetime, limit: int) -> int:
    """What would come, and what the rules would say to it."""
    from almenara.app.trying import would_say

    detections, rejected = would_say(_ruleset(session), drafts, now)
    refused = [*refused, *(str(error) for error in rejected)]
    for draft in drafts[:limit]:
        language = str(draft.data.get("language", ""))
        flags = draft.data.get("flags", [])
        session.give({"item": draft.data.get("title", ""), "time": draft.time, "language": language,
                      "country": draft.countries_key, "flags": flags})  # fmt: skip
        mark = f"  [{', '.join(flags)}]" if flags else ""
        session.say(f"{draft.time:%Y-%m-%d %H:%M}  {language:3} {draft.data.get('title', '')}{mark}")
    times = sorted(draft.time for draft in drafts)
    languages = sorted({_language(draft) for draft in drafts} - {""})
    session.give(
        {
            "items": len(drafts),
            "refused": refused,
            "oldest": times[0] if times else None,
            "newest": times[-1] if times else None,
            "languages": languages,
            "detections": [_detection(one) for one in detections],
            "stored": False,
        }
    )
    for line in refused:
        session.say(f"refused   {line}")
    span = f", {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC" if times else ""
    session.say(f"{len(drafts)} items{span}, languages: {', '.join(languages) or 'not said'}")
    session.say(f"the rules would say: {_summary(detections)}")
    session.say("nothing was stored")
    return 0 if drafts else 1


@command.command(name="import")
@click.argument("source")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--covers", help="Registers: the days that the export covers, both included: 2026-01-01..2026-01-15.")
@click.option("--by", required=True, help="Who exported it; it stands in the record.")
@click.option("--dry-run", is_flag=True, help="Show what would come; store nothing.")
@verb
def import_(session: Session, source: str, file: Path, covers: str | None, by: str, dry_run: bool) -> int:
    """Imports a register that a person exported, or a list of companies.

    Of a register, rows that touch no watched name are counted and nothing else.
    """
    from almenara.app.clock import SystemClock
    from almenara.app.intake import DraftIntake
    from almenara.app.registers import read_export, store_export
    from almenara.app.sources import last_readings, read_sources, source_of
    from almenara.ingest.sources import LIST_EDITION

    spec = source_of(read_sources(session.config_dir), source)
    if spec.kind == LIST_EDITION:
        return _import_list(session, spec, file, by=by, dry_run=dry_run)
    if covers is None:
        raise click.UsageError("a register needs --covers: the days of the export, 2026-01-01..2026-01-15")
    lists = _ruleset(session).lists
    last = None if dry_run else last_readings(session.store, [spec.id]).get(spec.id)
    reading = read_export(spec, file, _days(covers), lists, by=by, at=datetime.now(UTC), last=last)
    data = reading.checked.data
    for error in reading.rejected:
        click.echo(str(error), err=True)
    new = repeated = 0
    if not dry_run:
        intake = DraftIntake(session.store, SystemClock())
        report = store_export(intake, spec, reading, session.settings.watch.countries)
        new, repeated = len(report.accepted), len(report.repeated)
    outcome = str(data["outcome"])
    session.give({"source": spec.id, "outcome": outcome, "rows": data["rows"], "watched_rows": len(reading.drafts),
                  "bad_rows": len(reading.rejected), "covers": data["covers"], "accepted": new,
                  "repeated": repeated, "stored": not dry_run})  # fmt: skip
    session.say(
        f"{spec.id}: {outcome}, {data['rows']} rows, {len(reading.drafts)} touch a watched name, "
        f"{len(reading.rejected)} not read; " + ("nothing was stored" if dry_run else f"{new} records new")
    )
    if outcome == "failed":
        return 2
    return 1 if outcome == "shrunk" or reading.rejected else 0


def _import_list(session: Session, spec: "SourceSpec", file: Path, *, by: str, dry_run: bool) -> int:
    from almenara.app.clock import SystemClock
    from almenara.app.intake import DraftIntake
    from almenara.app.lists import read_list_file, store_list
    from almenara.app.sources import last_readings

    last = None if dry_run else last_readings(session.store, [spec.id]).get(spec.id)
    reading = read_list_file(spec, file, by=by, at=datetime.now(UTC), previous=last.previous() if last else None)
    new = repeated = 0
    if not dry_run:
        report = store_list(DraftIntake(session.store, SystemClock()), spec, reading, first=last is None)
        new, repeated = len(report.accepted), len(report.repeated)
    outcome = str(reading.outcome)
    session.give({"source": spec.id, "outcome": outcome, "rows": reading.rows, "changes": len(reading.drafts),
                  "accepted": new, "repeated": repeated, "stored": not dry_run})  # fmt: skip
    session.say(
        f"{spec.id}: {outcome}, {reading.rows} rows, {len(reading.drafts)} changes over all editions; "
        + ("nothing was stored" if dry_run else f"{new} records new")
    )
    return 1 if outcome == "shrunk" else 0


def _spec(session: Session, what: str) -> "SourceSpec":
    from almenara.app.sources import read_sources, source_of
    from almenara.domain.errors import Refused
    from almenara.ingest.sources import FEED, SourceSpec

    if what.startswith(("http://", "https://")):
        countries = session.settings.watch.countries
        return SourceSpec(id="try", kind=FEED, url=what, country=countries[0] if countries else "ZZZ")
    spec = source_of(read_sources(session.config_dir), what)
    if spec.kind != FEED:
        raise Refused(f"{what} is of kind {spec.kind}; only feeds are fetched (registers: sources import --dry-run)")
    return spec


def _ruleset(session: Session) -> "Ruleset":
    from almenara.app.content import read_content
    from almenara.engine.ruleset import build

    return build(read_content(session.config_dir))


def _days(text: str) -> tuple[date, date]:
    first, dots, last = text.partition("..")
    try:
        return date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        raise click.BadParameter("write two days: 2026-01-01..2026-01-15", param_hint="--covers") from None


def _language(draft: "Draft") -> str:
    return str(draft.data.get("language", ""))


def _detection(one: "Detection") -> dict[str, object]:
    return {"rule": one.rule, "what": str(one.what), "key": dict(one.key)}


def _summary(detections: "Sequence[Detection]") -> str:
    counts: dict[str, int] = {}
    for one in detections:
        counts[one.rule] = counts.get(one.rule, 0) + 1
    return ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items())) or "nothing"
