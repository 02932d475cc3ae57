"""Backtest: the record folded with a candidate ruleset next to the active one, and what differs.

Both are folded as if they had always been active, from the log's start, through the rules, the route and the plan: so
it tells alerts and the messages that each would have sent. That nothing can be sent or written from here is a matter
of wiring, checked by the import contracts and by a store that is only read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from almenara.app.active import Active
from almenara.app.backtest_fold import Blobs, Folded, Supposed, plan
from almenara.app.backtest_jobs import Work, fold_all, useful_jobs
from almenara.app.sources import backwards
from almenara.app.spread import Source
from almenara.audit.compare import Compared, Range, Side, Told, compare
from almenara.domain.alert import Alert, AlertChanged, Evidence
from almenara.domain.audience import Audience
from almenara.domain.errors import Missing, Rejected
from almenara.domain.event import TICK, is_tick_id
from almenara.domain.notice import DigestNotice, Notice
from almenara.engine.ruleset import Content, build, content_of
from almenara.notifier.words.compose import compose
from almenara.notifier.words.say_other import summary
from almenara.notifier.words.telling import Telling
from almenara.ports.log import EVENTS, LogReader, Record, read_range
from almenara.ports.queue import Send
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts, decode_event, decode_send, encode

Watch = Callable[[int, int], None]
"""Told how many further records were folded, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a backtest found. `active` and `candidate` are hashes; `records` how many `events` each was folded over.

    `newly_failed` are positions of records on which the candidate fails and the active set does not: a running system
    would pass over them.
    """

    active: str
    candidate: str
    within: Range
    records: int
    compared: Compared
    newly_failed: tuple[str, ...] = ()


def clock_of(log: LogReader) -> Range | None:
    """Over what time the record's own clock ran: its first and its newest tick. None before the first."""
    ticks = [_tick(read_range(log, EVENTS, partition)) for partition in range(log.partitions)]
    newest = [_tick(backwards(log, EVENTS, partition)) for partition in range(log.partitions)]
    found = [at for at in (*ticks, *newest) if at is not None]
    return Range(min(found), max(found)) if found else None


def active_content(store: Store) -> Content:
    """The active ruleset. Raises Missing where none is active."""
    digest = Active(store).refresh().ruleset
    if not digest:
        raise Missing("no ruleset is active; run `almenara rules activate`")
    return content_of(store.get(digest))


def backtest(
    source: Source,
    active: Content,
    candidate: Content,
    within: Range,
    *,
    audience: Audience | None = None,
    jobs: int = 0,
    watch: Watch | None = None,
) -> Report:
    """Folds the record twice and compares. `audience` is used only where the record has none.

    `jobs` is the number of processes (0 = as many as are useful); the answer is the same for any. Raises Faulty for a
    ruleset that is wrong, before anything is folded.
    """
    folded = fold(source, (active, candidate), audience=audience, jobs=jobs, watch=watch)
    before, after = folded.sides
    return Report(
        folded.rulesets[0],
        folded.rulesets[1],
        within,
        folded.records,
        compare(before, after, within),
        tuple(sorted(folded.failed[1] - folded.failed[0])),
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """The record folded with several rulesets: of each its hash, what it led to, and the records on which it failed."""

    rulesets: tuple[str, ...]
    records: int
    sides: tuple[Side, ...]
    failed: tuple[frozenset[str], ...]


def fold(
    source: Source,
    contents: Sequence[Content],
    *,
    audience: Audience | None = None,
    jobs: int = 0,
    watch: Watch | None = None,
) -> Sides:
    """Folds the whole record once with each ruleset. Options and errors as of `backtest`."""
    for content in contents:
        build(content)
    with closing(source.open()) as store:
        work = _work(source, store, contents, audience)
    folded = fold_all(work, jobs or useful_jobs(work), _progress(work, watch))
    with closing(source.open()) as store:
        sides = tuple(_side(side, store, one) for side, one in zip(folded, work.supposed, strict=True))
    return Sides(
        tuple(supposed.ruleset for supposed in work.supposed),
        sum(work.ends),
        sides,
        tuple(frozenset(position for one in side for position in one.failed) for side in folded),
    )


def _work(source: Source, store: Store, contents: Sequence[Content], audience: Audience | None) -> Work:
    ends = tuple(store.end(EVENTS, partition) for partition in range(store.partitions))
    blobs = {blob_hash(blob): blob for blob in (content.blob() for content in contents)}
    digest = ""
    if audience is not None and not Active(store).refresh().audience:
        body = encode(audience)
        digest = blob_hash(body)
        blobs[digest] = body
    return Work(source, ends, tuple(Supposed(blob_hash(content.blob()), digest, blobs) for content in contents))


def _progress(work: Work, watch: Watch | None) -> Callable[[int], None]:
    return lambda records: watch(records, work.records) if watch else None


def _side(folded: Sequence[Folded], store: Store, supposed: Supposed) -> Side:
    found = (decode_alerts(body) for one in folded for body in one.alerts)
    changes = tuple(changed for changed in found if isinstance(changed, AlertChanged))
    sends = plan(folded, store.partitions, Blobs(store, supposed.blobs), supposed.audience).sends
    return Side(changes, tuple(one for send in sends for one in told(send)))


def told(send: Send) -> Iterator[Told]:
    """What a send tells: one change of an alert, or each that a digest speaks of."""
    item = decode_send(send.body)
    for notice in item.notices if isinstance(item, DigestNotice) else [item]:
        if isinstance(notice, Notice):
            yield _told(notice, send.due)


def _told(notice: Notice, at: datetime) -> Told:
    return Told(
        subscriber=notice.subscriber,
        channel=notice.channel,
        via=notice.via,
        at=at,
        decided=notice.at,
        alert=notice.changed.alert.uid,
        cite=notice.changed.alert.cite,
        change=notice.changed.change,
        headline=compose(notice).headline,
    )


def event_line(alert: Alert, event: Evidence) -> str:
    """One event of an alert in one English sentence, as messages tell it."""
    return summary(event, Telling(alert, "en", UTC, None))


def _tick(records: Iterable[Record]) -> datetime | None:
    """The time of the first tick among the records."""
    for record in records:
        if is_tick_id(record.id):
            try:
                event = decode_event(record.body)
            except Rejected:
                continue
            if event.type == TICK:
                return event.time
    return None
