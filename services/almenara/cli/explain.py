"""`almenara explain`: why an alert fired; what a rule made of an event; why somebody was told or not."""

from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.alert import Alert
    from almenara.domain.notice import Delivery, Notice


@click.command()
@click.argument("what")
@click.option("--rule", help="WHAT is an event (id or position): what this rule made of it.")
@click.option("--to", "who", help="WHAT is an alert: why this subscriber was told, or not.")
@verb
def command(session: Session, what: str, rule: str | None, who: str | None) -> int:
    """Why: from the record alone. WHAT is an alert (ALM-4K7Q-9XTD) or, with --rule, an event."""
    if rule:
        return explain_event(session, what, rule)
    return explain_delivery(session, what, who) if who else explain_alert(session, what)


def explain_alert(session: Session, name: str) -> int:
    """The alert's claim, its life, the records and readings it stands on."""
    from almenara.audit.explain import history

    changes = history(session.store, name)
    alert = changes[-1].alert
    for changed in changes:
        session.give(changed)
    session.say(f"{alert.cite}  {alert.level.upper()}  {alert.state}")
    session.say(f"  {alert.title['en']}")
    session.say(f"  {alert.title['es']}")
    session.say(f"  rule {alert.rule} v{alert.rule_version}")
    session.say(f"  ruleset {alert.ruleset[:12]}, engine semantics {alert.engine}")
    session.say("Life")
    for changed in changes:
        told = f" by {changed.by}: {changed.note}" if changed.by else ""
        when = f"{changed.at:%Y-%m-%d %H:%M}"
        session.say(f"  {when}  {changed.change:12} {changed.reason}, caused by {changed.cause}{told}")
    _evidence(session, alert)
    return 0


def explain_event(session: Session, name: str, rule: str) -> int:
    """What the rule made of the event, from folding its partition again."""
    from almenara.app.explain import explain_event as explain

    found = explain(session.store, name, rule)
    event = found.event
    session.give({"event": event.id, "position": event.position, "rule": rule, "lines": found.lines})
    session.say(f"{event.id} ({event.position}), rule {rule}")
    for line in found.lines:
        session.say(f"  {line}")
    return 0


def explain_delivery(session: Session, name: str, who: str) -> int:
    """Each decision about the alert for one subscriber, and what came of it."""
    from almenara.audit.explain import deliveries, history, notices
    from almenara.domain.notice import DeliveryState

    alert = history(session.store, name)[-1].alert
    decided = [notice for notice in notices(session.store, alert.uid) if notice.subscriber == who]
    steps: dict[str, list[Delivery]] = {}
    for step in deliveries(session.store):
        steps.setdefault(step.delivery, []).append(step)
    if not decided:
        session.say(f"{who} is not a subscriber of the audience that was active then")
        return 1
    for notice in decided:
        session.give({"notice": notice.id, "change": notice.changed.change, "decision": notice.decision,
                      "reason": notice.reason, "why": notice.why, "ref": notice.ref, "channel": notice.via,
                      "delivery": notice.delivery, "steps": steps.get(notice.delivery, [])})  # fmt: skip
        session.say(f"{notice.changed.change:12} {notice.at:%Y-%m-%d %H:%M}  {_decision(notice)}")
        for step in steps.get(notice.delivery, []):
            session.say(f"    {_step(step)}")
            for told in steps.get(step.receipt, []) if step.state == DeliveryState.JOINED else []:
                session.say(f"        {_step(told)}")
    return 0


def _decision(notice: "Notice") -> str:
    if notice.reason:
        return f"not sent: {notice.reason}" + (f" ({notice.ref})" if notice.ref else "")
    why = f"{notice.why}" + (f" ({notice.ref})" if notice.ref else "") if notice.why else ""
    return f"planned for {notice.due:%Y-%m-%d %H:%M} by {notice.via}" + (f": {why}" if why else "")


def _step(step: "Delivery") -> str:
    from almenara.domain.notice import DeliveryState

    when = f"{step.at:%Y-%m-%d %H:%M}"
    if step.state == DeliveryState.HELD:
        until = f"until {step.again_at:%Y-%m-%d %H:%M}" if step.again_at else "for the next digest"
        return f"{when} held {until}: {step.detail}"
    if step.state == DeliveryState.JOINED:
        return f"{when} told in message {step.receipt}"
    if step.state == DeliveryState.DROPPED:
        return f"{when} not told after all: {step.detail}"
    mark = " (possible duplicate)" if step.possible_duplicate else ""
    return f"attempt {step.attempt} {when} {step.state}{mark} {step.detail}".rstrip()


def _evidence(session: Session, alert: "Alert") -> None:
    session.say("Because of")
    for event in alert.events:
        times = f"happened {event.time:%Y-%m-%d}, known {event.recorded:%Y-%m-%d %H:%M}"
        session.say(f"  {event.position}  {event.type}  {event.id}: {times}")
    for matched in alert.matched:
        entry = matched.entry
        listed = f" (%{matched.watchlist}%: {entry['name']}, {entry.get('basis', '')})" if entry else ""
        session.say(f"  {matched.field} = {matched.value}{listed}")
    if alert.search:
        session.say(f"Searched {alert.search.start:%Y-%m-%d %H:%M} to {alert.search.end:%Y-%m-%d %H:%M} UTC")
        for reading in alert.search.readings:
            rows = f", {reading.rows} rows" if reading.rows >= 0 else ""
            session.say(f"  read {reading.source} at {reading.recorded:%Y-%m-%d %H:%M}{rows} ({reading.position})")
        for source in alert.search.unread:
            session.say(f"  NOT read: {source}")
