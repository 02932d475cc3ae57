"""Brings a database to a schema revision and says where it stands. Alembic is slow to import: inside functions only."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, inspect, select, text

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import Database
from almenara.domain.errors import Refused

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATORS = 0x616C6D656E6173  # PostgreSQL's advisory lock of whoever migrates


def upgrade(url: str, to: str = "head") -> None:
    """Brings the schema to a revision, all or nothing; a SQLite file is made. Raises Refused and Unreachable."""
    from alembic import command

    _run(url, command.upgrade, to)


def downgrade(url: str, to: str) -> None:
    """Takes the schema back to a revision (`base`: nothing left). What the tables held is gone. Raises as upgrade."""
    from alembic import command

    _run(url, command.downgrade, to)


def current(url: str) -> str | None:
    """The revision of the database, None when it has none. Raises Unreachable."""
    return revision(url)


def is_current(url: str) -> bool:
    """Whether the database has the schema that this release needs. Raises Unreachable."""
    return revision(url) == schema.REVISION


def revision(database: str | Database) -> str | None:
    """The revision that the database says it has, read without Alembic. Makes no file. Raises Unreachable."""
    found = database if isinstance(database, Database) else Database(database)
    try:
        if found.file is not None and not found.file.exists():
            return None
        with found.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            answer: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return answer
    finally:
        if found is not database:
            found.close()


def migrations() -> Path:
    """The folder of the migrations: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).parents[2]
    for folder in (package / "migrations", package.parents[1] / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise Refused("the migrations are not installed; install the package again")


def configuration(connection: Connection) -> "Config":
    """Alembic's configuration, bound to a connection; there is no alembic.ini."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def _run(url: str, command: Any, to: str) -> None:
    from alembic.util import CommandError

    database = Database(url)
    try:
        with database.writing() as connection:
            if not database.sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATORS)))
            command(configuration(connection), to)
    except CommandError as error:
        raise Refused(f"{database.name} cannot be migrated to {to}: {error}") from error
    finally:
        database.close()
