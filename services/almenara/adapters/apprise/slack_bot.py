"""Slack by a bot's token: an update edits the first post of the alert and says what changed in its thread.

By a small client of our own, not by Apprise's bot mode: that one cannot edit a post, forgets the answer (and with it
the `ts` that edits and threads need), takes any body with "OK" in it for a success, and ignores Retry-After.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from almenara.adapters.apprise.outcome import WORD
from almenara.adapters.apprise.slack_payload import payload, reply
from almenara.domain.message import Message
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.post import Answer, Post, retry_after_s

API: Final = "https://slack.com/api"
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,30}", re.ASCII)
_TS: Final = re.compile(r"[0-9]{1,15}\.[0-9]{1,9}", re.ASCII)

_TOKEN: Final = frozenset(
    {
        "token_revoked",
        "token_expired",
        "account_inactive",
        "invalid_auth",
        "not_authed",
        "missing_scope",
        "no_permission",
        "org_login_required",
        "ekm_access_denied",
        "access_denied",
        "not_allowed_token_type",
        "team_access_not_granted",
        "enterprise_is_restricted",
        "two_factor_setup_required",
    }
)
_CHANNEL_OR_POST: Final = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "is_inactive",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_non_threadable_channel",
        "channel_type_not_supported",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_LATER: Final = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout"})
_NOBODY_KNOWS: Final = frozenset({"fatal_error", "internal_error"})
_NO_LONGER: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "update_failed"})


class Revealable(Protocol):
    """A secret that prints masked."""

    def reveal(self) -> str:
        """The text itself."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What Slack said to one call: `error` is empty when it went well, `ts` then names the post."""

    outcome: Outcome
    error: str = ""
    ts: str = ""


class SlackBotChannel:
    """Posts a message to a channel of Slack; the address is the channel's id (`C0...`)."""

    def __init__(
        self, token: Revealable, post: Post, *, api: str = API, now: Callable[[], datetime] | None = None
    ) -> None:
        self._token = token
        self._post = post
        self._api = api.rstrip("/")
        self._now = now or (lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return "SlackBotChannel()"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. `"ok": true` with a `ts` is delivered; what was sent and not answered is unknown."""
        if not _CHANNEL.fullmatch(address):
            return Outcome(OutcomeKind.REJECTED_PERMANENT, "not a Slack channel id")
        if message.updates and _TS.fullmatch(message.handle):
            edited = self._edit(message, address)
            if edited.outcome.kind == OutcomeKind.DELIVERED:
                return self._reply(message, address)
            if edited.error not in _NO_LONGER:
                return edited.outcome
        return self._new(message, address)

    def _new(self, message: Message, channel: str) -> Outcome:
        said = self._call("chat.postMessage", {"channel": channel, **payload(message, anew=True)})
        return replace(said.outcome, handle=said.ts, receipt=said.ts)

    def _reply(self, message: Message, channel: str) -> Outcome:
        said = self._call("chat.postMessage", {"channel": channel, "thread_ts": message.handle, **reply(message)})
        return replace(said.outcome, receipt=said.ts)

    def _edit(self, message: Message, channel: str) -> _Said:
        # the mark belongs to what may come twice: the post in the thread
        shown = payload(replace(message, mark=""))
        said = self._call("chat.update", {"channel": channel, "ts": message.handle, **shown})
        if said.outcome.kind != OutcomeKind.UNKNOWN:
            return said
        # Edited twice is edited once, and nothing was posted yet: what comes next is no second copy.
        return replace(said, outcome=replace(said.outcome, kind=OutcomeKind.RETRY_AFTER))

    def _call(self, method: str, arguments: dict[str, Any]) -> _Said:
        headers = {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Content-Type": "application/json; charset=utf-8",
        }
        answer = self._post.post(f"{self._api}/{method}", json.dumps(arguments).encode(), headers)
        return _said(answer, method, self._now())


def _said(answer: Answer, method: str, now: datetime) -> _Said:
    """What an answer of Slack's API means. Success is `"ok": true` and a `ts`, and nothing else."""
    if answer.broken:
        kind = OutcomeKind.UNKNOWN if answer.sent else OutcomeKind.RETRY_AFTER
        return _Said(Outcome(kind, f"slack {answer.broken} at {method}", down=True))
    body = _json(answer.body)
    ok, error, ts = body.get("ok"), str(body.get("error", "")), str(body.get("ts", ""))
    error = error if WORD.fullmatch(error) else ""
    detail = f"slack {answer.status}{f' {error}' if error else ''} at {method}"
    if answer.status == 200 and ok is True and _TS.fullmatch(ts):
        return _Said(Outcome(OutcomeKind.DELIVERED, f"slack {answer.status}"), ts=ts)
    return _Said(_failed(answer, error if ok is False else "", detail, now), error)


def _failed(answer: Answer, error: str, detail: str, now: datetime) -> Outcome:
    if answer.status == 429 or error in _LATER:
        wait_s = retry_after_s(answer.retry_after, now)
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s)
    if error in _TOKEN:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail, for_all=True)
    if error in _CHANNEL_OR_POST:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail)
    if error and error not in _NOBODY_KNOWS:
        return Outcome(OutcomeKind.RETRY_AFTER, detail)  # a clear no, for a reason that may pass
    if answer.status == 503 or 300 <= answer.status < 500:
        wait_s = retry_after_s(answer.retry_after, now)
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s, down=True)
    return Outcome(OutcomeKind.UNKNOWN, detail, down=True)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
