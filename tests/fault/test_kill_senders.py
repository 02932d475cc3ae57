"""Two senders over one real PostgreSQL, killed fifty times under load: nothing is lost, every second copy says so."""

import os
import random
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from almenara.adapters.sinks.slack import Answer
from almenara.adapters.sinks.smtp import Reply
from almenara.adapters.sql.migrate import upgrade
from almenara.adapters.sql.store import SqlStore
from almenara.domain.notice import DeliveryState
from almenara.ports.log import DELIVERIES, NOTICES
from almenara.ports.queue import Send
from almenara.ports.unit import Batch
from almenara.ports.wire import decode_delivery, encode
from case_run import stream
from databases import fresh_database
from distributed_system import Sinks, open_sinks
from fleet import Fleet
from told import absence, notice

KILLS = 50
MESSAGES = 1_500
CLAIM_S = 3
PARTITIONS = 2
PROGRAM = (sys.executable, str(Path(__file__).parent / "sender_main.py"))
SENDERS = ("sender-1", "sender-2")

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


def sends(first: int, count: int) -> list[Send]:
    """Messages about alerts of their own, by mail and to Slack in turns."""
    found = []
    for number in range(first, first + count):
        uid, via = f"m{number:05}", ("mail", "desk")[number % 2]
        alert = absence(uid=uid, cite=f"ALM-{uid}", title={"en": f"Message {uid}", "es": f"Mensaje {uid}"})
        now = datetime.now(UTC)
        told = notice(
            alert, via=via, channel=via, delivery=uid, thread=uid, id=uid, due=now, subscriber=f"p{number % 7}"
        )
        found.append(Send(uid, uid, f"{number:016}", now, encode(told), via))
    return found


def feed(store: SqlStore, pause_s: float) -> None:
    """Queues all messages, a handful at a time, so that there is always something on its way."""
    lease = store.claim("plan", NOTICES, 0)
    for first in range(0, MESSAGES, 30):
        lease = store.commit(lease, Batch(first + 30, (), sends(first, 30)))
        time.sleep(pause_s)


def killed(fleet: Fleet, chance: random.Random, words: tuple[str, ...], store: SqlStore) -> int:
    """Kills one sender after the other; how many of them had something to send."""
    busy = 0
    for _ in range(KILLS):
        name = chance.choice(SENDERS)
        # not before it works, so that a kill hits more than an import
        fleet.until(lambda name=name: "sending" in fleet.said(name), f"{name} starting again", 60)
        time.sleep(chance.uniform(0.05, 0.5))
        busy += store.pending() > 0
        fleet.kill(name)
        fleet.start(name, *words)
    return busy


def test_two_senders_killed_fifty_times_lose_nothing_and_mark_every_second_copy(
    postgres_url: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("ALMENARA_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed} (ALMENARA_SEED)")
    chance = random.Random(seed)
    with open_sinks(tmp_path) as sinks, fresh_database(postgres_url) as url:
        # slow enough that most kills find something half way
        sinks.mail.reply_with(*[Reply(delay_s=chance.choice([0, 0.05, 0.3])) for _ in range(MESSAGES)])
        sinks.slack.answer_with(*[Answer(delay_s=chance.choice([0, 0.05, 0.3])) for _ in range(MESSAGES)])
        upgrade(url)
        store = SqlStore(url, PARTITIONS)
        words = (url, str(sinks.mail.port), sinks.slack.url(), str(CLAIM_S))
        fleet = Fleet(tmp_path / "processes", {}, PROGRAM)
        try:
            for name in SENDERS:
                fleet.start(name, *words)
            feeding = threading.Thread(target=feed, args=(store, 1.2), daemon=True)
            feeding.start()
            busy = killed(fleet, chance, words, store)
            feeding.join()
            fleet.until(lambda: store.pending() == 0, "working off", 120)
            assert set(fleet.stop().values()) == {0}, fleet.logs()
            told_once(store, sinks, busy)
        finally:
            fleet.close()
            store.close()


def told_once(store: SqlStore, sinks: Sinks, busy: int) -> None:
    """Each message arrived and is recorded as delivered once; of its copies all but the first say what they are."""
    copies = sinks.copies()
    assert len(copies) == MESSAGES
    assert not {key: seen for key, seen in copies.items() if not all(seen[1:])}
    steps = [decode_delivery(record.body) for record in stream(store, DELIVERIES)]
    delivered = Counter(step.delivery for step in steps if step.state == DeliveryState.DELIVERED)
    assert (len(delivered), set(delivered.values())) == (MESSAGES, {1})
    more, marked = sum(len(seen) - 1 for seen in copies.values()), sum(map(sum, copies.values()))
    print(f"{KILLS} kills, {busy} of them under load: {more} second copies, {marked} messages marked")
    assert busy >= KILLS * 3 // 4
    assert marked > 0
