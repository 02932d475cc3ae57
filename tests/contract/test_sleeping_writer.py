"""A process that falls asleep inside a transaction holds its locks only for a while; then others go on without it."""

import threading
import time

import pytest

from almenara.adapters.sql import database
from almenara.adapters.sql.database import Database
from almenara.adapters.sql.migrate import upgrade
from almenara.adapters.sql.store import SqlStore
from almenara.domain.errors import Unreachable
from almenara.ports.log import EVENTS, Entry
from databases import fresh_database

pytestmark = pytest.mark.servers


def test_a_writer_asleep_in_its_transaction_is_given_up(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ASLEEP_S", 1)
    with fresh_database(postgres_url) as url:
        upgrade(url)
        store, sleeper = SqlStore(url, 4), Database(url)
        store.append([Entry(EVENTS, "PER", "e1", b"1")])

        def sleep() -> None:
            with sleeper.writing() as connection:
                connection.exec_driver_sql("LOCK TABLE partitions IN ACCESS EXCLUSIVE MODE")
                other.start()
                time.sleep(0.2)
                assert other.is_alive()
                other.join(10)
                assert not other.is_alive()
                connection.exec_driver_sql("SELECT 1")

        other = threading.Thread(target=store.append, args=([Entry(EVENTS, "PER", "e2", b"2")],), daemon=True)
        with pytest.raises(Unreachable):
            sleep()
        assert [record.id for record in store.read(EVENTS, 2, 0)] == ["e1", "e2"]
        # it woke up: what it lost is that one transaction
        assert sleeper.write(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()) == 1
        sleeper.close()
        store.close()
