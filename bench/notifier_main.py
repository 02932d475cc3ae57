"""The notifier as the embedded mode runs it, in a process of its own: route, plan, and the loop that sends.

notifier_main.py STORE URL SECRET [RATE FIRST COUNT]

Prints `ready`, waits for a line, and works until the next one. With a rate it appends alerts itself, so many a second,
as the rules do in the embedded mode; without one they are in the log. At the end it prints one JSON object: its seconds
of the processor since the first line, and the moment at which each alert was about to be appended.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "services"), str(ROOT / "bench")]

import alerts  # noqa: E402
from almenara.adapters.http.hook import HookChannel  # noqa: E402
from almenara.adapters.http.post import Poster  # noqa: E402
from almenara.adapters.sql.store import SqlStore, open_sqlite  # noqa: E402
from almenara.app.channels import Ways  # noqa: E402
from almenara.app.clock import SystemClock  # noqa: E402
from almenara.app.embedded import Embedded  # noqa: E402
from almenara.app.heap import quiet_heap  # noqa: E402
from almenara.app.loops import run_pump  # noqa: E402
from almenara.app.secrets import Secret  # noqa: E402
from almenara.app.sending import run_sender  # noqa: E402
from almenara.app.settings import Settings  # noqa: E402
from almenara.notifier.plan import PlanProcessor  # noqa: E402
from almenara.notifier.route import RouteProcessor  # noqa: E402
from almenara.notifier.send import Sender  # noqa: E402
from almenara.ports.log import Entry  # noqa: E402

THREADS: Final = 24
"""As many as `almenara run` has for all that is not sending."""


class _Known(Ways):
    """Addresses that are known from the start."""

    @property
    def ready(self) -> bool:
        return True


async def main(store: SqlStore, url: str, secret: str, load: list[int]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    poster = Poster(private=(ip_network("127.0.0.0/8"),))
    hook = HookChannel(alerts.CHANNEL, Secret(secret), poster)
    sender = Sender(store, {alerts.CHANNEL: hook}, lambda *_: url, SystemClock())
    embedded = Embedded(store, [RouteProcessor(store), PlanProcessor(store, store.partitions)])
    stop, planned = asyncio.Event(), asyncio.Event()
    feed = _Feed(store, embedded, *load[1:])
    with quiet_heap():
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.process_time()
        ends = asyncio.create_task(_told_to_stop(stop))
        pumping = _steadily(feed, load[0], planned) if load else run_pump(embedded.pump, stop, wakes=planned)
        await asyncio.gather(ends, pumping, run_sender(sender, _Known(Settings()), stop, woken=planned))
        print(json.dumps({"cpu_s": time.process_time() - began, "handed": feed.handed}), flush=True)


class _Feed:
    """Appends alerts one by one, and folds each at once: in the embedded mode the rules are folded just before."""

    def __init__(self, store: SqlStore, embedded: Embedded, first: int = 0, count: int = 0) -> None:
        self._store = store
        self._embedded = embedded
        numbers = range(first, first + count)
        self.alerts = [(alerts.name_of(number), alerts.raised(number)) for number in numbers]
        self.handed: dict[str, float] = {}

    def one(self, name: str, entry: Entry) -> None:
        """The next alert."""
        self.handed[name] = time.monotonic()
        self._store.append([entry])
        self._embedded.pump()


async def _steadily(feed: _Feed, rate: int, wakes: asyncio.Event) -> None:
    started = time.monotonic()
    for number, (name, entry) in enumerate(feed.alerts):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        await asyncio.to_thread(feed.one, name, entry)
        wakes.set()


async def _told_to_stop(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()


if __name__ == "__main__":
    path, url, secret, *load = sys.argv[1:]
    asyncio.run(main(open_sqlite(Path(path)), url, secret, [int(word) for word in load]))
