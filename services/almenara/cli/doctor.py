"""`almenara doctor`: checks everything that a running system needs, each with its cure."""

import os

import click

from almenara.cli.session import Session, verb


@click.command()
@click.option("--service", default="", help="Only the health of this service.")
@verb
def command(session: Session, service: str) -> int:
    """Every check with its cure. Exit 1 when one fails, 4 when a dependency cannot be reached."""
    from almenara.app.checking import check_folder
    from almenara.app.doctor import FAILED, UNREACHABLE, examine

    overrides = {"data_dir": str(session.data_dir)} if session.data_dir else {}
    found = check_folder(session.config_dir, os.environ, overrides)
    states = set()
    for finding in examine(session.config_dir, found, service):
        states.add(finding.state)
        session.give(finding)
        cure = f"\n{'':14}cure: {finding.cure}" if finding.cure else ""
        session.say(f"{finding.state:11} {finding.check}: {finding.what}{cure}")
    return 4 if UNREACHABLE in states else 1 if FAILED in states else 0
