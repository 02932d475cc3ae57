"""A small endpoint that speaks as Slack does: incoming webhooks, and the two calls of the API that a bot needs.

Keeps every post as a line of JSON, without the token it came with.
"""

import json
from collections.abc import Iterable
from email.message import Message as Headers
from pathlib import Path
from typing import Any, Final

from almenara.adapters.sinks.http import FILE, HOST, Answer, HttpSink

__all__ = ["FILE", "HOST", "TOKEN", "Answer", "SlackSink"]

TOKEN: Final = "xoxb-made-up-token"  # noqa: S105 - of nobody
_HOOKS: Final = "/services/"
_POST: Final = "/api/chat.postMessage"
_UPDATE: Final = "/api/chat.update"


class SlackSink(HttpSink):
    """The server; `url()` is a webhook of it, `api()` its API.

    `token` is the bot's; `revoked` and `archived` (channels) may be changed at any time.
    """

    def __init__(self, folder: Path, *, answers: Iterable[Answer] = (), token: str = TOKEN) -> None:
        super().__init__(folder, answers=answers)
        self._token = token
        self._shown: dict[tuple[str, str], dict[str, Any]] = {}
        self.revoked = False
        self.archived: set[str] = set()

    def url(self, name: str = "SINK") -> str:
        """A webhook URL of this endpoint."""
        return f"http://{HOST}:{self.port}/services/T{name}/B{name}/{name}"

    def api(self) -> str:
        """The address of its API."""
        return f"http://{HOST}:{self.port}/api"

    def shown(self, channel: str) -> list[dict[str, Any]]:
        """The posts of a channel as people see them: edits applied, in the order in which they were first posted."""
        with self._lock:
            return [{"ts": ts, **post} for (where, ts), post in self._shown.items() if where == channel]

    def usual(self, path: str, headers: Headers, body: bytes, *, keep: bool) -> Answer:
        """As Slack answers a sound post, a bad token, an archived channel, a post that is not there."""
        post = _parsed(body)
        if path in (_POST, _UPDATE):
            error = self._error(path, headers, post or {})
            if error or not keep or post is None:
                return _said(ok=not error, error=error or None)
            return self._shown_now(path, post)
        if post is None or not path.startswith(_HOOKS):
            return Answer(status=400 if post is None else 404, body="invalid_payload" if post is None else "no_service")
        if keep:
            self.keep({"path": path, "payload": post})
        return Answer(body="ok")

    def _error(self, path: str, headers: Headers, post: dict[str, Any]) -> str:
        channel = str(post.get("channel", ""))
        if headers.get("Authorization") != f"Bearer {self._token}":
            return "invalid_auth"
        if self.revoked:
            return "token_revoked"
        if not channel.startswith("C"):
            return "channel_not_found"
        if channel in self.archived:
            return "is_archived"
        if path == _UPDATE and (channel, str(post.get("ts"))) not in self._shown:
            return "message_not_found"
        return "" if post.get("text") or post.get("blocks") else "no_text"

    def _shown_now(self, path: str, post: dict[str, Any]) -> Answer:
        channel = str(post["channel"])
        ts = str(post["ts"]) if path == _UPDATE else f"1767700000.{len(self._shown):06}"
        self._shown[channel, ts] = {**self._shown.get((channel, ts), {}), **post}
        self.keep({"path": path, "payload": post, "ts": ts})
        return _said(ok=True, channel=channel, ts=ts)


def _said(**fields: Any) -> Answer:
    given = {name: value for name, value in fields.items() if value is not None}
    return Answer(body=json.dumps(given), headers={"Content-Type": "application/json; charset=utf-8"})


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        post = json.loads(body)
    except ValueError:
        return None
    return post if isinstance(post, dict) and ("text" in post or "blocks" in post) else None
