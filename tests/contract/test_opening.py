"""Opening a store: what is fixed stays fixed, what is missing is said with its cure, no message holds a password."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import DatabaseError

from almenara.adapters.memory import MemoryStore
from almenara.adapters.sql.migrate import current, is_current
from almenara.adapters.sql.schema import REVISION, micros
from almenara.adapters.sql.store import PARTITIONS, SqlStore, open_sqlite, sqlite_url
from almenara.domain.errors import AlmenaraError, Differs, Refused, Unreachable
from almenara.ports.log import EVENTS, Entry
from almenara.ports.store import Store
from databases import fresh_database
from servers import free_port


def execute(url: str, *statements: str) -> list[object]:
    """Runs statements from outside the store, each in one transaction with the others; the first value of each."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            return [result.scalar() if result.returns_rows else None for result in results]
    finally:
        engine.dispose()


def test_the_partition_count_is_fixed(database_url: str) -> None:
    SqlStore(database_url, 3).close()
    with pytest.raises(Refused, match=r"created with 3 partitions and 5 are set.*set it to 3"):
        SqlStore(database_url, 5)
    for count in (3, None):
        with closing(SqlStore(database_url, count)) as store:
            assert store.partitions == 3


def test_a_new_log_has_eight_partitions(database_url: str) -> None:
    with closing(SqlStore(database_url)) as store:
        assert store.partitions == PARTITIONS == 8


@pytest.mark.parametrize("count", [0, -1])
def test_a_log_needs_a_partition(database_url: str, count: int) -> None:
    opens: list[Callable[[int], object]] = [MemoryStore, lambda count: SqlStore(database_url, count)]
    for open_ in opens:
        with pytest.raises(Refused, match="give it at least 1"):
            open_(count)


def test_what_was_stored_is_there_when_opened_again(database_url: str) -> None:
    with closing(SqlStore(database_url, 2)) as store:
        store.append([Entry(EVENTS, "", str(n), b"", 1) for n in range(3)])
        digest = store.put(b"rules")
        lease = store.claim("rules", EVENTS, 1)
    with closing(SqlStore(database_url)) as store:
        assert [record.id for record in store.read(EVENTS, 1, 0)] == ["0", "1", "2"]
        assert store.append([Entry(EVENTS, "", "2", b"", 0)]).repeated == ("2",)
        assert store.get(digest) == b"rules"
        assert store.positions() == [lease]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET body = 'forged'",
        "UPDATE records SET sequence = sequence + 1 WHERE id = '1'",
        "DELETE FROM records WHERE id = '1'",
    ],
)
def test_records_cannot_be_changed_or_removed(database_url: str, statement: str) -> None:
    with closing(SqlStore(database_url, 2)) as store:
        store.append([Entry(EVENTS, "", "1", b"true")])
        with pytest.raises(DatabaseError, match="records are never changed or removed"):
            execute(database_url, statement)
        assert store.read(EVENTS, 0, 0)[0].body == b"true"


@pytest.mark.servers
def test_records_cannot_be_truncated(postgres_template: tuple[str, str]) -> None:
    with (
        fresh_database(*postgres_template) as url,
        pytest.raises(DatabaseError, match="records are never changed or removed"),
    ):
        execute(url, "TRUNCATE records")


def test_an_altered_blob_is_found_out(database_url: str) -> None:
    with closing(SqlStore(database_url, 2)) as store:
        digest = store.put(b"true")
        execute(database_url, "UPDATE blobs SET body = 'forged'")
        with pytest.raises(Differs, match=digest):
            store.get(digest)


def test_an_older_schema_is_refused_with_its_cure(database_url: str) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(Refused, match=rf"has the schema 0000, this release needs {REVISION}; run `almenara migrate`"):
        SqlStore(database_url)
    assert not is_current(database_url)


def test_a_newer_schema_is_refused_with_its_cure(database_url: str) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused, match="use the release that migrated it"):
        SqlStore(database_url)


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "nothing.db"
    url = sqlite_url(file)
    with pytest.raises(Refused, match=r"nothing\.db does not exist; run `almenara migrate`"):
        SqlStore(url)
    assert (current(url), is_current(url), file.exists()) == (None, False, False)


def test_a_database_without_tables_is_refused_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(Refused, match=r"has no schema.*run `almenara migrate`"):
        SqlStore(sqlite_url(tmp_path / "empty.db"))


def test_tables_that_vanish_are_missed(tmp_path: Path) -> None:
    with closing(open_sqlite(tmp_path / "a.db")) as store:
        execute(sqlite_url(tmp_path / "a.db"), "DROP TABLE records")
        with pytest.raises(Refused, match="run `almenara migrate`"):
            store.read(EVENTS, 0, 0)


def test_a_folder_is_made_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "100% ¿new?" / "almenara.db"
    open_sqlite(path, 3).close()
    with closing(open_sqlite(path)) as store:
        assert store.partitions == 3
    assert path.is_file()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but rather a long text about nothing at all " * 100)
    with pytest.raises(AlmenaraError, match="not a database"):
        SqlStore(sqlite_url(tmp_path / "notes.txt"))


def test_sqlite_writes_are_durable(tmp_path: Path) -> None:
    with (
        closing(open_sqlite(tmp_path / "almenara.db")) as store,
        store._database.writing() as connection,  # what the store itself is set to, not what the file says
    ):
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert (connection.exec_driver_sql("PRAGMA busy_timeout").scalar() or 0) >= 10_000


def test_a_refused_connection_is_unreachable_and_names_no_password() -> None:
    url = URL.create("postgresql+psycopg", "ana", "s3cret/word", "127.0.0.1", free_port(), "almenara")
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        SqlStore(url.render_as_string(hide_password=False))
    chain: BaseException | None = caught.value
    assert "ana:***@127.0.0.1" in str(chain)
    while chain is not None:
        assert "s3cret" not in repr(chain)
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


@pytest.mark.servers
def test_a_connection_that_was_cut_is_unreachable_once(postgres_template: tuple[str, str]) -> None:
    with fresh_database(*postgres_template) as url, closing(SqlStore(url, 2)) as store:
        store.append([Entry(EVENTS, "", "1", b"")])
        name = make_url(url).database
        kill = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        execute(postgres_template[0], kill)
        with pytest.raises(Unreachable, match="cannot be reached"):
            store.append([Entry(EVENTS, "", "2", b"")])
        assert store.append([Entry(EVENTS, "", "2", b"")]).new == 1


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://ana:s3cret@example.org/x", "sqlite://", "sqlite:///:memory:", "postgresql+nope://x"],
)
def test_a_url_that_is_no_use_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="sqlite:///FILE or postgresql") as caught:
        SqlStore(url)
    assert "s3cret" not in str(caught.value)


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        micros(datetime(2026, 1, 6))  # noqa: DTZ001 - that is the mistake


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()


def test_a_copy_that_cannot_be_written_can_be_read(readable_folder: Path) -> None:
    """An auditor's copy: the folder and the file belong to somebody else."""
    file = readable_folder / "almenara.db"
    with closing(open_sqlite(file, 2)) as store:
        store.append([Entry(EVENTS, "PER", f"e-{number}", b"body") for number in range(10)])
    file.chmod(0o444)
    readable_folder.chmod(0o555)
    said = in_a_child(lambda: _read_all(file))
    assert said == "10 records; append: Refused"


def _read_all(file: Path) -> str:
    with closing(SqlStore(sqlite_url(file))) as store:
        count = sum(len(store.read(EVENTS, partition, 0)) for partition in range(store.partitions))
        try:
            store.append([Entry(EVENTS, "PER", "new", b"body")])
        except AlmenaraError as error:
            return f"{count} records; append: {type(error).__name__}"
        return f"{count} records; written"


@pytest.fixture
def readable_folder() -> Iterator[Path]:
    """A folder that other users may enter (a test's own is closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix="almenara-copy-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def in_a_child(work: Callable[[], str]) -> str:
    """What `work` says in a child that has no rights beyond those of others (root may write anywhere)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            said = work()
        except BaseException as error:  # the child must never come back into the test run
            said = f"failed: {error!r}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said
