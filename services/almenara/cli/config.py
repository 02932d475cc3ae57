"""`almenara config`: check and show the configuration."""

import os

import click

from almenara.cli.session import Session, verb


@click.group()
def command() -> None:
    """The configuration folder: settings, sources, subscribers, rules and lists."""


@command.command()
@verb
def check(session: Session) -> int:
    """All faults of all files at once: file, line, and the cure. Exit 2 when there is one."""
    from almenara.app.checking import check_folder

    overrides = {"data_dir": str(session.data_dir)} if session.data_dir else {}
    found = check_folder(session.config_dir, os.environ, overrides)
    for fault in found.faults:
        session.give(fault)
        if not session.json:
            click.echo(str(fault), err=True)
    if found.faults:
        if not session.json:
            click.echo(f"{len(found.faults)} faults", err=True)
        return 2
    rules = len(found.checked.ruleset.rules) if found.checked else 0
    tests = len(found.checked.trials) if found.checked else 0
    people = len(found.audience.audience.subscribers) if found.audience else 0
    counts = {"rules": rules, "tests": tests, "sources": len(found.sources), "subscribers": people}
    session.give({"ok": True, **counts})
    session.say("check ok: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


@command.command()
@verb
def show(session: Session) -> int:
    """What holds, defaults and environment included; secrets are masked."""
    settings = session.settings.model_dump(mode="json", by_alias=True)
    session.give(settings)
    for path, value in _flat(settings, ""):
        session.say(f"{path}: {value}")
    return 0


def _flat(value: object, path: str) -> list[tuple[str, object]]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _flat(item, f"{path}.{key}" if path else str(key))]
    return [(path, value)]
