"""A sender alone, over a database that others fill: takes what is due, sends it, records it, until it is ended.

sender_main.py DATABASE_URL SMTP_PORT SLACK_URL CLAIM_S
"""

import asyncio
import signal
import sys
from datetime import timedelta

from almenara.adapters.apprise import MailChannel, MailSettings, SlackChannel
from almenara.adapters.sql.store import SqlStore
from almenara.app.channels import Ways
from almenara.app.clock import SystemClock
from almenara.app.sending import run_sender
from almenara.app.settings import Settings
from almenara.notifier.send import Sender
from almenara.ports.channel import Channel


class Known(Ways):
    """Addresses that are known from the start: this process is given none of the configuration."""

    @property
    def ready(self) -> bool:
        return True


async def main(url: str, smtp_port: int, slack_url: str, claim_s: float) -> None:
    mail = MailSettings(host="127.0.0.1", port=smtp_port, security="none", sender="Almenara <almenara@example.org>")
    channels: dict[str, Channel] = {"mail": MailChannel(mail), "desk": SlackChannel()}

    def address(subscriber: str, via: str, address_hash: str) -> str:
        return slack_url if via == "desk" else f"{subscriber}@example.org"

    sender = Sender(SqlStore(url), channels, address, SystemClock(), claim_for=timedelta(seconds=claim_s))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("sending", flush=True)
    await run_sender(sender, Known(Settings()), stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
