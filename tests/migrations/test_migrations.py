"""Migrations: up, down and up again on both databases, and they lead to the tables that the code has."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from almenara.adapters.sql import migrate, schema
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.store import SqlStore, sqlite_url
from almenara.domain.errors import Refused
from almenara.ports.log import EVENTS, Entry
from databases import fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "almenara.db")
    else:
        with fresh_database(request.getfixturevalue("postgres_url")) as made:
            yield made


def names(url: str) -> set[str]:
    """The tables, and in PostgreSQL the functions, that are ours."""
    with closing(Database(url)) as database, database.reading() as connection:
        functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        found = [] if database.sqlite else connection.scalars(text(functions)).all()
        return {*inspect(connection).get_table_names(), *found} - {"alembic_version"}


def test_up_down_up(url: str) -> None:
    assert (migrate.current(url), migrate.is_current(url)) == (None, False)
    for _ in range(2):
        migrate.upgrade(url)
        assert (migrate.current(url), migrate.is_current(url)) == (schema.REVISION, True)
        with closing(SqlStore(url, 2)) as store:
            assert store.append([Entry(EVENTS, "PE", "1", b"")]).new == 1
        migrate.downgrade(url, "base")
        assert migrate.current(url) is None
        assert names(url) == set()


def test_upgrading_again_changes_nothing(url: str) -> None:
    migrate.upgrade(url)
    with closing(SqlStore(url, 2)) as store:
        store.append([Entry(EVENTS, "", "1", b"")])
        migrate.upgrade(url)
        assert store.end(EVENTS, 0) == 1


def test_processes_that_migrate_at_once_do_it_once(url: str) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        list(executor.map(migrate.upgrade, [url] * 4))
    assert migrate.is_current(url)


def test_the_tables_of_the_code_are_those_of_the_migrations(url: str) -> None:
    migrate.upgrade(url)
    with closing(Database(url)) as database, database.reading() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []


def test_the_code_needs_the_newest_migration(tmp_path: Path) -> None:
    with closing(Database(sqlite_url(tmp_path / "a.db"))) as database, database.reading() as connection:
        heads = ScriptDirectory.from_config(migrate.configuration(connection)).get_heads()
    assert heads == [schema.REVISION]


def test_an_unknown_revision_is_refused(url: str) -> None:
    migrate.upgrade(url)
    with pytest.raises(Refused, match="cannot be migrated to 7777"):
        migrate.upgrade(url, "7777")
    assert migrate.is_current(url)


def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "migrations"
    source = migrate.migrations()
    for name in ("env.py", "script.py.mako", "versions/0001_store.py"):
        (broken / name).parent.mkdir(parents=True, exist_ok=True)
        (broken / name).write_text((source / name).read_text().replace("    _create_sends()\n", "    1 / 0\n", 1))
    monkeypatch.setattr(migrate, "migrations", lambda: broken)
    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(url)
    assert names(url) == set()
    assert migrate.current(url) is None
