"""Opening the store that the settings name: a SQLite file in the embedded mode, PostgreSQL in the distributed one.

Imports SQLAlchemy; import it inside functions where speed matters.
"""

from dataclasses import dataclass, field
from pathlib import Path

from almenara.adapters.sql.database import Database
from almenara.adapters.sql.migrate import revision, upgrade
from almenara.adapters.sql.store import SqlStore, open_sqlite
from almenara.app.settings import Settings
from almenara.domain.errors import Missing
from almenara.ports.store import Store


def open_store(settings: Settings, *, create: bool) -> Store:
    """The store. With `create` a SQLite file is made and migrated; PostgreSQL is never migrated from here.

    Raises Missing when there is no SQLite file and none is to be made, Refused for another schema (the cure is
    `almenara migrate`) or another partition count, Unreachable.
    """
    url = settings.storage.database.reveal()
    file = sqlite_file(url)
    if file is None:
        return SqlStore(url, settings.kafka.partitions if create else None)
    if create:
        return open_sqlite(file, settings.kafka.partitions)
    _require(file)
    return SqlStore(url)


def record_of(settings: Settings) -> "ReadOnly":
    """The record that the settings name, for those who only read it. Raises Missing when there is no SQLite file."""
    url = settings.storage.database.reveal()
    file = sqlite_file(url)
    if file is not None:
        _require(file)
    return ReadOnly(url)


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Opens a store through which nothing can be written; goes to other processes, each of which opens its own."""

    url: str = field(repr=False)  # it may hold a password

    def __call__(self) -> Store:
        """The store; a write through it raises Refused. Raises as `open_store` does."""
        return SqlStore(self.url, read_only=True)


def _require(file: Path) -> None:
    if file.parent.is_file():
        raise Missing(f"{file.parent} is a file; name the folder that holds it")
    if not file.exists():
        raise Missing(f"there is no record at {file}; start one: `almenara run all`, or `almenara demo` to try it")


def migrate(settings: Settings) -> tuple[str | None, str | None]:
    """Brings the schema up to date and fixes the partition count of a new log. The revision before, and now.

    Raises Refused and Unreachable.
    """
    url = settings.storage.database.reveal()
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    before = revision(url)
    upgrade(url)
    SqlStore(url, settings.kafka.partitions).close()
    return before, revision(url)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL, or None. Raises Refused for another database."""
    database = Database(url)
    try:
        return database.file
    finally:
        database.close()
