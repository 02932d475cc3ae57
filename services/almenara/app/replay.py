"""The wiring of a replay: a log to read, blobs to read, the rules' fold. No notifier, no channel, no producer.

That nothing can be sent from here is a matter of wiring, checked by the import contracts, not of a flag.
"""

from almenara.audit.replay import Replayed, failed_records, replay
from almenara.audit.verify import Verified, verify
from almenara.domain.errors import Missing
from almenara.ports.log import ALERTS
from almenara.ports.store import Store
from almenara.rules.service import RulesProcessor


def replay_alerts(store: Store, *, partition: int | None = None, after: int = 0, upto: int = 0) -> list[Replayed]:
    """Folds `events` again, one partition or all, and compares with `alerts`. Raises Missing for no such partition."""
    if partition is not None and partition not in range(store.partitions):
        raise Missing(f"there is no partition {partition}; this record has 0 to {store.partitions - 1}")
    processor = RulesProcessor(store)
    # Asked before anything is read: what is committed by now is there to be read.
    taken = {lease.partition: lease.after for lease in store.positions() if lease.consumer == processor.consumer}
    failed = failed_records(store, processor.consumer)
    wanted = range(store.partitions) if partition is None else (partition,)
    return [
        replay(
            store,
            processor,
            ALERTS,
            partition=number,
            after=after,
            upto=upto,
            committed=taken.get(number, 0),
            failed=failed,
        )
        for number in wanted
    ]


def verify_log(store: Store, known: dict[str, str] | None = None) -> Verified:
    """The chains of all streams."""
    return verify(store, known)
