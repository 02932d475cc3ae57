"""Slack incoming webhooks: Apprise's Slack plugin with our own blocks and with the answer of the server kept.

Knows HTTP and nothing of alerts. A fresh plugin per delivery; the webhook's URL never gets into a detail or a log.
"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json import dumps
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from apprise.exception import AppriseException
from apprise.plugins.slack import NotifySlack
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from almenara.adapters.apprise.outcome import slack_outcome
from almenara.adapters.apprise.quiet import asset, hush
from almenara.adapters.apprise.slack_payload import payload
from almenara.domain.message import Message
from almenara.ports.channel import Outcome, OutcomeKind

HOSTS: Final = ("hooks.slack.com", "hooks.slack-gov.com")
LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
_PATH: Final = re.compile(r"/services/([A-Za-z0-9]{1,64})/([A-Za-z0-9]{1,64})/([A-Za-z0-9]{1,128})", re.ASCII)
_PRINTED: Final = re.compile(r"[!-~]{1,500}", re.ASCII)
_ANSWER_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How Slack is reached. `timeout_s` holds for connecting and for each wait for an answer (seconds)."""

    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class SlackWebhook:
    """One incoming webhook, taken apart: where it is, and its three tokens."""

    base: str
    local: bool
    tokens: tuple[str, str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> "SlackWebhook | None":
        """The webhook of an URL; None when it is none, or is neither at Slack nor on this machine."""
        if not _PRINTED.fullmatch(url):  # urlsplit would drop line breaks and tabs
            return None
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        path = _PATH.fullmatch(parts.path)
        local = parts.scheme in ("http", "https") and host in LOCAL_HOSTS
        known = local or (parts.scheme == "https" and host in HOSTS and port in (None, 443))
        if path is None or not known or parts.username is not None or parts.query or parts.fragment:
            return None
        where = f"[{host}]" if ":" in host else host
        return cls(
            base=f"{parts.scheme}://{where}{f':{port}' if port else ''}/services",
            local=local,
            tokens=(path.group(1), path.group(2), path.group(3)),
        )


class SlackChannel:
    """Posts a message to an incoming webhook; the address is the webhook's URL."""

    def __init__(self, settings: SlackSettings | None = None) -> None:
        hush()
        self._settings = settings or SlackSettings()

    def __repr__(self) -> str:
        return "SlackChannel()"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. `ok` with status 200 is delivered; what was sent and not answered is unknown."""
        webhook = SlackWebhook.of(address)
        if webhook is None:
            return Outcome(OutcomeKind.REJECTED_PERMANENT, "not a Slack webhook", for_all=True)
        try:
            plugin = OutcomePlugin(webhook, payload(message, anew=True), self._settings.timeout_s)
        except AppriseException:
            # no cause is kept: it quotes the tokens
            return Outcome(OutcomeKind.REJECTED_PERMANENT, "not a Slack webhook", for_all=True)
        plugin.send(body=message.headline)  # type: ignore[no-untyped-call]
        return plugin.outcome


class OutcomePlugin(NotifySlack):  # type: ignore[no-untyped-call]
    """Apprise's Slack plugin, posting one finished payload and keeping what came of it."""

    request_rate_per_sec = 0  # the pace is the notifier's to keep

    def __init__(self, webhook: SlackWebhook, body: dict[str, Any], timeout_s: float) -> None:
        first, second, third = webhook.tokens
        super().__init__(  # type: ignore[no-untyped-call]
            token_a=first, token_b=second, token_c=third, include_image=False, asset=asset()
        )
        self.webhook_url = webhook.base
        self._timeout_s = timeout_s
        self.outcome = Outcome(OutcomeKind.RETRY_AFTER, "not attempted")
        self._local = webhook.local
        self._body = body

    def __str__(self) -> str:
        return "OutcomePlugin(slack)"

    def _send(self, url: str, *args: Any, **kwargs: Any) -> Any:
        """The request itself, in place of Apprise's own: that one logs the URL and forgets the answer."""
        try:
            with requests.Session() as session:
                session.trust_env = not self._local  # no proxy stands between us and this machine
                self.outcome = self._post(session, url)
        except requests.RequestException as error:
            self.outcome = _broken(error)
        return {"ok": True} if self.outcome.kind == OutcomeKind.DELIVERED else False

    def _post(self, session: requests.Session, url: str) -> Outcome:
        with session.post(
            url,
            data=dumps(self._body).encode(),
            headers={"User-Agent": self.app_id, "Content-Type": "application/json; charset=utf-8"},
            timeout=self._timeout_s,
            allow_redirects=False,
            stream=True,
        ) as answer:
            said = next(answer.iter_content(_ANSWER_BYTES), b"")
            return slack_outcome(answer.status_code, said, answer.headers.get("Retry-After", ""), datetime.now(UTC))


def _broken(error: requests.RequestException) -> Outcome:
    """A request that got no answer: unknown, unless it is sure that the connection was never made."""
    never = any(isinstance(cause, _NEVER_SENT) for cause in _causes(error))
    how = "timed out" if isinstance(error, requests.Timeout) else f"broke off ({type(error).__name__})"
    if never:
        return Outcome(OutcomeKind.RETRY_AFTER, f"slack not reached, {how}", down=True)
    return Outcome(OutcomeKind.UNKNOWN, f"slack {how}", down=True)


_NEVER_SENT: Final = (ConnectTimeoutError, NewConnectionError, ssl.SSLCertVerificationError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is inside it: requests and urllib3 wrap one another in arguments and reasons."""
    waiting: list[BaseException] = [error]
    for _ in range(10):
        if not waiting:
            return
        found = waiting.pop()
        yield found
        inside = (*found.args, getattr(found, "reason", None), found.__cause__)
        waiting += [one for one in inside if isinstance(one, BaseException)]
