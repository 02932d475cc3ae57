"""The embedded mode: every processor over every partition of one store, in one process, driven synchronously.

The same processors and the same worker as in the distributed mode; the log is a table, read in order.
"""

from collections.abc import Sequence
from typing import Final

from almenara.app.worker import SNAPSHOT_EVERY, Worker
from almenara.ports.processor import Processor
from almenara.ports.store import Store

BATCH: Final = 500


class Embedded:
    """The workers of all processors, in the order in which records flow through them."""

    def __init__(
        self,
        store: Store,
        processors: Sequence[Processor],
        *,
        batch: int = BATCH,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self._store = store
        self._batch = batch
        self._workers = [
            (processor.stream, [self._worker(processor, number, snapshot_every) for number in range(store.partitions)])
            for processor in processors
        ]

    def pump(self) -> int:
        """Works until nothing is left to take. Returns how many records were taken."""
        taken = 0
        while step := sum(self._drain(stream, workers) for stream, workers in self._workers):
            taken += step
        return taken

    def workers(self, stream: str) -> list[Worker]:
        """The workers that read a stream, by partition."""
        return [worker for name, workers in self._workers if name == stream for worker in workers]

    def _worker(self, processor: Processor, partition: int, snapshot_every: int) -> Worker:
        store = self._store
        return Worker(processor, partition, unit=store, snapshots=store, history=store, snapshot_every=snapshot_every)

    def _drain(self, stream: str, workers: Sequence[Worker]) -> int:
        taken = 0
        ends = self._store.ends(stream)
        for partition, worker in enumerate(workers):
            end = ends.get(partition, 0)
            while worker.after < end and (records := self._store.read(stream, partition, worker.after, self._batch)):
                taken += worker.take(records)
        return taken
