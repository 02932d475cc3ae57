"""One service process of the distributed mode, to be started, killed and put to sleep by a test.

    python processor_main.py worker --factory counting:Counting --database URL --bootstrap HOST:PORT --prefix p. ...
    python processor_main.py relay --writes events ...

The processor is made by calling `module:name` without arguments. Prints `ready` when it has started; SIGTERM stops it;
exit code 4 when a dependency cannot be reached.
"""

import argparse
import asyncio
import importlib
import logging
import signal
import sys
from typing import Any

from almenara.adapters.kafka.holding import Patience
from almenara.adapters.kafka.subscriber import Consuming
from almenara.adapters.sql.store import SqlStore
from almenara.app.distributed import Distributed, run_processor, run_relays
from almenara.domain.errors import Unreachable


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["worker", "relay"])
    parser.add_argument("--factory", default="counting:Counting")
    parser.add_argument("--database", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--writes", default="")
    parser.add_argument("--session-ms", type=int, default=6000)
    parser.add_argument("--takeover", type=float, default=1.0)
    parser.add_argument("--snapshot-every", type=int, default=700)
    parser.add_argument("--patience", type=float, default=30.0)
    return parser.parse_args()


def made(factory: str) -> Any:
    module, name = factory.split(":")
    return getattr(importlib.import_module(module), name)()


async def run(args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = SqlStore(args.database, args.partitions)
    consuming = Consuming(
        prefix=args.prefix,
        session_timeout_ms=args.session_ms,
        heartbeat_interval_ms=args.session_ms // 5,
        patience=Patience(unreachable_s=args.patience, fenced_s=args.session_ms / 1000),
    )
    how = Distributed(
        writes=tuple(filter(None, args.writes.split(","))),
        consuming=consuming,
        takeover_s=args.takeover,
        snapshot_every=args.snapshot_every,
    )
    print("ready", flush=True)
    try:
        if args.role == "relay":
            await run_relays(store, args.bootstrap, partitions=args.partitions, stop=stop, how=how)
        else:
            processor = made(args.factory)
            await run_processor(processor, store, args.bootstrap, partitions=args.partitions, stop=stop, how=how)
    finally:
        store.close()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    logging.getLogger("kafka").setLevel(logging.ERROR)
    try:
        asyncio.run(run(arguments()))
    except Unreachable as error:
        print(f"unreachable: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
