"""The store: every port over one database, opened only at the schema and the partition count it was made with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.blobs import SqlBlobs
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.log import SqlLog
from almenara.adapters.sql.migrate import revision, upgrade
from almenara.adapters.sql.queue import SqlQueue
from almenara.adapters.sql.unit import SqlUnit
from almenara.domain.errors import Refused

PARTITIONS: Final = 8
"""The partition count of a new log when none is named."""


class SqlStore(SqlLog, SqlUnit, SqlBlobs, SqlQueue):
    """Every port of `ports.store.Store`; bears use by several threads."""

    def __init__(self, url: str, partitions: int | None = None, *, read_only: bool = False) -> None:
        """Opens it; a new log gets this partition count for ever (None: what the log has, 8 for a new one).

        With `read_only` the database refuses every write, whoever asks for it (Refused).
        Raises Refused for a missing or another schema and for another partition count, Unreachable.
        """
        database = Database(url, read_only=read_only)
        try:
            _check_schema(database)
            # the queue is the only one of its parts that holds more than the two
            SqlQueue.__init__(self, database, _fixed_partitions(database, partitions))
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Closes the connections; idle ones only, so close after the last call has returned."""
        self._database.close()


def open_sqlite(path: Path, partitions: int | None = None) -> SqlStore:
    """The store in a file, made and migrated when needed. Raises Refused and Unreachable as SqlStore does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    url = sqlite_url(path)
    if not path.exists() or revision(url) != schema.REVISION:
        upgrade(url)
    return SqlStore(url, partitions)


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _check_schema(database: Database) -> None:
    if database.file is not None and not database.file.exists():
        raise Refused(f"{database.file} does not exist; run `almenara migrate`")
    found = revision(database)
    if found != schema.REVISION:
        what = f"has the schema {found}" if found else "has no schema"
        cure = "run `almenara migrate`" if (found or "") < schema.REVISION else "use the release that migrated it"
        raise Refused(f"{database.name} {what}, this release needs {schema.REVISION}; {cure}")


def _fixed_partitions(database: Database, wanted: int | None) -> int:
    if wanted is not None and wanted < 1:
        raise Refused(f"a log of {wanted} partitions; give it at least 1")
    fixed = select(schema.log_properties.c.partitions)
    with database.reading() as connection:
        found = connection.scalar(fixed)

    def create(connection: Connection) -> int:
        dialect = sqlite if database.sqlite else postgresql
        values = {"single": 1, "partitions": wanted or PARTITIONS, "created_at": schema.micros(datetime.now(UTC))}
        connection.execute(dialect.insert(schema.log_properties).values(values).on_conflict_do_nothing())
        return int(connection.scalar(fixed) or 0)

    found = found if found is not None else database.write(create)
    if wanted not in (None, found):
        raise Refused(
            f"the log in {database.name} was created with {found} partitions and {wanted} are set; the count is fixed "
            f"for ever: set it to {found}"
        )
    return found
