"""What a subscriber would have got: recorded alerts folded through the route with another audience. Stores nothing."""

from collections.abc import Iterator
from datetime import datetime

from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Audience
from almenara.domain.errors import Rejected
from almenara.domain.notice import Notice
from almenara.notifier.route import RouteFold, RouteState
from almenara.ports.log import ALERTS, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts, decode_notice


def preview(store: Store, audience: Audience, who: str, since: datetime) -> Iterator[Notice]:
    """Every decision about this subscriber since then, in order of time, as if this audience had always been active."""
    found = [notice for partition in range(store.partitions) for notice in _partition(store, audience, partition)]
    wanted = [notice for notice in found if notice.subscriber == who and notice.at >= since]
    yield from sorted(wanted, key=lambda notice: (notice.at, notice.id))


def _partition(store: Store, audience: Audience, partition: int) -> Iterator[Notice]:
    fold = RouteFold(RouteState(audience=audience), store)
    for record in read_range(store, ALERTS, partition):
        try:
            if isinstance(decode_alerts(record.body), AlertChanged):
                yield from (decode_notice(entry.body) for entry in fold.apply(record).entries)
        except Rejected:
            continue
