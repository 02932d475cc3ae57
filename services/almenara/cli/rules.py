"""`almenara rules`: check, test, evaluate, activate and list rules; explain one event."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from almenara.cli.rules_backtest import backtest
from almenara.cli.rules_check import check
from almenara.cli.rules_diff import diff
from almenara.cli.rules_promote import promote
from almenara.cli.rules_test import test
from almenara.cli.rules_tune import tune
from almenara.cli.session import Session, verb


@click.group()
def command() -> None:
    """Rules: Sigma files with their own tests, checked as a whole, live by hash."""


command.add_command(backtest)
command.add_command(check)
command.add_command(diff)
command.add_command(promote)
command.add_command(test)
command.add_command(tune)


@command.command(name="eval")
@click.option("--rules", "rules", multiple=True, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--watchlists", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clock", type=click.Choice(["recorded", "time"]), default="recorded", show_default=True)
@click.option("--time-field", default="@timestamp", show_default=True, help="The time of plain events.")
@click.option("--drain", is_flag=True, help="After the last event every pending deadline fires.")
@click.option("--strict", is_flag=True, help="Stop at the first bad event line, exit 2.")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file, or - .")
@click.argument("events", type=click.File("rb"))
@verb
def evaluate(
    session: Session,
    rules: tuple[Path, ...],
    watchlists: Path | None,
    clock: str,
    time_field: str,
    drain: bool,
    strict: bool,
    output: Any,
    events: Any,
) -> int:
    """Rules over the events of a file (JSON lines, - for standard input); no state is kept.

    Needs no configuration. The output is JSON, one object a line, with and without --json; --quiet leaves out what is
    wrong with single lines.
    """
    from almenara.app.evaluation import evaluate as run
    from almenara.app.evaluation import lines_of, loose_content

    content = loose_content(rules, watchlists)
    run_over = run(content, lines_of(events), clock=clock, time_field=time_field, drain=drain)
    status = 0
    for said, fault in run_over:
        if fault:
            if strict or not session.quiet:
                click.echo(fault, err=True)
            if strict:
                return 2
            continue
        output.write(json.dumps(said, ensure_ascii=False) + "\n")
    return status


@command.command()
@click.option("--reason", required=True, help="Why; it stands in the record.")
@click.option("--by", default="ops", show_default=True, help="Who; it stands in the record.")
@click.option("--hash", "digest", metavar="HASH", help="Roll back: a ruleset of the record, not the folder.")
@verb
def activate(session: Session, reason: str, by: str, digest: str | None) -> int:
    """Checks, tests and makes the rules of the folder live, from a recorded position on."""
    from almenara.app.activation import activate_rules
    from almenara.app.activation import check as check_all
    from almenara.app.content import read_files

    checked = check_all(_recorded(session, digest) if digest else _content(session))
    folder = read_files(session.config_dir).digest if digest else ""
    new = activate_rules(session.store, checked, datetime.now(UTC), by=by, reason=reason, folder=folder)
    session.give({"hash": checked.digest, "activated": new})
    session.say(f"activated {checked.digest[:12]}: {len(checked.ruleset.rules)} rules")
    if digest:
        session.say("the folder was not changed; services that start keep this until the folder changes")
    return 0


@command.command(name="list")
@verb
def list_(session: Session) -> int:
    """The rules of the folder: name, kind, level, status, version, tests."""
    from almenara.engine.detectors.standing import needed
    from almenara.engine.rule import is_hidden
    from almenara.engine.ruleset import build

    for rule in build(_content(session)).rules:
        if is_hidden(rule):
            continue
        kind, asks = rule.__struct_config__.tag, needed(rule)
        status = "shadow" if rule.shadow else "live" if rule.alerts else "feeds correlations"
        session.give(
            {"name": rule.name, "kind": kind, "level": rule.level, "version": rule.version, "status": status,
             "tests": len(rule.tests), "title": rule.title, "asks": asks}
        )  # fmt: skip
        session.say(f"{rule.name:24} {kind:10} {rule.level:14} v{rule.version}  {status:20} {rule.title}")
        if asks:
            session.say(f"{'':24} {asks}")
    return 0


@command.command()
@click.argument("event")
@click.option("--rule", required=True)
@verb
def explain(session: Session, event: str, rule: str) -> int:
    """What a rule made of one event: the same as `almenara explain EVENT --rule R`."""
    from almenara.cli.explain import explain_event

    return explain_event(session, event, rule)


def _recorded(session: Session, digest: str) -> Any:
    from almenara.app.rule_sets import RuleSets

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    return RuleSets(lambda: session.store, session.config_dir, allowed_lateness_s=lateness).recorded(digest)


def _content(session: Session) -> Any:
    from almenara.app.content import read_content

    lateness = session.settings.time.allowed_lateness
    return read_content(session.config_dir, allowed_lateness_s=int(lateness.total_seconds()))
