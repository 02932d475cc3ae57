"""Two hundred destinations that hang beside one that is well, over a real database and real connections.

Nothing is asserted about time: all messages of the healthy one arrive while every dead one still hangs.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from almenara.adapters.http.hook import HookChannel
from almenara.adapters.http.post import Poster
from almenara.adapters.sinks.hook import Answer, HookSink
from almenara.adapters.sql.store import open_sqlite
from almenara.app.clock import SystemClock
from almenara.app.secrets import Secret
from almenara.app.sending import OWN, run_sender
from almenara.notifier.send import Sender
from almenara.ports.channel import Channel
from almenara.ports.log import EVENTS
from almenara.ports.queue import PER_DESTINATION, Send
from almenara.ports.store import Store
from almenara.ports.unit import Batch
from almenara.ports.wire import encode
from told import absence, notice

DEAD = 200
EACH = 3
WELL = 40
PATIENCE_S = 90.0
SECRET = "whsec_" + base64.b64encode(b"made up, thirty-two bytes long..").decode()
EARLIER = datetime(2026, 1, 12, tzinfo=UTC)


class Reached:
    """What a sender is given in place of `Ways`: everything is known from the start."""

    ready = True


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[tuple[HookSink, HookSink]]:
    """One receiver that is well, and one that takes posts and never answers."""
    with ExitStack() as stack:
        well = stack.enter_context(HookSink(tmp_path / "well", SECRET))
        hanging = stack.enter_context(HookSink(tmp_path / "hanging", SECRET))
        hanging.answer_with(*[Answer(delay_s=10 * PATIENCE_S, keep=False)] * (DEAD * EACH))
        yield well, hanging


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_sqlite(tmp_path / "almenara.db", 1)
    yield made
    made.close()


def send(via: str, number: int, due: datetime) -> Send:
    uid = f"{via}-{number}"
    body = encode(notice(absence(), via=via, subscriber=via, delivery=uid, thread=uid))
    return Send(uid, uid, f"{number:04}", due, body, via)


def queue(store: Store, sends: list[Send]) -> None:
    lease = store.claim("plan", EVENTS, 0)
    store.commit(lease, Batch(lease.after + 1, (), sends))


@asynccontextmanager
async def sending(store: Store, channels: Mapping[str, Channel], release: Callable[[], None]):  # type: ignore[no-untyped-def]
    """The loop, running; at the end what hangs is let go, and the loop waits for it."""
    stop = asyncio.Event()
    urls = {name: name for name in channels}
    sender = Sender(store, channels, lambda who, via, _: urls[via], SystemClock())
    task = asyncio.create_task(run_sender(sender, Reached(), stop))  # type: ignore[arg-type]
    try:
        yield
    finally:
        stop.set()
        release()
        await asyncio.wait_for(task, PATIENCE_S)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.05)


class To(HookChannel):
    """A webhook whose address is known by its name."""

    def __init__(self, url: str) -> None:
        poster = Poster(timeout_s=PATIENCE_S, private=(ip_network("127.0.0.0/8"),))
        super().__init__("x", Secret(SECRET), poster)
        self._url = url

    def send(self, message, address):  # type: ignore[no-untyped-def]
        return super().send(message, self._url)


async def test_two_hundred_that_hang_keep_the_healthy_one_waiting_for_nothing(
    store: Store, sinks: tuple[HookSink, HookSink]
) -> None:
    well, hanging = sinks
    assert DEAD < OWN
    dead = {f"dead-{n}": To(hanging.url()) for n in range(DEAD)}
    # what goes to the dead ones was due first, and there is more of it
    queue(store, [send(name, n, EARLIER) for name in dead for n in range(EACH)])
    queue(store, [send("well", n, EARLIER + timedelta(days=1, seconds=n)) for n in range(WELL)])
    async with sending(store, {**dead, "well": To(well.url())}, hanging.stop):
        # every dead one hangs and nothing of theirs is settled, while all of the healthy one's is
        await until(lambda: store.pending() == DEAD * EACH and hanging.requests >= DEAD)
        assert len(well.ids) == WELL
        assert store.circuits() == []
        assert len(set(well.ids)) == WELL
        assert hanging.requests <= DEAD * min(EACH, PER_DESTINATION)
        queue(store, [send("well", WELL + n, EARLIER + timedelta(days=2)) for n in range(WELL)])
        await until(lambda: store.pending() == DEAD * EACH)
        assert len(well.ids) == 2 * WELL
    assert (well.forged, hanging.forged) == (0, 0)


async def test_what_is_sent_arrives_once_and_the_loop_ends_with_nothing_in_hand(
    store: Store, sinks: tuple[HookSink, HookSink]
) -> None:
    well, _ = sinks
    queue(store, [send("well", n, EARLIER + timedelta(seconds=n)) for n in range(WELL)])
    async with sending(store, {"well": To(well.url())}, lambda: None):
        await until(lambda: store.pending() == 0)
    assert sorted(well.ids) == sorted(f"well-{n}" for n in range(WELL))
    later = datetime.now(UTC)
    assert store.take(later, later, 10) == []


async def test_what_is_queued_is_sent_at_once_when_the_loop_is_woken(
    store: Store, sinks: tuple[HookSink, HookSink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("almenara.app.sending.PAUSE_S", 10 * PATIENCE_S)
    well, _ = sinks
    stop, woken = asyncio.Event(), asyncio.Event()
    sender = Sender(store, {"well": To(well.url())}, lambda *_: well.url(), SystemClock())
    task = asyncio.create_task(run_sender(sender, Reached(), stop, woken=woken))  # type: ignore[arg-type]
    for number in range(3):
        queue(store, [send("well", number, EARLIER)])
        woken.set()
        await until(lambda number=number: len(well.ids) == number + 1 and not store.pending())  # type: ignore[misc]
    stop.set()
    await asyncio.wait_for(task, PATIENCE_S)
