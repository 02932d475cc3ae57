"""`almenara log`: watch the log, and export it as JSON lines. Reads only."""

import base64
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.ports.log import LogReader, Record

_NAMES = ["events", "alerts", "notices", "deliveries", "rejected", "blobs"]
_LOOK_S = 0.5


@click.group()
def command() -> None:
    """The log: every record, in order per partition, each with its place and its chain value."""


@command.command()
@click.option("--stream", type=click.Choice(_NAMES), default="events", show_default=True)
@click.option("--last", type=click.IntRange(0), default=20, show_default=True, help="How many of the newest first.")
@click.option("--follow", "-f", is_flag=True, help="Then go on as records come, until Ctrl-C.")
@click.option("--ticks", is_flag=True, help="Show the clock's records too.")
@verb
def tail(session: Session, stream: str, last: int, follow: bool, ticks: bool) -> int:
    """The newest records of a stream."""
    from almenara.app.sources import backwards

    store = session.store
    ends = [store.end(stream, number) for number in range(store.partitions)]
    newest = []
    for number in range(store.partitions):
        wanted = (r for r in backwards(store, stream, number) if r.sequence <= ends[number] and (ticks or not _tick(r)))
        newest += [record for record, _ in zip(wanted, range(last), strict=False)]
    newest.sort(key=_moment)
    for record in newest[len(newest) - min(last, len(newest)) :]:
        _show(session, record)
    while follow:
        time.sleep(_LOOK_S)
        for record in _new(store, stream, ends):
            if ticks or not _tick(record):
                _show(session, record)
    return 0


@command.command()
@click.option("--stream", "streams", type=click.Choice(_NAMES), multiple=True, help="Only these; default all.")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file, or - .")
@verb
def export(session: Session, streams: tuple[str, ...], output: Any) -> int:
    """Every record of all streams, one JSON object a line; enough to verify every chain elsewhere."""
    from almenara.audit.explain import records

    count = 0
    for stream in streams or _NAMES:
        for record in records(session.store, stream):
            output.write(json.dumps(as_json(record), ensure_ascii=False) + "\n")
            count += 1
    if output.name != "-" and not session.quiet:
        click.echo(f"{count:,} records written to {output.name}", err=True)
    return 0


def as_json(record: "Record") -> dict[str, Any]:
    """The documented shape of a record. A body that is no JSON object is given in base 64; so are its exact bytes."""
    found: dict[str, Any] = {
        "position": record.position,
        "stream": record.stream,
        "partition": record.partition,
        "sequence": record.sequence,
        "key": record.key,
        "id": record.id,
        "chain": record.chain.hex(),
    }
    body = _body(record)
    if body is not None:
        found["body"] = body
    # Only the exact bytes can be hashed again: JSON that is read and written may differ in its spelling.
    found["bytes"] = base64.b64encode(record.body).decode()
    return found


def _show(session: Session, record: "Record") -> None:
    session.give(as_json(record))
    body = _body(record) or {}
    what = body.get("type") or body.get("change") or body.get("decision") or body.get("state") or body.get("reason")
    session.say(f"{_moment(record)[0][:19]:19}  {record.position:18} {what or '':22} {record.id}")


def _body(record: "Record") -> dict[str, Any] | None:
    try:
        found = json.loads(record.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and record.stream != "blobs" else None


def _moment(record: "Record") -> tuple[str, str]:
    body = _body(record) or {}
    return str(body.get("recorded") or body.get("at") or ""), record.position


def _tick(record: "Record") -> bool:
    from almenara.domain.event import is_tick_id

    return is_tick_id(record.id)


def _new(store: "LogReader", stream: str, ends: list[int]) -> Iterator["Record"]:
    for number, after in enumerate(ends):
        for record in store.read(stream, number, after):
            ends[number] = record.sequence
            yield record
