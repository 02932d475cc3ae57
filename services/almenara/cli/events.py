"""`almenara events`: enter, publish, list, show, correct and withdraw events. The past is only added to."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.app.intake import DraftIntake, Report
    from almenara.domain.event import Event
    from almenara.ingest.draft import Draft

_DATA = "Its data: a JSON object, @FILE, or - for standard input."


@click.group()
def command() -> None:
    """Events: what was observed, in the order in which it became known."""


@command.command()
@click.option("--type", "type_", required=True, help="Such as meeting.held; docs/events.md lists them.")
@click.option("--time", required=True, help="When it happened, with an offset: 2026-01-11T17:00:00Z.")
@click.option("--country", "countries", required=True, multiple=True, help="For which watched country (alpha-3).")
@click.option("--data", required=True, help=_DATA)
@click.option("--by", required=True, help="Who enters it; it stands in the record.")
@verb
def add(session: Session, type_: str, time: str, countries: tuple[str, ...], data: str, by: str) -> int:
    """Enters one event by hand. The same entry again is the same event."""
    from almenara.app.publish import hand_draft

    draft = hand_draft(type_, _moment(time, "--time"), countries, _object(data), by=by)
    return _take(session, draft)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--clock", is_flag=True, help="A timeline's own clock goes into the log too: it runs in its own time.")
@verb
def publish(session: Session, file: Path, clock: bool) -> int:
    """Takes CloudEvents (JSON lines, - for standard input) or a timeline (.yaml). Exit 2 when one was rejected."""
    from almenara.app.publish import TIMELINE, publish_jsonl, publish_timeline
    from almenara.domain.errors import Fault, Faulty

    settings, store = session.settings, session.store
    if file.suffix in TIMELINE:
        watch = settings.watch
        report = publish_timeline(store, file, watch.countries, watch.region, partitions=store.partitions, clock=clock)
        return _told(session, report)
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Faulty([Fault(str(file), 0, f"cannot be read ({error.strerror})", "check the path")]) from None
    return _told(session, publish_jsonl(_intake(session), body, str(file)))


@command.command(name="list")
@click.option("--type", "type_", help="Only this type.")
@click.option("--country", help="Only this country (alpha-3).")
@click.option("--source", help="Only this source.")
@click.option("--since", default="", help="Known since then: a duration (7d) or a day (2026-01-31).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@click.option("--all-types", is_flag=True, help="Ticks and activations too.")
@verb
def list_(
    session: Session,
    type_: str | None,
    country: str | None,
    source: str | None,
    since: str,
    limit: int,
    all_types: bool,
) -> int:
    """The newest events, the latest last."""
    from almenara.cli.subscribers import since_when

    start = since_when(since) if since else None
    found = [
        event
        for event in _events(session, all_types or type_ is not None)
        if (type_ in (None, event.type))
        and (country in (None, event.country))
        and (source in (None, event.source))
        and (start is None or event.recorded >= start)
    ]
    found.sort(key=lambda event: (event.recorded, event.position))
    for event in found[-limit:]:
        session.give(as_json(event))
        session.say(f"{event.recorded:%Y-%m-%d %H:%M}  {event.position:14} {event.country}  {event.type:18} {event.id}")
    return 0


@command.command()
@click.argument("event")
@verb
def show(session: Session, event: str) -> int:
    """One event (id or position), whole."""
    from almenara.audit.explain import find_event

    found, _ = find_event(session.store, event)
    session.give(as_json(found))
    for name, value in as_json(found).items():
        if name != "data":
            session.say(f"{name}: {value}")
    session.say(json.dumps(found.data, ensure_ascii=False, indent=2, default=str))
    return 0


@command.command()
@click.argument("event")
@click.option("--data", required=True, help="All of " + _DATA[0].lower() + _DATA[1:])
@click.option("--time", help="When it really happened.")
@click.option("--until", help="The end, of what is known only to the day.")
@click.option("--type", "type_", help="The right type.")
@click.option("--by", required=True, help="Who corrects it.")
@click.option("--reason", required=True, help="Why; everyone who was told may read it.")
@verb
def correct(
    session: Session,
    event: str,
    data: str,
    time: str | None,
    until: str | None,
    type_: str | None,
    by: str,
    reason: str,
) -> int:
    """Says what an event should have said; its alerts are decided again and whoever was told is told."""
    from almenara.app.publish import correction
    from almenara.audit.explain import find_event

    of, _ = find_event(session.store, event)
    content: dict[str, Any] = {"data": _object(data)}
    content |= {"time": _moment(time, "--time").isoformat()} if time else {}
    content |= {"until": _moment(until, "--until").isoformat()} if until else {}
    content |= {"type": type_} if type_ else {}
    return _take(session, correction(of, content, datetime.now(UTC), by=by, reason=reason))


@command.command()
@click.argument("event")
@click.option("--by", required=True, help="Who withdraws it.")
@click.option("--reason", required=True, help="Why; everyone who was told may read it.")
@verb
def withdraw(session: Session, event: str, by: str, reason: str) -> int:
    """Says that an event did not happen; its alerts are decided again and whoever was told is told."""
    from almenara.app.publish import withdrawal
    from almenara.audit.explain import find_event

    of, _ = find_event(session.store, event)
    return _take(session, withdrawal(of, datetime.now(UTC), by=by, reason=reason))


def as_json(event: "Event") -> dict[str, Any]:
    """The documented shape of `events list --json`: the CloudEvent, and its position."""
    from almenara.ports.wire import plain

    found = plain(event)
    kept = {name: value for name, value in found.items() if value not in ("", None)}
    return {"position": kept.pop("position", ""), "specversion": "1.0", **kept}


def _events(session: Session, all_types: bool) -> "list[Event]":
    from almenara.audit.explain import records
    from almenara.domain.errors import Rejected
    from almenara.domain.event import ACTIVATIONS, TICK, is_tick_id
    from almenara.ports.log import EVENTS
    from almenara.ports.wire import decode_event

    found = []
    for record in records(session.store, EVENTS):
        if not all_types and is_tick_id(record.id):
            continue
        try:
            event = decode_event(record.body, record.position)
        except Rejected:
            continue
        if all_types or event.type not in (*ACTIVATIONS, TICK):
            found.append(event)
    return found


def _intake(session: Session) -> "DraftIntake":
    from almenara.app.clock import SystemClock
    from almenara.app.intake import DraftIntake

    return DraftIntake(session.store, SystemClock())


def _take(session: Session, draft: "Draft") -> int:
    from almenara.ingest.draft import stamp

    stamp(draft, datetime.now(UTC))  # a slip of the hand is told, not recorded
    return _told(session, _intake(session).take([draft]))


def _told(session: Session, report: "Report") -> int:
    rejected = [{"item": name, "reason": e.reason, "detail": e.detail} for name, e in report.rejected]
    session.give(
        {"accepted": len(report.accepted), "repeated": len(report.repeated), "rejected": rejected,
         "ids": report.accepted}
    )  # fmt: skip
    if not session.json:
        for name, error in report.rejected:
            click.echo(f"{name}: {error.reason}: {error.detail}", err=True)
    counts = f"{len(report.accepted)} accepted, {len(report.repeated)} repeated, {len(rejected)} rejected"
    session.say(counts + (f": {report.accepted[0]}" if len(report.accepted) == 1 else ""))
    return 2 if rejected else 0


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - without an offset, so that it is refused below
    if found.utcoffset() is None:
        raise click.BadParameter("write it with its offset: 2026-01-11T17:00:00Z", param_hint=option)
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"no JSON object: {error}", param_hint="--data") from None
    if not isinstance(found, dict):
        raise click.BadParameter("write a JSON object: {...}", param_hint="--data")
    return found
