"""Snapshots of a fold's state, and content-addressed blobs (rulesets, audiences)."""

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one consumer's fold over one partition after `sequence`.

    `version` names the code that wrote it; a snapshot of another version is not read, the fold starts from the log.
    """

    consumer: str
    stream: str
    partition: int
    sequence: int
    version: str
    body: bytes


class SnapshotStore(Protocol):
    """Keeps the newest snapshot of each fold."""

    def load(self, consumer: str, stream: str, partition: int, version: str) -> Snapshot | None:
        """The newest snapshot of this version, or None."""


class BlobStore(Protocol):
    """Keeps content under its own SHA-256."""

    def put(self, body: bytes) -> str:
        """Stores the content (once) and returns its hash, 64 hexadecimal digits."""

    def get(self, digest: str) -> bytes:
        """The content, checked against its hash. Raises Missing, or Differs when it was altered."""


def blob_hash(body: bytes) -> str:
    """The name of a blob: SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
