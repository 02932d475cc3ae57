"""`almenara rules check`: all that is wrong in the folder's rules, lists and lexicons, each with its place and cure."""

import click

from almenara.cli.session import Session, verb


@click.command()
@verb
def check(session: Session) -> int:
    """Everything wrong in the whole folder at once: file, line, and the cure. Exit 2 when there is a fault."""
    from almenara.app.activation import compiled
    from almenara.app.checking import placed
    from almenara.app.content import read_content
    from almenara.domain.errors import Faulty

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    try:
        content = read_content(session.config_dir, allowed_lateness_s=lateness)
        ruleset = compiled(content)
    except Faulty as error:
        faults = [placed(fault, session.config_dir) for fault in error.faults]
        for fault in faults:
            session.give(fault)
            if not session.json:
                click.echo(str(fault), err=True)
        if not session.json:
            files = len({fault.file for fault in faults})
            click.echo(f"{len(faults)} faults in {files} files; nothing is activated until they are mended", err=True)
        return 2
    session.give({"ok": True, "rules": len(ruleset.rules), "watchlists": len(ruleset.lists)})
    session.say(f"check ok: {len(ruleset.rules)} rules, {len(ruleset.lists)} watchlists")
    return 0
