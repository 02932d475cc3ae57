"""`almenara rules check`: all that is wrong in the folder's rules, lists and lexicons, each with its place and cure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.errors import Fault


@click.command()
@click.option("--strict", is_flag=True, help="Exit 1 when there is a warning.")
@verb
def check(session: Session, strict: bool) -> int:
    """Everything wrong in the whole folder at once: file, line, and the cure. Exit 2 when there is a fault.

    What is sound and looks wrong (a rule that can never fire, a list that nobody uses ...) is a warning.
    """
    from almenara.app.activation import compiled
    from almenara.app.checking import placed
    from almenara.app.content import read_content
    from almenara.domain.errors import Faulty
    from almenara.rules.warnings import warnings

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    try:
        content = read_content(session.config_dir, allowed_lateness_s=lateness)
        ruleset = compiled(content)
    except Faulty as error:
        return _refuse(session, [placed(fault, session.config_dir) for fault in error.faults])
    found = warnings(content, ruleset, datetime.now(UTC).date())
    for one in found:
        fault = placed(one.fault, session.config_dir)
        session.give({"warning": one.kind, "file": fault.file, "line": fault.line, "column": fault.column,
                      "what": fault.what, "cure": fault.cure})  # fmt: skip
        if not session.json:
            place, _, words = str(fault).partition(": ")
            click.echo(f"{place}: warning: {words}", err=True)
    counts = {"rules": len(ruleset.rules), "watchlists": len(ruleset.lists), "warnings": len(found)}
    session.give({"ok": True, **counts})
    session.say("check ok: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if strict and found else 0


def _refuse(session: Session, faults: "Sequence[Fault]") -> int:
    for fault in faults:
        session.give(fault)
        if not session.json:
            click.echo(str(fault), err=True)
    if not session.json:
        files = len({fault.file for fault in faults})
        click.echo(f"{len(faults)} faults in {files} files; nothing is activated until they are mended", err=True)
    return 2
