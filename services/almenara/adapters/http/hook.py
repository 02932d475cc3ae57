"""The signed webhook that goes out (Standard Webhooks): a message as JSON, signed, its id the same at every attempt.

A receiver drops a second copy by `webhook-id`, which is the delivery's id. Knows nothing of alerts.
"""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

from almenara.adapters.http.signatures import Revealable, hook
from almenara.domain.message import Message, Paragraph
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.post import Answer, Post, retry_after_s

TYPE: Final = "alert.message"
_GONE: Final = 410
_LATER: Final = (429, 503)
_LEFT_OUT: Final = frozenset({"dot", "handle", "links", "unsubscribe"})
"""A look, what is between us and other channels, and what lets its holder act: here the reader is a program."""
_TOLD: Final = tuple(field.name for field in fields(Message) if field.name not in _LEFT_OUT)
_PARAGRAPH: Final = tuple(field.name for field in fields(Paragraph))
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


class HookChannel:
    """Posts a message to a webhook; the address is its URL."""

    def __init__(self, name: str, secret: Revealable, post: Post, *, now: Callable[[], datetime] | None = None) -> None:
        """`name` is the channel's, for the fault of a bad secret. Raises Refused."""
        self._hook = hook(name, secret)
        self._name = name
        self._post = post
        self._now = now or (lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return f"HookChannel({self._name})"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. 2xx is delivered, 410 refused for good; what was sent and not answered is unknown."""
        text = _ENCODER.encode({"type": TYPE, "data": body_of(message)})
        now = self._now().astimezone(UTC)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._hook.sign(message.id, now, text),
        }
        return hook_outcome(self._post.post(address, text.encode(), headers), now)


def body_of(message: Message) -> dict[str, Any]:
    """The `data` of the body: the message, field by field, with `update` saying whether it follows another."""
    told = _as_dict(message, _TOLD)
    told["paragraphs"] = [_as_dict(one, _PARAGRAPH) for one in message.paragraphs]
    told["update"] = message.updates
    return told


def _as_dict(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    # `dataclasses.asdict` copies every text deeply, and takes as long as the rest of the message
    return {name: getattr(value, name) for name in names}


def hook_outcome(answer: Answer, now: datetime) -> Outcome:
    """What an answer of a webhook means."""
    if answer.broken:
        kind = OutcomeKind.UNKNOWN if answer.sent else OutcomeKind.RETRY_AFTER
        if answer.refused:
            return Outcome(OutcomeKind.REJECTED_PERMANENT, f"webhook {answer.broken}", for_all=True)
        return Outcome(kind, f"webhook {answer.broken}", down=True)
    detail = f"webhook {answer.status}"
    if 200 <= answer.status < 300:
        return Outcome(OutcomeKind.DELIVERED, detail)
    if answer.status == _GONE:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail, for_all=True)
    if answer.status in _LATER:
        wait_s = retry_after_s(answer.retry_after, now)
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s, down=answer.status != _LATER[0])
    # after a fault of its own nobody knows whether it took the message; any other answer is a no
    kind = OutcomeKind.UNKNOWN if answer.status >= 500 else OutcomeKind.RETRY_AFTER
    return Outcome(kind, detail, down=True)
