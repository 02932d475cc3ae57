"""The log's contract: order, no gaps, repeats dropped for ever, one chain, the same in every adapter."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.domain.errors import Rejected
from almenara.ports.log import (
    ALERTS,
    EVENTS,
    GENESIS,
    Appended,
    Entry,
    LogReader,
    Record,
    chain_of,
    partition_of,
    read_range,
)
from almenara.ports.store import Store

PARTITIONS = 4


def entry(number: int | str, key: str = "PE", **more: object) -> Entry:
    return Entry(EVENTS, key, f"id-{number}", f"body {number}".encode(), **more)  # type: ignore[arg-type]


def everything(reader: LogReader, stream: str = EVENTS) -> list[Record]:
    return [record for p in range(reader.partitions) for record in read_range(reader, stream, p)]


def check_chain(records: list[Record]) -> None:
    """Sequences from 1 without gaps, and the chain as it is computed from the entries alone."""
    chains: dict[int, bytes] = {}
    counts: dict[int, int] = {}
    for record in records:
        counts[record.partition] = counts.get(record.partition, 0) + 1
        assert record.sequence == counts[record.partition]
        chains[record.partition] = chain_of(
            chains.get(record.partition, GENESIS),
            Entry(record.stream, record.key, record.id, record.body),
            record.partition,
            record.sequence,
        )
        assert record.chain == chains[record.partition]


def test_a_new_log_is_empty(log) -> None:
    assert log.reader.partitions == PARTITIONS
    assert everything(log.reader) == []
    assert [log.reader.end(EVENTS, p) for p in range(PARTITIONS)] == [0] * PARTITIONS


def test_an_entry_comes_back_whole(log) -> None:
    body = bytes(range(256))
    assert log.writer.append([Entry(EVENTS, "Perú 🇵🇪", "ñ-1", body)]) == Appended(1)
    log.flush()
    [record] = everything(log.reader)
    assert (record.stream, record.key, record.id, record.body) == (EVENTS, "Perú 🇵🇪", "ñ-1", body)
    assert record.partition == partition_of("Perú 🇵🇪", PARTITIONS)
    assert (record.sequence, len(record.chain)) == (1, 32)
    assert record.position == f"events/{record.partition}/1"


def test_nothing_appended_is_nothing_done(log) -> None:
    assert log.writer.append([]) == Appended(0)


def test_order_is_kept_and_pages_join(log) -> None:
    log.writer.append([entry(n) for n in range(7)])
    log.writer.append([entry(n) for n in range(7, 10)])
    log.flush()
    p = partition_of("PE", PARTITIONS)
    assert [record.id for record in log.reader.read(EVENTS, p, 0)] == [f"id-{n}" for n in range(10)]
    assert [record.sequence for record in log.reader.read(EVENTS, p, 3, 4)] == [4, 5, 6, 7]
    assert log.reader.read(EVENTS, p, 10) == []
    assert log.reader.end(EVENTS, p) == 10


def test_an_outbox_tells_all_its_ends_at_once(log) -> None:
    assert not any(log.writer.ends(EVENTS).values())
    log.writer.append([entry(n) for n in range(3)])
    log.writer.append([Entry(EVENTS, "", "tick", b"", 0), Entry(ALERTS, "", "other", b"", 1)])
    ends = log.writer.ends(EVENTS)
    assert [ends.get(p, 0) for p in range(PARTITIONS)] == [log.writer.end(EVENTS, p) for p in range(PARTITIONS)]
    assert sum(ends.values()) == 4


def test_a_named_partition_wins_over_the_key(log) -> None:
    log.writer.append([entry(p, key="", partition=p) for p in range(PARTITIONS)])
    log.flush()
    assert [(record.partition, record.id) for record in everything(log.reader)] == [
        (p, f"id-{p}") for p in range(PARTITIONS)
    ]


def test_repeats_are_dropped_and_named(log) -> None:
    assert log.writer.append([entry(1), entry(2), entry(1)]) == Appended(2, ("id-1",))
    assert log.writer.append([entry(2), entry(3)]) == Appended(1, ("id-2",))
    log.flush()
    assert [record.id for record in everything(log.reader)] == ["id-1", "id-2", "id-3"]
    check_chain(everything(log.reader))


def test_a_repeat_in_another_partition_or_with_another_body_is_a_repeat(log) -> None:
    log.writer.append([entry(1, partition=0)])
    assert log.writer.append([entry(1, partition=1), Entry(EVENTS, "US", "id-1", b"other")]).new == 0
    log.flush()
    assert [(record.partition, record.body) for record in everything(log.reader)] == [(0, b"body 1")]


def test_the_same_id_in_another_stream_is_no_repeat(log) -> None:
    assert log.writer.append([entry(1), Entry(ALERTS, "PE", "id-1", b"")]).new == 2
    log.flush()
    assert [len(everything(log.reader, stream)) for stream in (EVENTS, ALERTS)] == [1, 1]


@pytest.mark.parametrize(
    "bad",
    [
        Entry(EVENTS, "PE", "nul\0", b""),
        Entry(EVENTS, "nul\0", "x", b""),
        Entry(EVENTS, "PE", "half \ud800", b""),
        Entry(EVENTS, "PE", "x", b"", partition=PARTITIONS),
        Entry(EVENTS, "PE", "x", b"", partition=-1),
    ],
)
def test_what_cannot_be_stored_is_rejected_with_everything_beside_it(log, bad: Entry) -> None:
    with pytest.raises(Rejected, match=r"^unstorable: "):
        log.writer.append([entry(1), bad, entry(2)])
    log.flush()
    assert everything(log.reader) == []


def test_ids_that_look_like_code_are_only_ids(log) -> None:
    ids = ["'; DROP TABLE records; --", '"]', "{a,b}", "\\", "%s", "\n", "NULL", ""]
    assert log.writer.append([Entry(EVENTS, "PE", id_, b"") for id_ in ids]).new == len(ids)
    assert log.writer.append([Entry(EVENTS, "PE", id_, b"") for id_ in ids]).repeated == tuple(ids)
    log.flush()
    assert [record.id for record in everything(log.reader)] == ids


_streams = itertools.count()
_entries = st.lists(
    st.builds(
        Entry,
        st.just(EVENTS),
        st.sampled_from(["PE", "US", "CN", ""]),
        st.sampled_from([f"id-{n}" for n in range(12)])
        | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        st.binary(max_size=40),
        st.none() | st.integers(0, PARTITIONS - 1),
    ),
    max_size=30,
)


@pytest.mark.servers
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(_entries, max_size=5))
def test_any_batching_gives_the_same_log_everywhere(all_stores: dict[str, Store], batches: list[list[Entry]]) -> None:
    stream = f"events-{next(_streams)}"
    logs = {}
    for name, store in all_stores.items():
        answers = [store.append([Entry(stream, e.key, e.id, e.body, e.partition) for e in batch]) for batch in batches]
        logs[name] = (answers, everything(store, stream))
        assert sum(answer.new for answer in answers) == len(logs[name][1])
        assert sum(answer.new + len(answer.repeated) for answer in answers) == sum(map(len, batches))
    check_chain(logs["memory"][1])
    assert logs["memory"] == logs["sqlite"] == logs["postgres"]
    one_by_one = all_stores["memory"]
    single = f"{stream}-single"
    for e in itertools.chain(*batches):
        one_by_one.append([Entry(single, e.key, e.id, e.body, e.partition)])
    assert [(r.partition, r.sequence, r.id) for r in everything(one_by_one, single)] == [
        (r.partition, r.sequence, r.id) for r in logs["memory"][1]
    ]
