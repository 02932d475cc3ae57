"""What a subscriber would have got: recorded alerts folded through route and plan with another audience.

Stores nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from almenara.app.backtest_fold import Begun, Blobs, Folded, Kept, activation, notices_of, passed_over, plan, run
from almenara.domain.audience import Audience
from almenara.domain.event import AUDIENCE
from almenara.domain.notice import Delivery, DeliveryState, DigestNotice, Notice
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, DELIVERIES, LogReader, Record
from almenara.ports.queue import Send
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import decode_delivery, decode_notices, decode_send, encode


@dataclass(frozen=True, slots=True)
class Previewed:
    """One decision and what the plan makes of it.

    `at` is when the message goes out, None where none does. `held` is why it waited or is not told, `message` the
    delivery that tells it: its own, that of a later change, or that of a digest.
    """

    notice: Notice
    at: datetime | None = None
    held: str = ""
    message: str = ""
    in_digest: bool = False


def preview(store: Store, audience: Audience, who: str, since: datetime) -> Iterator[Previewed]:
    """Every decision about this subscriber since then, in order of time, as if this audience had always been active."""
    body = encode(audience)
    digest = blob_hash(body)
    blobs = Blobs(store, {digest: body})
    folded = [_routed(store, blobs, digest, partition) for partition in range(store.partitions)]
    planned = plan(folded, store.partitions, blobs, digest)
    sent = {send.id: send for send in planned.sends}
    steps: dict[str, list[Delivery]] = {}
    for entry in planned.written:
        if entry.stream == DELIVERIES:
            step = decode_delivery(entry.body)
            steps.setdefault(step.delivery, []).append(step)
    notices = [decode_notices(entry.body) for one in folded for _, entry in one.notices if entry.key == who]
    wanted = [one for one in notices if isinstance(one, Notice) and one.at >= since]
    for notice in sorted(wanted, key=lambda one: (one.at, one.id)):
        yield _previewed(notice, sent, steps.get(notice.delivery, [])) if notice.delivery else Previewed(notice)


class _Alerts(Kept):
    """Its `alerts` are those of the record, without the audiences of the record."""

    def __init__(self, record: LogReader) -> None:
        super().__init__(record.partitions)
        self._record = record

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        if stream != ALERTS:
            return super().read(stream, partition, after, limit)
        found = self._record.read(ALERTS, partition, after, limit)
        return [passed_over(record) if record.id.startswith(f"{AUDIENCE}/") else record for record in found]


def _routed(store: Store, blobs: Blobs, digest: str, partition: int) -> Folded:
    kept = _Alerts(store)
    run(kept, Begun(RouteProcessor(blobs), activation(AUDIENCE, {"hash": digest})), partition)
    return Folded(partition, (), tuple(notices_of(kept.written)), ())


def _previewed(notice: Notice, sent: Mapping[str, Send], steps: Sequence[Delivery]) -> Previewed:
    """One planned decision, the steps of the plan about it, and the message in which it is told."""
    why = next((step.detail for step in reversed(steps) if step.detail), "")
    joined = next((step.receipt for step in steps if step.state == DeliveryState.JOINED), "")
    send = sent.get(joined or notice.delivery)
    if send is None:
        return Previewed(notice, held=why)
    return Previewed(notice, send.due, why, send.id, isinstance(decode_send(send.body), DigestNotice))
