"""Content under its own hash, checked whenever it is read."""

from typing import Final

from sqlalchemy import LargeBinary, bindparam, cast, select
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.domain.errors import Differs, Missing
from almenara.ports.state import blob_hash

# SQLite gives a forged value in whatever type it was written; the cast makes it bytes, to be compared.
_GET: Final = select(cast(schema.blobs.c.body, LargeBinary)).where(schema.blobs.c.digest == bindparam("digest"))


class SqlBlobs:
    """BlobStore."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    def put(self, body: bytes) -> str:
        """Stores the content (once) and returns its hash. Raises Unreachable."""
        digest = blob_hash(body)
        dialect = sqlite if self._database.sqlite else postgresql
        statement = dialect.insert(schema.blobs).values(digest=digest, body=body).on_conflict_do_nothing()
        self._database.write(lambda connection: connection.execute(statement))
        return digest

    def get(self, digest: str) -> bytes:
        """The content. Raises Missing, Differs when it was altered, and Unreachable."""
        with self._database.reading() as connection:
            body: bytes | None = connection.scalar(_GET, {"digest": digest})
        if body is None:
            raise Missing(f"no blob {digest}")
        if blob_hash(body) != digest:
            raise Differs(f"the blob {digest} was altered")
        return body
