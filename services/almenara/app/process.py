"""One process: the choice of what it runs, by the mode. What is not run is not imported, so that a start is quick."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from almenara.app.heap import quiet_heap
from almenara.app.settings import Settings
from almenara.domain.errors import Refused

ALL: Final = "all"
CONSOLE: Final = "console"
DISTRIBUTED: Final = ("ingest", "rules", "notifier", "ticker", CONSOLE)
_THREADS: Final = 24


def run(service: str, settings: Settings, config_dir: Path) -> None:
    """Runs one service, or all in the embedded mode, until SIGTERM or SIGINT.

    Raises Refused when the service is none of the mode's, Faulty and Unreachable when it cannot start.
    """
    if service == CONSOLE and not settings.console.listen:
        raise Refused("console.listen is not set; set it to host:port, such as 127.0.0.1:8402")
    if settings.mode == "embedded" and service not in (ALL, CONSOLE):
        raise Refused(
            f"`run {service}` is a service of the distributed mode; the embedded mode runs everything: `run all`"
        )
    if settings.mode == "distributed" and service == ALL:
        raise Refused(f"the distributed mode runs each service by itself: `run {'`, `run '.join(DISTRIBUTED)}`")
    asyncio.run(_main(service, settings, config_dir))


async def _main(service: str, settings: Settings, config_dir: Path) -> None:
    # Sends and fetches wait for the network in threads; the log must never wait for a thread because of them.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="almenara"))
    if service == ALL:
        from almenara.app.standalone import run_all

        with quiet_heap():
            await run_all(settings, config_dir)
    elif settings.mode == "embedded":
        from almenara.app.services import run_console_alone

        await run_console_alone(settings)
    else:
        from almenara.app.services import run_service

        with quiet_heap():
            await run_service(service, settings, config_dir)
