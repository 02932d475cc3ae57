"""The store in memory: the same promises as the databases, kept for as long as the process lives.

For tests, simulations and dry runs. One lock around everything. Knows nothing of SQL.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from almenara.domain.circuit import Circuit, evolve
from almenara.domain.errors import Differs, Fenced, Missing, Refused
from almenara.ports.log import GENESIS, Appended, Entry, Record, chain_of, place
from almenara.ports.queue import (
    PER_DESTINATION,
    SCANNED,
    Claim,
    Refusal,
    Rooms,
    Send,
    Settlement,
)
from almenara.ports.state import Snapshot, blob_hash
from almenara.ports.unit import Batch, Lease

_TICK: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class _Queued:
    """A send and where it stands. `claimed_until` None: in nobody's hands. `attempted`: begun and not settled."""

    send: Send
    due: datetime
    attempts: int = 0
    attempted: bool = False
    doubt: bool = False
    claimed_until: datetime | None = None
    settled: bool = False
    handle: str = ""


class MemoryStore:
    """Every port of `ports.store.Store`; bears use by several threads."""

    def __init__(self, partitions: int) -> None:
        """Raises Refused for a partition count below 1."""
        if partitions < 1:
            raise Refused(f"a log of {partitions} partitions; give it at least 1")
        self._partitions = partitions
        self._lock = threading.RLock()
        self._log: dict[tuple[str, int], list[Record]] = {}
        self._ids: set[tuple[str, str]] = set()
        self._leases: dict[tuple[str, str, int], Lease] = {}
        self._snapshots: dict[tuple[str, str, int, str], Snapshot] = {}
        self._blobs: dict[str, bytes] = {}
        self._sends: dict[str, _Queued] = {}
        self._circuits: dict[str, Circuit] = {}
        self._refusals: dict[tuple[str, str, str], Refusal] = {}

    @property
    def partitions(self) -> int:
        """How many partitions every stream has."""
        return self._partitions

    def close(self) -> None:
        """Nothing to let go of; what is stored stays readable."""

    # --- the log ---

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        """At most `limit` records with a sequence greater than `after`, in order."""
        with self._lock:
            return self._log.get((stream, partition), [])[after : after + limit]

    def end(self, stream: str, partition: int) -> int:
        """The last sequence there is; 0 for an empty partition."""
        with self._lock:
            return len(self._log.get((stream, partition), []))

    def ends(self, stream: str) -> dict[int, int]:
        """The last sequence of each partition; one that is empty may be missing."""
        with self._lock:
            return {place[1]: len(records) for place, records in self._log.items() if place[0] == stream}

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Appends what is new, in order. Raises Rejected for an entry that cannot be stored; then nothing is."""
        with self._lock:
            placed = [(entry, place(entry, self._partitions)) for entry in entries]
            repeated = []
            for entry, partition in placed:
                if (entry.stream, entry.id) in self._ids:
                    repeated.append(entry.id)
                else:
                    self._append(entry, partition)
            return Appended(len(placed) - len(repeated), tuple(repeated))

    def _append(self, entry: Entry, partition: int) -> None:
        records = self._log.setdefault((entry.stream, partition), [])
        sequence = len(records) + 1
        chain = chain_of(records[-1].chain if records else GENESIS, entry, partition, sequence)
        records.append(Record(entry.stream, partition, sequence, entry.key, entry.id, entry.body, chain))
        self._ids.add((entry.stream, entry.id))

    # --- positions and state ---

    def claim(self, consumer: str, stream: str, partition: int) -> Lease:
        """Takes the partition: epoch + 1."""
        with self._lock:
            where = (consumer, stream, partition)
            old = self._leases.get(where, Lease(*where, 0, 0))
            self._leases[where] = Lease(*where, old.after, old.epoch + 1)
            return self._leases[where]

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        """Writes everything of the batch, or raises (Fenced, Rejected) and writes nothing."""
        with self._lock:
            where = (lease.consumer, lease.stream, lease.partition)
            held = self._leases.get(where)
            if held is None or held.epoch != lease.epoch:
                raise Fenced(f"{lease.consumer} on {lease.stream}/{lease.partition}: epoch {lease.epoch} is over")
            sends = list(batch.sends)  # whatever may fail comes before the first change
            self.append(list(batch.outputs))
            for send in sends:
                self._sends.setdefault(send.id, _Queued(send, send.due))
            if batch.snapshot is not None:
                snapshot = batch.snapshot
                self._snapshots[snapshot.consumer, snapshot.stream, snapshot.partition, snapshot.version] = snapshot
            self._leases[where] = Lease(*where, batch.after, lease.epoch)
            return self._leases[where]

    def positions(self) -> list[Lease]:
        """Every position, in order of consumer, stream and partition."""
        with self._lock:
            return [self._leases[where] for where in sorted(self._leases)]

    def load(self, consumer: str, stream: str, partition: int, version: str) -> Snapshot | None:
        """The newest snapshot of this version, or None."""
        with self._lock:
            return self._snapshots.get((consumer, stream, partition, version))

    # --- blobs ---

    def put(self, body: bytes) -> str:
        """Stores the content (once) and returns its hash."""
        digest = blob_hash(body)
        with self._lock:
            self._blobs.setdefault(digest, bytes(body))
        return digest

    def get(self, digest: str) -> bytes:
        """The content. Raises Missing, or Differs when it was altered."""
        with self._lock:
            body = self._blobs.get(digest)
        if body is None:
            raise Missing(f"no blob {digest}")
        if blob_hash(body) != digest:
            raise Differs(f"the blob {digest} was altered")
        return body

    # --- the send queue ---

    def take(self, now: datetime, until: datetime, limit: int, per_destination: int = PER_DESTINATION) -> list[Claim]:
        """Takes what is due, the first of each thread, where a destination has room."""
        with self._lock:
            in_hand = Counter(
                queued.send.destination
                for queued in self._sends.values()
                if queued.claimed_until is not None and queued.claimed_until >= now
            )
            ready = [(queued, queued.send.destination) for queued in self._heads() if _ready_at(queued) <= now]
            ready.sort(key=lambda pair: (pair[0].due, pair[0].send.rank, pair[0].send.id))
            rooms = Rooms(in_hand, self._circuits, per_destination)
            full = rooms.full()
            ready = [pair for pair in ready if pair[1] not in full][:SCANNED]
            chosen = (queued for queued, destination in ready if rooms.take(destination))
            return [self._claimed(queued, until) for queued in islice(chosen, limit)]

    def attempt(self, claim: Claim, entries: Sequence[Entry]) -> bool:
        """Records that the attempt starts; False when the claim was lost."""
        with self._lock:
            queued = self._held(claim)
            if queued is None:
                return False
            self.append(entries)
            queued.attempted = True
            return True

    def settle(self, claim: Claim, settlement: Settlement, entries: Sequence[Entry]) -> bool:
        """Records what came of it; False when the claim was lost."""
        with self._lock:
            queued = self._held(claim)
            if queued is None:
                return False
            self.append(entries)
            queued.attempted, queued.claimed_until = False, None
            queued.doubt = queued.doubt or settlement.doubt
            queued.due = settlement.again_at or queued.due
            if settlement.again_at is None:
                queued.settled, queued.send = True, replace(queued.send, body=b"")
            queued.handle = settlement.handle or queued.handle
            self._note(claim.send.destination, settlement)
            return True

    def pending(self) -> int:
        """How many sends are not settled for good."""
        with self._lock:
            return sum(not queued.settled for queued in self._sends.values())

    def next_due(self) -> datetime | None:
        """The earliest time at which `take` gives something, or None when all is settled."""
        with self._lock:
            return min(map(_ready_at, self._heads()), default=None)

    def circuits(self) -> list[Circuit]:
        """Every destination of which something was noted."""
        with self._lock:
            return [self._circuits[destination] for destination in sorted(self._circuits)]

    def refusals(self) -> list[Refusal]:
        """The refusals that nothing has mended since."""
        with self._lock:
            return [self._refusals[key] for key in sorted(self._refusals)]

    def _note(self, destination: str, settlement: Settlement) -> None:
        if settlement.sign and destination:
            before = self._circuits.get(destination, Circuit(destination=destination))
            after = evolve(before, settlement.sign)
            if after != before:
                self._circuits[destination] = after
        if settlement.accepted:
            over = [key for key in self._refusals if key[0] == destination and key[1] in ("", settlement.accepted)]
            for key in over:
                del self._refusals[key]
        new = settlement.refusal
        if new and (key := (new.destination, new.subscriber, new.cause)) not in self._refusals:
            self._refusals[key] = new
            if settlement.tell:
                self._sends.setdefault(settlement.tell.id, _Queued(settlement.tell, settlement.tell.due))

    def _heads(self) -> list[_Queued]:
        """Of each thread the send that is in somebody's hands, or the one of lowest rank."""
        heads: dict[str, _Queued] = {}
        for queued in self._sends.values():
            thread = queued.send.thread
            if not queued.settled and (thread not in heads or _order(queued) < _order(heads[thread])):
                heads[thread] = queued
        return list(heads.values())

    def _claimed(self, queued: _Queued, until: datetime) -> Claim:
        queued.attempts += 1
        queued.doubt = queued.doubt or queued.attempted
        queued.attempted, queued.claimed_until = False, until
        send = replace(queued.send, due=queued.due)
        thread = [one for one in self._sends.values() if one.handle and one.send.thread == send.thread]
        handle = max(thread, key=lambda one: (one.send.rank, one.send.id)).handle if thread else ""
        return Claim(send, queued.attempts, queued.doubt, handle, self._circuits.get(send.destination))

    def _held(self, claim: Claim) -> _Queued | None:
        queued = self._sends.get(claim.send.id)
        mine = queued is not None and queued.claimed_until is not None and queued.attempts == claim.attempt
        return queued if mine else None


def _order(queued: _Queued) -> tuple[bool, str, str]:
    return (queued.claimed_until is None, queued.send.rank, queued.send.id)


def _ready_at(queued: _Queued) -> datetime:
    return queued.due if queued.claimed_until is None else max(queued.due, queued.claimed_until + _TICK)
