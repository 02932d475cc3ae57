"""A receiver of signed webhooks (Standard Webhooks), which checks signatures with the library and keeps what is sound.

A second copy of an id is told to the sender as taken, and counted.
"""

import json
from collections.abc import Iterable
from email.message import Message as Headers
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from almenara.adapters.sinks.http import HOST, Answer, HttpSink

__all__ = ["Answer", "HookSink"]


class HookSink(HttpSink):
    """The server; `url()` is where it takes posts signed with `secret`."""

    def __init__(self, folder: Path, secret: str, *, answers: Iterable[Answer] = ()) -> None:
        super().__init__(folder, answers=answers)
        self._webhook = Webhook(secret)
        self.ids: list[str] = []
        self.forged = 0

    def url(self, name: str = "in") -> str:
        """The address of this receiver."""
        return f"http://{HOST}:{self.port}/hooks/{name}"

    def usual(self, path: str, headers: Headers, body: bytes, *, keep: bool) -> Answer:
        """204 for what is signed, 401 for what is not."""
        try:
            self._webhook.verify(body, dict(headers.items()), json_parse=False)
        except (WebhookVerificationError, ValueError):
            self.forged += 1
            return Answer(status=401)
        uid = str(headers["webhook-id"])
        self.ids.append(uid)
        if keep:
            self.keep({"path": path, "id": uid, "payload": json.loads(body)})
        return Answer(status=204)
