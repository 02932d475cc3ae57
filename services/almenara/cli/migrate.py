"""`almenara migrate`: brings the database schema up to date and, in the distributed mode, makes the topics."""

import click

from almenara.cli.session import Session, verb


@click.command()
@verb
def command(session: Session) -> int:
    """Brings the schema up to date; makes a SQLite file, and missing topics. Safe to run again."""
    from almenara.app.stores import migrate

    settings = session.settings
    before, now = migrate(settings)
    topics: list[str] = []
    if settings.mode == "distributed":
        from almenara.adapters.kafka.topics import Topics

        with Topics(settings.kafka.bootstrap) as admin:
            topics = admin.create(settings.kafka.partitions)
            admin.check(settings.kafka.partitions)
    partitions = settings.kafka.partitions
    session.give({"before": before, "now": now, "partitions": partitions, "topics_created": topics})
    changed = "is up to date" if before == now else f"migrated from {before or 'nothing'}"
    session.say(f"schema {now} {changed}, {partitions} partitions")
    for topic in topics:
        session.say(f"topic {topic} created")
    return 0
