"""The inbox: what other teams' producers send us, handed on as raw bytes, at least once.

An ordinary FastStream handler at a low rate. Whoever takes the bytes validates, stamps and appends them; a repeat is
dropped there by its id. Knows nothing of events.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from almenara.adapters.kafka.topics import INBOX, PREFIX, topic_of
from almenara.domain.errors import Rejected, Unreachable

GROUP: Final = "almenara.inbox"
_BACKOFF_MAX_S: Final = 5.0

Take = Callable[[bytes], None]

log = logging.getLogger(__name__)


def inbox_broker(bootstrap: str, take: Take, *, prefix: str = PREFIX) -> KafkaBroker:
    """A broker, to be started and stopped, that gives each message's bytes to `take`, in a thread, one at a time.

    `take` may raise Unreachable (it is asked again, until the broker stops) or Rejected (logged and passed over; it
    is for `take` to record the refusal). Only then is the message acknowledged.
    """
    broker = KafkaBroker(
        bootstrap, client_id="almenara-inbox", consumer_only=True, logger=None, apply_types=False, serializer=None
    )
    subscriber = broker.subscriber(
        topic_of(INBOX, prefix),
        group_id=GROUP if prefix == PREFIX else prefix + INBOX,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        parser=_raw,
        decoder=_body,
    )

    async def handle(body: bytes) -> None:
        backoff = 0.1
        while True:
            try:
                await asyncio.to_thread(take, body)
                break
            except Rejected as error:
                log.warning("an item of the inbox is refused: %s", error)
                break
            except Unreachable as error:
                log.warning("the inbox waits %.1f s: %s", backoff, error)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _BACKOFF_MAX_S)
        if subscriber.consumer is not None:
            await subscriber.consumer.commit()

    subscriber(handle)
    return broker


async def _raw(message: Any) -> KafkaMessage:
    return KafkaMessage(raw_message=message, body=message.value or b"", consumer=FAKE_CONSUMER)


async def _body(message: Any) -> Any:
    return message.body
