"""Verify: the hash chain of every partition, computed again from the records. Finds any flipped byte or lost record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from almenara.ports.log import GENESIS, STREAMS, Entry, LogReader, chain_of

_READ: Final = 1_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified: how many records, the head of each partition's chain, and the first fault (empty = none)."""

    records: int
    heads: Mapping[str, str]
    fault: str = ""


def verify(log: LogReader, known: Mapping[str, str] | None = None) -> Verified:
    """Reads the whole log. `known` are heads kept elsewhere, `{"events/3/17": "<hex>"}`: each must still be there.

    A cut tail is found by a known head, or by the log's own count of the partition.
    """
    records = 0
    heads: dict[str, str] = {}
    waiting = dict(known or {})
    for stream in STREAMS:
        for partition in range(log.partitions):
            count, head, fault = _partition(log, stream, partition, waiting)
            records += count
            if fault:
                return Verified(records, heads, fault)
            if count:
                heads[f"{stream}/{partition}/{count}"] = head.hex()
    lost = next(iter(sorted(waiting)), "")
    return Verified(records, heads, f"{lost}: the record is gone, a checkpoint has it" if lost else "")


def _partition(log: LogReader, stream: str, partition: int, waiting: dict[str, str]) -> tuple[int, bytes, str]:
    chain, sequence = GENESIS, 0
    while records := log.read(stream, partition, sequence, _READ):
        for record in records:
            sequence += 1
            if record.sequence != sequence:
                return sequence, chain, f"{stream}/{partition}/{sequence}: the record is missing"
            entry = Entry(record.stream, record.key, record.id, record.body)
            chain = chain_of(chain, entry, partition, sequence)
            if chain != record.chain:
                return sequence, chain, f"{record.position}: the record was altered"
            if waiting.pop(record.position, chain.hex()) != chain.hex():
                return sequence, chain, f"{record.position}: differs from its checkpoint"
    end = log.end(stream, partition)
    if end != sequence:
        return sequence, chain, f"{stream}/{partition}/{sequence + 1}: the tail is cut, {end} records were written"
    return sequence, chain, ""
