"""`almenara deliveries`: what was sent, to whom, and what came of it. From the record alone."""

import click

from almenara.cli.session import Session, verb
from almenara.domain.notice import DeliveryState

_SHARED = ("digest", "beacon")


@click.group()
def command() -> None:
    """Deliveries: each attempt, and what came of it."""


@command.command(name="list")
@click.option("--to", "who", help="One subscriber.")
@click.option("--alert", help="One alert (ALM-4K7Q-9XTD).")
@click.option("--state", type=click.Choice(list(DeliveryState)), help="Only what stands there.")
@click.option("--all", "every", is_flag=True, help="Every step; default the latest of each delivery.")
@verb
def list_(session: Session, who: str | None, alert: str | None, state: str | None, every: bool) -> int:
    """The latest step of each delivery, in order of time."""
    from almenara.audit.explain import changes, deliveries

    cites = {changed.alert.uid: changed.alert.cite for changed in changes(session.store)}
    steps = sorted(deliveries(session.store), key=lambda step: (step.at, step.attempt, step.state == "attempting"))
    if not every:
        latest = {step.delivery: step for step in sorted(steps, key=lambda s: (s.attempt, s.state != "attempting"))}
        steps = [step for step in steps if latest[step.delivery] == step]
    for step in steps:
        cite = cites.get(step.alert, step.alert) or (step.about if step.about in _SHARED else "operator")
        if (who and step.subscriber != who) or (state and step.state != state):
            continue
        if alert and alert.upper() not in (cite, cite.removeprefix("ALM-")) and alert != step.alert:
            continue
        session.give({"delivery": step.delivery, "alert": cite, "to": step.subscriber, "channel": step.channel,
                      "state": step.state, "attempt": step.attempt, "at": step.at,
                      "possible_duplicate": step.possible_duplicate, "detail": step.detail,
                      "again_at": step.again_at, "receipt": step.receipt})  # fmt: skip
        mark = " possible duplicate" if step.possible_duplicate else ""
        said = f"{step.detail}, again at {step.again_at:%H:%M:%S}" if step.again_at else step.detail
        where = f"{step.subscriber} by {step.channel}"
        session.say(f"{step.at:%Y-%m-%d %H:%M}  {cite}  {where:24} {step.state} ({step.attempt}){mark} {said}")
    return 0
