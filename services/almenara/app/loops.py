"""The loops of running services: each works until `stop` is set; together they end when one of them cannot go on."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from almenara.app.channels import Ways
from almenara.app.health import EVERY_S, write_health
from almenara.app.settings import Settings
from almenara.app.startup import Startup
from almenara.domain.errors import Faulty, Fenced, Refused, Unreachable
from almenara.ports.clock import Clock
from almenara.ports.intake import Intake
from almenara.ports.store import Store

PAUSE_S: Final = 0.2
WATCH_S: Final = 2.0
_BACKOFF_S: Final = 2.0

log = logging.getLogger(__name__)


async def together(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> None:
    """Runs everything until `stop` is set or one of them fails; then all end, and what failed first is raised."""
    tasks = [asyncio.create_task(one) for one in work]
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    first = next((task.exception() for task in tasks if task in done and task.exception()), None)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await stopping
    failed = first or next((result for result in results if isinstance(result, BaseException)), None)
    if failed is not None:
        raise failed


@contextmanager
def signals(stop: asyncio.Event, reload: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, SIGHUP sets `reload` (where the platform and the thread allow it)."""
    loop = asyncio.get_running_loop()
    wanted = ((signal.SIGTERM, stop.set), (signal.SIGINT, stop.set), (signal.SIGHUP, reload.set))
    for number, act in wanted:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number, _ in wanted:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits, or less when `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def run_pump(pump: Callable[[], int], stop: asyncio.Event, *, wakes: asyncio.Event | None = None) -> None:
    """Folds what is new, again and again, and sets `wakes` when there was something.

    Raises Refused when another process works on the same record.
    """
    while not stop.is_set():
        try:
            taken = await asyncio.to_thread(pump)
        except Fenced as error:
            raise Refused(f"another process works on this record; stop one of the two ({error})") from error
        except Unreachable as error:
            log.warning("the record waits: %s", error)
            await pause(stop, _BACKOFF_S)
            continue
        if not taken:
            await pause(stop, PAUSE_S)
        elif wakes is not None:
            wakes.set()


async def run_ways(startup: Startup, ways: Ways, stop: asyncio.Event) -> None:
    """Follows the active audience: `almenara subscribers activate` in another process is taken up here."""
    known = ""
    warned = False
    while not stop.is_set():
        with suppress(Unreachable):
            active = await asyncio.to_thread(lambda: startup.active.refresh().audience)
            if active != known or not ways.ready:
                if await asyncio.to_thread(startup.take_ways, ways):
                    known, warned = active, False
                elif not warned:
                    warned = True
                    log.error("the addresses of the active subscribers are in no file; mend subscribers.yaml")
        await pause(stop, WATCH_S)


async def run_reload(acts: Callable[[], None], reload: asyncio.Event, stop: asyncio.Event) -> None:
    """Reads the configuration again whenever `reload` is set (SIGHUP); faults are told and change nothing."""
    while not stop.is_set():
        if reload.is_set():
            reload.clear()
            try:
                await asyncio.to_thread(acts)
            except (Faulty, Unreachable) as error:
                log.error("the configuration is not taken: %s", error)
        await pause(stop, PAUSE_S)


async def run_health(
    path: Path, service: str, clock: Clock, stop: asyncio.Event, details: Callable[[], dict[str, Any]]
) -> None:
    """Says how the service is until it ends; a clean end takes the file away."""
    try:
        while not stop.is_set():
            await asyncio.to_thread(_say, path, service, clock, details)
            await pause(stop, EVERY_S)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _say(path: Path, service: str, clock: Clock, details: Callable[[], dict[str, Any]]) -> None:
    try:
        said = details()
    except Unreachable as error:
        said = {"trouble": str(error)}
    write_health(path, service, clock.now(), **said)


async def run_webhook(settings: Settings, intake: Intake, stop: asyncio.Event) -> None:
    """Serves the signed webhook. Raises Refused when its address cannot be had."""
    from almenara.adapters.http.webhook import webhook_app

    app = webhook_app(settings.webhook.secrets, intake)
    await serve(app, settings.webhook.listen, stop, name="webhook")


async def run_console(settings: Settings, store: Store, clock: Clock, stop: asyncio.Event) -> None:
    """Serves the pages that links lead to. Raises Refused when their address cannot be had, Faulty without a key."""
    from almenara.app.console import ConsoleRecord
    from almenara.app.links import links_key
    from almenara.console.pages import console_app

    record = ConsoleRecord(store)
    app = console_app(links_key(settings), record, record, clock)

    def look_ahead() -> None:
        with suppress(Unreachable):  # whoever opens the first page will look again
            record.refresh()

    serving = serve(app, settings.console.listen, stop, name="console")
    await asyncio.gather(serving, asyncio.to_thread(look_ahead))


async def serve(app: Any, address: str, stop: asyncio.Event, *, name: str) -> None:
    """Serves an ASGI application at `host:port` until `stop`, without a log of who asked for what."""
    import uvicorn

    class Server(uvicorn.Server):
        """A server that leaves signals to us."""

        def capture_signals(self) -> Any:
            return nullcontext()

    with listening(address, name) as opened:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=10
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[opened]))
        log.info("the %s listens on %s", name, address)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving


@contextmanager
def listening(address: str, name: str = "webhook") -> Iterator[socket.socket]:
    """A listening socket at `host:port`, which the setting `NAME.listen` gave. Raises Refused."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    with opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host, int(port)))
        except OSError as error:
            raise Refused(f"{name}.listen {address} cannot be had: {error.strerror}; choose another port") from error
        yield opened
