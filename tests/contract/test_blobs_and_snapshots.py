"""Blobs under their hash, snapshots under their fold and version."""

import hashlib

import pytest

from almenara.domain.errors import Missing
from almenara.ports.state import Snapshot
from almenara.ports.store import Store
from almenara.ports.unit import Batch


def test_a_blob_comes_back_under_its_hash(store: Store) -> None:
    body = bytes(range(256)) * 1000
    digest = store.put(body)
    assert digest == hashlib.sha256(body).hexdigest()
    assert store.put(body) == digest
    assert store.get(digest) == body
    assert store.get(store.put(b"")) == b""


def test_a_blob_that_is_not_there_is_missing(store: Store) -> None:
    with pytest.raises(Missing, match="0000"):
        store.get("0" * 64)


def snapshot(sequence: int, version: str = "1", body: bytes = b"state") -> Snapshot:
    return Snapshot("rules", "events", 2, sequence, version, body)


def test_the_newest_snapshot_of_a_version_is_loaded(store: Store) -> None:
    lease = store.claim("rules", "events", 2)
    assert store.load("rules", "events", 2, "1") is None
    for taken in (snapshot(3), snapshot(9, body=b"\0" * 100_000)):
        lease = store.commit(lease, Batch(taken.sequence, snapshot=taken))
        assert store.load("rules", "events", 2, "1") == taken


def test_versions_and_folds_do_not_meet(store: Store) -> None:
    lease = store.claim("rules", "events", 2)
    lease = store.commit(lease, Batch(3, snapshot=snapshot(3)))
    store.commit(lease, Batch(5, snapshot=snapshot(5, "2")))
    assert store.load("rules", "events", 2, "1") == snapshot(3)
    assert store.load("rules", "events", 2, "2") == snapshot(5, "2")
    for other in [("notifier", "events", 2), ("rules", "alerts", 2), ("rules", "events", 1)]:
        assert store.load(*other, "1") is None
