"""`almenara run`: the services. In the embedded mode all of them in one process, else each in a process of its own."""

import click

from almenara.cli.session import Session, verb

_SERVICES = ("all", "ingest", "rules", "notifier", "ticker", "console")


@click.command()
@click.argument("service", type=click.Choice(_SERVICES), default="all")
@verb
def command(session: Session, service: str) -> int:
    """Runs until SIGTERM. SIGHUP reads rules and subscribers again; a bad file never replaces a good one."""
    from almenara.app.process import run

    session.service = True
    session.service = True
    run(service, session.settings, session.config_dir)
    return 0
