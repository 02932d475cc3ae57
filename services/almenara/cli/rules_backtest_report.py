"""How a backtest is told: lines for people, one object a line for programs. Decides nothing."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from almenara.cli.session import Session

if TYPE_CHECKING:
    from almenara.app.backtest import Report
    from almenara.audit.compare import AlertDifference, MessageDifference, Range

_MARKS = {"gained": "+", "lost": "-", "changed": "~", "more": "+", "less": "-", "moved": ">"}
_NOUNS = {"mail": ("mail", "mails"), "slack": ("Slack post", "Slack posts"), "webhook": ("webhook", "webhooks")}
_MOST_EVENTS = 10


def tell(session: Session, report: "Report") -> None:
    """Every difference and the sum of all: lines for people, or the documented objects of --json."""
    session.say(f"candidate {report.candidate[:12]} against active {report.active[:12]}")
    session.say(f"{report.records:,} records, {_within(report.within)}")
    for alert in report.compared.alerts:
        _tell_alert(session, alert)
    if report.compared.messages:
        session.say()
    for message in report.compared.messages:
        _tell_message(session, message)
    for position in report.newly_failed:
        session.give({"what": "failed", "position": position})
        session.say(f"! the candidate fails on {position}; a running system would pass over it")
    session.give(_summary(report))
    session.say()
    session.say(summary_line(report))


def _tell_alert(session: Session, difference: "AlertDifference") -> None:
    from almenara.app.backtest import event_line
    from almenara.cli.alerts import as_json
    from almenara.domain.text import plain

    alert, found = difference.alert, str(difference.found)
    events = [
        {"id": e.id, "position": e.position, "time": e.time, "type": e.type, "line": event_line(alert, e)}
        for e in alert.events
    ]
    differing = [{"field": d.field, "active": d.before, "candidate": d.after} for d in difference.differing]
    session.give({"what": "alert", "difference": found, **as_json(alert), "shadow": alert.shadow, "events": events,
                  "differing": differing})  # fmt: skip
    shadow = ", in shadow" if alert.shadow else ""
    session.say()
    session.say(f"{_MARKS[found]} {found}  {alert.cite}  {_short(alert.raised_at)}  {alert.level}  {alert.country}  "
                f"{alert.rule}{shadow}")  # fmt: skip
    session.say(f"    {plain(alert.title.get('en', ''))}")
    for one in difference.differing:
        session.say(f"    {one.field}: {_shown(one.field, one.before)} -> {_shown(one.field, one.after)}")
    for e in alert.events[-_MOST_EVENTS:]:
        session.say(f"    {e.position}  {_short(e.time)}  {plain(e.id, 60)}  {event_line(alert, e)}")
    if alert.event_count > _MOST_EVENTS:
        session.say(f"    and {alert.event_count - _MOST_EVENTS} earlier events")


def _tell_message(session: Session, difference: "MessageDifference") -> None:
    told, moved = difference.told, str(difference.moved)
    session.give({"what": "message", "difference": moved, "to": told.subscriber, "channel": told.channel,
                  "via": told.via, "at": told.at, "active_at": difference.before, "alert": told.cite,
                  "change": told.change, "headline": told.headline})  # fmt: skip
    before = f" (now {_short(difference.before)})" if difference.before else ""
    session.say(f"{_MARKS[moved]} {moved}  {_short(told.at)}{before}  {told.subscriber} by {told.via}  "
                f"{told.cite}  {told.headline}")  # fmt: skip


def _summary(report: "Report") -> dict[str, Any]:
    from almenara.audit.compare import Found

    compared = report.compared
    counted: Mapping[Any, dict[str, int]] = compared.messages_by_channel()
    return {
        "what": "summary", "compared": True, "active": report.active, "candidate": report.candidate,
        "from": report.within.start, "to": report.within.end, "records": report.records,
        **{str(found): compared.count(found) for found in Found},
        "messages": {str(moved): channels for moved, channels in counted.items()},
        "alerts_seen": {"active": compared.alerts_seen[0], "candidate": compared.alerts_seen[1]},
        "messages_seen": {"active": compared.messages_seen[0], "candidate": compared.messages_seen[1]},
        "failed": len(report.newly_failed),
    }  # fmt: skip


def summary_line(report: "Report") -> str:
    """All in one line: `+2 alerts, -1, 3 changed; 3 mails more, 1 Slack post less`."""
    from almenara.audit.compare import Found, Moved

    compared = report.compared
    gained, lost, changed = (compared.count(found) for found in Found)
    words = {Moved.MORE: "more", Moved.LESS: "less", Moved.MOVED: "at another time"}
    messages = [
        f"{count} {_noun(channel, count)} {words[moved]}"
        for moved, channels in compared.messages_by_channel().items()
        for channel, count in channels.items()
    ]
    if not (compared.alerts or messages):
        return f"nothing differs: {compared.alerts_seen[0]} alerts and {compared.messages_seen[0]} messages either way"
    alerts = f"+{gained} {'alert' if gained == 1 else 'alerts'}, -{lost}, {changed} changed"
    return f"{alerts}; {', '.join(messages) or 'the same messages'}"


def _noun(channel: str, count: int) -> str:
    one, many = _NOUNS.get(channel, (f"{channel} message", f"{channel} messages"))
    return one if count == 1 else many


def _shown(field: str, value: Any) -> str:
    from almenara.domain.text import plain
    from almenara.ports.wire import plain as as_plain

    if isinstance(value, datetime):
        return _short(value)
    if field == "life":
        return ", ".join(f"{change} {_short(at)}" for change, _, at in value)
    return plain(value if isinstance(value, str) else json.dumps(as_plain(value), ensure_ascii=False), 200)


def _within(within: "Range") -> str:
    start = f"from {_short(within.start)} " if within.start else ""
    end = f"up to {_short(within.end)} " if within.end else ""
    return f"what changed {start}{end}UTC" if start or end else "from beginning to end"


def _short(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
