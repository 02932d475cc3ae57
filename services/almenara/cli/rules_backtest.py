"""`almenara rules backtest`: what other rules would have raised and told over the record, next to the active ones."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.audit.compare import Range
    from almenara.domain.audience import Audience
    from almenara.engine.ruleset import Content


@click.command()
@click.option("--since", help="So long before the record's newest tick (90d), or since a day (2026-01-31).")
@click.option("--from", "from_", metavar="A", help="What changed from this day or moment on.")
@click.option("--to", metavar="B", help="What changed up to this day (included) or moment.")
@click.option(
    "--rules",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The candidate: a configuration folder, or a folder of rules. Default: the folder of --config.",
)
@click.option("--jobs", type=click.IntRange(1), help="How many processes; default as many as are useful.")
@verb
def backtest(
    session: Session, since: str | None, from_: str | None, to: str | None, rules: Path | None, jobs: int | None
) -> int:
    """Folds the record with a candidate ruleset next to the active one: alerts and messages more, less, otherwise.

    Reads only; nothing can be sent or written. Exit 1 when the range holds nothing to compare, or when the candidate
    fails on a record.
    """
    from almenara.app.backtest import active_content, backtest, clock_of
    from almenara.cli.rules_backtest_report import tell

    if since and (from_ or to):
        raise click.UsageError("--since goes without --from and --to")
    candidate = candidate_content(session, rules)
    source = session.record
    with closing(source.open()) as store:
        active = active_content(store)
        clock = clock_of(store)
    within = _range(since, from_, to, clock.end if clock else None)
    if clock is None or not within.meets(clock):
        session.give({"what": "summary", "compared": False})
        session.say("nothing to compare: " + (_ran(clock) if clock else "the record has no tick yet"))
        return 1
    audience = configured_audience(session)
    with session.progress("folding") as watch:
        report = backtest(source, active, candidate, within, audience=audience, jobs=jobs or 0, watch=watch)
    tell(session, report)
    return 1 if report.newly_failed else 0


def candidate_content(session: Session, rules: Path | None) -> "Content":
    """The content that is asked about. Raises Faulty with every fault, each at the file where it stands."""
    from almenara.app.content import read_content
    from almenara.domain.errors import Fault, Faulty
    from almenara.engine.ruleset import build

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    whole = rules is not None and (rules / "rules").is_dir()
    folder = rules if whole and rules else session.config_dir
    apart = None if whole else rules
    try:
        content = read_content(folder, allowed_lateness_s=lateness, rules_dir=apart)
        build(content)
    except Faulty as error:
        if apart is None:
            raise
        faults = [
            Fault(str(apart / f.file.removeprefix("rules/")), f.line, f.what, f.cure, f.column)
            if f.file.startswith("rules/") else f
            for f in error.faults
        ]  # fmt: skip
        raise Faulty(faults) from error
    return content


def configured_audience(session: Session) -> "Audience | None":
    """The subscribers of the folder, for a record that has none; None without such a file. Raises Faulty."""
    from almenara.app.audience import FILE, read_audience

    if not (session.config_dir / FILE).exists():
        return None
    return read_audience(session.config_dir, session.settings, key=b"only a backtest").audience


def _range(since: str | None, from_: str | None, to: str | None, now: datetime | None) -> "Range":
    from almenara.audit.compare import Range
    from almenara.cli.subscribers import since_when

    if since:
        return Range(since_when(since, now))
    found = Range(_moment(from_, "--from") if from_ else None, _moment(to, "--to", last=True) if to else None)
    if found.start and found.end and found.end <= found.start:
        raise click.BadParameter("lies before --from", param_hint="--to")
    return found


def _moment(text: str, option: str, *, last: bool = False) -> datetime:
    """The moment that is named; a day begins it, or with `last` ends it. UTC."""
    try:
        found = datetime.fromisoformat(text)
        moment = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return moment + timedelta(days=1) if last and "T" not in text and " " not in text else moment
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "write a day (2026-01-31) or a moment (2026-01-31T12:00Z)", param_hint=option
        ) from None


def _ran(clock: "Range") -> str:
    return f"the record's clock ran from {clock.start:%Y-%m-%d %H:%M} to {clock.end:%Y-%m-%d %H:%M} UTC"
