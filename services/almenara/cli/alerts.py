"""`almenara alerts`: what was raised, and what people say of it. Commands are records, like everything else."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.alert import Alert


@click.group()
def command() -> None:
    """Alerts: each with its citation (ALM-4K7Q-9XTD), its life and its evidence."""


@command.command(name="list")
@click.option("--state", type=click.Choice(["open", "acknowledged", "resolved", "retracted"]))
@click.option("--country", help="In any role (alpha-3).")
@click.option("--rule")
@verb
def list_(session: Session, state: str | None, country: str | None, rule: str | None) -> int:
    """Every alert as it stands, in the order in which they were raised."""
    from almenara.audit.explain import changes

    latest = {changed.alert.uid: changed.alert for changed in changes(session.store)}
    for alert in sorted(latest.values(), key=lambda a: (a.raised_at, a.uid)):
        roles = {code for codes in alert.countries.values() for code in codes}
        if (state and alert.state != state) or (rule and alert.rule != rule) or (country and country not in roles):
            continue
        session.give(as_json(alert))
        when = f"{alert.raised_at:%Y-%m-%d %H:%M}"
        session.say(f"{alert.cite}  {when}  {alert.level:8} {alert.state:12} {alert.title['en']}")
    return 0


@command.command()
@click.argument("alert")
@verb
def show(session: Session, alert: str) -> int:
    """One alert: what it says, its life, its evidence."""
    from almenara.cli.explain import explain_alert

    return explain_alert(session, alert)


@command.command()
@click.argument("alert")
@verb
def cite(session: Session, alert: str) -> int:
    """The line to copy into a report."""
    from almenara.audit.explain import history

    first = history(session.store, alert)[0]
    found = first.alert
    sources = ", ".join(dict.fromkeys(s for event in found.events for s in _sources(event.data)))
    places = ", ".join(event.position for event in found.events)
    text = (
        f"Almenara {found.cite}, rule {found.rule} v{found.rule_version}, raised {found.raised_at:%Y-%m-%d %H:%M} UTC, "
        f"record {places}, ruleset {found.ruleset[:12]}; sources: {sources}"
    )
    session.give({"id": found.cite, "text": text})
    session.say(text)
    return 0


@command.command()
@click.argument("alert")
@click.option("--by", required=True, help="Who acknowledges.")
@click.option("--note", default="")
@verb
def ack(session: Session, alert: str, by: str, note: str) -> int:
    """Somebody has it in hand; everyone who was told is told."""
    from almenara.domain.event import ACKNOWLEDGE

    return _command(session, alert, ACKNOWLEDGE, {"by": by, "note": note})


@command.command()
@click.argument("alert")
@click.argument("judgement", type=click.Choice(["true", "false", "unclear"]))
@click.option("--by", required=True)
@click.option("--reason", "note", default="")
@verb
def judge(session: Session, alert: str, judgement: str, by: str, note: str) -> int:
    """Whether the alert was true; kept with the alert."""
    from almenara.domain.event import JUDGE

    return _command(session, alert, JUDGE, {"by": by, "note": note, "judgement": judgement})


@command.command()
@click.argument("alert")
@click.option("--by", required=True)
@click.option("--reason", "note", required=True)
@verb
def retract(session: Session, alert: str, by: str, note: str) -> int:
    """The alert was wrong; everyone who was told is told."""
    from almenara.domain.event import RETRACT

    return _command(session, alert, RETRACT, {"by": by, "note": note})


@command.command()
@click.argument("alert")
@click.option("--to", required=True, help="The subscriber who is given it.")
@click.option("--by", required=True, help="Who gives it.")
@click.option("--note", default="")
@verb
def assign(session: Session, alert: str, to: str, by: str, note: str) -> int:
    """Gives the alert to a subscriber, who is told at once; so is everyone who was told."""
    from almenara.app.subscriptions import require_subscriber
    from almenara.domain.event import ASSIGN

    require_subscriber(session.store, to)
    return _command(session, alert, ASSIGN, {"to": to, "by": by, "note": note})


@command.command()
@click.option("--to", "who", required=True, help="The subscriber.")
@verb
def test(session: Session, who: str) -> int:
    """Sends a made-up alert, marked TEST, to every address of a subscriber. Exits as `channels test`."""
    from almenara.app.audience import read_audience
    from almenara.app.rehearsal import tries, ways_to
    from almenara.cli.channels import say_tried

    loaded = read_audience(session.config_dir, session.settings)
    return say_tried(session, tries(session.settings, loaded, ways_to(loaded, who), alert=True))


def as_json(alert: "Alert") -> dict[str, object]:
    """The documented shape of `alerts list --json`."""
    from almenara.rules.evaluate import iso

    return {
        "id": alert.cite,
        "uid": alert.uid,
        "rule": alert.rule,
        "rule_version": alert.rule_version,
        "level": alert.level,
        "state": str(alert.state),
        "checked": alert.checked,
        "country": alert.country,
        "countries": {role: list(codes) for role, codes in alert.countries.items()},
        "key": dict(alert.key),
        "raised_at": iso(alert.raised_at),
        "updated_at": iso(alert.updated_at),
        "events": [event.id for event in alert.events],
        "title": dict(alert.title),
        "ruleset": alert.ruleset,
        "engine": alert.engine,
    }


def _sources(data: object) -> list[str]:
    found = data.get("sources") if isinstance(data, dict) else None
    return [str(s.get("name")) for s in found if isinstance(s, dict)] if isinstance(found, list) else []


def _command(session: Session, alert: str, type_: str, data: dict[str, object]) -> int:
    from almenara.app.commands import append_command
    from almenara.audit.explain import history
    from almenara.domain.alert import State
    from almenara.domain.errors import Refused
    from almenara.domain.event import ACKNOWLEDGE, ASSIGN, RETRACT

    found = history(session.store, alert)[-1].alert
    if type_ in (ACKNOWLEDGE, ASSIGN, RETRACT) and found.state in (State.RESOLVED, State.RETRACTED):
        raise Refused(f"{found.cite} is {found.state}; only open alerts are acknowledged, assigned or retracted")
    new = append_command(session.store, type_, found, data, datetime.now(UTC))
    session.give({"alert": found.cite, "command": type_, "recorded": new})
    session.say(f"{found.cite}: {type_} recorded; it takes effect when the rules service reads it")
    return 0
