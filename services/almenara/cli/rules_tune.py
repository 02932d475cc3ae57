"""`almenara rules tune`: how often each rule and each watchlist entry was right, and what to do about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.app.tuning import Tuning
    from almenara.rules.precision import EntryRecord, RuleRecord, Tally


@click.command()
@click.option(
    "--since", help="Alerts raised so long before the record's newest tick (90d), or since a day (2026-01-31)."
)
@verb
def tune(session: Session, since: str | None) -> int:
    """Precision per rule and watchlist entry, from the judgements on alerts, and proposals. Applies nothing."""
    from almenara.app.backtest import clock_of
    from almenara.app.tuning import tuning
    from almenara.cli.subscribers import since_when

    clock = clock_of(session.store) if since else None
    start = since_when(since, clock.end if clock else None) if since else None
    found = tuning(session.store, start)
    session.give(_as_json(found, since))
    for line in _page(found):
        session.say(line)
    return 0


def _as_json(found: "Tuning", since: str | None) -> dict[str, Any]:
    return {
        "since": since,
        "rules": [
            {"rule": r.rule, "active": r.rule in found.active.by_name, **_counts(r.tally),
             "other_versions": r.other_versions}
            for r in found.rules
        ],
        "entries": [
            {"watchlist": e.watchlist, "id": e.id, "name": e.name, **_counts(e.tally),
             "aliases": {alias: _counts(tally) for alias, tally in e.aliases.items()}}
            for e in found.entries
        ],
        "proposals": [{"action": p.action, "about": p.about, "text": p.text} for p in found.proposals],
        "applied": False,
    }  # fmt: skip


def _counts(tally: "Tally") -> dict[str, Any]:
    low, high = tally.interval
    return {
        "judged": tally.judged,
        "true": tally.true,
        "false": tally.false,
        "unclear": tally.unclear,
        "not_judged": tally.unjudged,
        "precision": None if tally.precision is None else round(tally.precision, 4),
        "interval": [round(low, 4), round(high, 4)] if tally.decided else None,
    }


def _page(found: "Tuning") -> list[str]:
    if not found.rules:
        return ["no alert was raised; there is nothing to judge"]
    lines = _table("rule", [(_rule(r, found), r.tally) for r in found.rules])
    if found.entries:
        lines += ["", *_table("watchlist entry", [(_entry(e), e.tally) for e in found.entries])]
    if not any(record.tally.judged for record in found.rules):
        return [*lines, "", "nobody has judged an alert: almenara alerts judge ALERT true|false|unclear --by NAME"]
    lines += [
        "",
        "proposals (none is applied)" if found.proposals else "no proposals: too few judgements, or all is well",
    ]
    return lines + [f"  {proposal.text}" for proposal in found.proposals]


def _rule(record: "RuleRecord", found: "Tuning") -> str:
    rule = found.active.by_name.get(record.rule)
    notes = ["no longer active"] if rule is None else ["shadow"] if rule.shadow else []
    if record.other_versions:
        notes.append(f"{record.other_versions} of other versions not counted")
    return record.rule + (f" ({', '.join(notes)})" if notes else "")


def _entry(record: "EntryRecord") -> str:
    return f"{record.watchlist}/{record.id} ({record.name})"


def _table(head: str, rows: Sequence[tuple[str, "Tally"]]) -> list[str]:
    width = max(len(head), *(len(name) for name, _ in rows))
    lines = [f"{head:{width}}  judged  true  false  unclear  not judged  precision       95 %"]
    for name, tally in rows:
        counts = f"{tally.judged:6}  {tally.true:4}  {tally.false:5}  {tally.unclear:7}  {tally.unjudged:10}"
        lines.append(f"{name:{width}}  {counts}  {_precision(tally)}")
    return lines


def _precision(tally: "Tally") -> str:
    if tally.precision is None:
        return "        -         -"
    low, high = tally.interval
    return f"{tally.precision * 100:7.0f} %  {low * 100:3.0f} to {high * 100:3.0f}"
