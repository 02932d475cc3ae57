"""`almenara status`: one page of health."""

import click

from almenara.cli.session import Session, verb


@click.command()
@click.option("--service", default="", help="Only this service: exit 1 unless it runs and is well.")
@verb
def command(session: Session, service: str) -> int:
    """Services, progress, what is active, sources. Exit 1 when a service is not well."""
    from almenara.app.destinations import trouble as trouble_of
    from almenara.app.health import all_health, read_health
    from almenara.app.overview import overview

    data_dir = session.settings.data_dir
    if service:
        one = read_health(data_dir, service)
        trouble = "does not run here" if one is None else one.trouble
        session.give({"service": service, "healthy": not trouble, "trouble": trouble or None})
        session.say(f"{service}: {trouble or 'well'}")
        return 1 if trouble else 0
    page = overview(session.store, session.config_dir, all_health(data_dir))
    session.give(page)
    for found in page["services"]:
        count = found["config_faults"]
        faults = f"; {count} faults in its folder: almenara config check" if count else ""
        session.say(f"service   {found['service']:10} {found['trouble'] or 'well'}{faults}")
    if not page["services"]:
        session.say("service   none runs here")
    lengths = ", ".join(f"{name} {count:,}" for name, count in page["streams"].items())
    waiting = ", ".join(f"{name} {count:,}" for name, count in page["behind"].items())
    session.say(f"record    {page['partitions']} partitions: {lengths}")
    session.say(f"behind    {waiting}; {page['pending']} messages to send")
    session.say(f"active    ruleset {_short(page['ruleset'])}, subscribers {_short(page['audience'])}")
    for channel in page["channels"]:
        session.say(f"channel   {channel['channel']:24} {trouble_of(channel) or 'well'}")
    for source in page["sources"]:
        read = f"{source['outcome']} at {source['last_read'][:16]}" if source["last_read"] else "never read"
        session.say(f"source    {source['id']:24} {read}{'  SILENT' if source['silent'] else ''}")
    return 0 if page["healthy"] else 1


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "none"
