"""Everything that one database gives a service: the log, positions, snapshots, blobs and the send queue."""

from typing import Protocol

from almenara.ports.log import LogWriter, Outbox
from almenara.ports.queue import SendQueue
from almenara.ports.state import BlobStore, SnapshotStore
from almenara.ports.unit import UnitOfWork


class Store(Outbox, LogWriter, UnitOfWork, SnapshotStore, BlobStore, SendQueue, Protocol):
    """One database, seen through all its ports; memory, SQLite and PostgreSQL each give one."""

    def close(self) -> None:
        """Lets go of connections and files."""
