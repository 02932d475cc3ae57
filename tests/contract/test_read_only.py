"""A store that was opened only to be read: the database refuses every write; a backtest needs no more."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from almenara.adapters.sql.store import SqlStore
from almenara.app.backtest import active_content, backtest
from almenara.app.spread import Source
from almenara.app.stores import ReadOnly
from almenara.audit.compare import Range
from almenara.domain.errors import Refused
from almenara.ports.log import EVENTS, Entry
from almenara.ports.queue import Send
from almenara.ports.store import Store
from almenara.ports.unit import Batch
from backtesting import candidate, source
from case_run import case_entries, run_embedded

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WRITES: dict[str, Callable[[Store], object]] = {
    "append": lambda store: store.append([Entry(EVENTS, "", "2", b"", 0)]),
    "put": lambda store: store.put(b"other rules"),
    "claim": lambda store: store.claim("rules", EVENTS, 0),
    "commit": lambda store: store.commit(store.positions()[0], Batch(2)),
    "take": lambda store: store.take(NOW, NOW, 1),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_refused_by_the_database(database_url: str, write: str) -> None:
    with closing(SqlStore(database_url, 2)) as store:
        store.append([Entry(EVENTS, "", "1", b"true", 0)])
        digest = store.put(b"rules")
        due = Send("s", "t", "1", NOW, b"", "mail")
        store.commit(store.claim("rules", EVENTS, 0), Batch(1, sends=[due]))
        positions = store.positions()
        with closing(ReadOnly(database_url)()) as reading:
            with pytest.raises(Refused, match="opened only to be read"):
                WRITES[write](reading)
            assert [record.id for record in reading.read(EVENTS, 0, 0)] == ["1"]
            assert reading.get(digest) == b"rules"
            store.append([Entry(EVENTS, "", "3", b"true", 0)])
            assert reading.end(EVENTS, 0) == 2
        assert (store.positions(), store.pending(), store.next_due()) == (positions, 1, NOW)


def test_where_to_read_is_never_shown() -> None:
    assert "secret" not in repr(Source(ReadOnly("postgresql+psycopg://u:secret@localhost/x")))


def test_a_backtest_gives_the_same_over_every_database_and_in_any_number_of_processes(database_url: str) -> None:
    with closing(SqlStore(database_url, 4)) as store:
        run_embedded(store, case_entries(4, 24))
        active = active_content(store)
        here = backtest(source(store), active, candidate(), Range(), jobs=1)
    assert here.compared.alerts
    assert here.compared.messages
    assert backtest(Source(ReadOnly(database_url)), active, candidate(), Range(), jobs=2) == here
