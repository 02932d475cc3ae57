"""Signatures of webhooks (Standard Webhooks) and the ids that were used: who may hand in, and nothing twice.

Secrets print masked. Knows nothing of what is handed in.
"""

import re
import secrets as randomness
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from almenara.domain.errors import Refused

TOLERANCE_S: Final = 300
MAX_IDS: Final = 100_000
MAX_ID: Final = 256
_PREFIX: Final = "whsec_"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{32,90}={0,2}", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)


class Revealable(Protocol):
    """A secret that prints masked."""

    def reveal(self) -> str:
        """The text itself."""


class Signatures:
    """Checks signatures by source. The library allows five minutes between the sender's clock and ours."""

    def __init__(self, secrets: Mapping[str, Revealable]) -> None:
        """Raises Refused for a secret that is none, without showing it."""
        self._hooks = {source: hook(source, secret) for source, secret in secrets.items()}
        # Checked for unknown sources, so that they take as long and look the same.
        self._decoy = Webhook(randomness.token_bytes(32))

    def __repr__(self) -> str:
        return f"Signatures({', '.join(sorted(self._hooks))}: ***)"

    def holds(self, source: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the body was signed with the source's secret, within five minutes of now."""
        names = {name.lower(): value for name, value in headers.items()}
        sent = names.get("webhook-timestamp", "")
        if not _SECONDS.fullmatch(sent) or not 0 < len(names.get("webhook-id", "")) <= MAX_ID:
            return False
        try:
            self._hooks.get(source, self._decoy).verify(body, names, json_parse=False)
        except (WebhookVerificationError, ValueError, TypeError, OverflowError):
            return False
        return source in self._hooks


class UsedIds:
    """The webhook ids that were used within twice the tolerance; older ones fail by their time stamp.

    Kept in memory: after a restart a replay appends nothing, since events keep their ids.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MAX_IDS) -> None:
        self._clock = clock
        self._most = most
        self._used: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, source: str, webhook_id: str) -> bool:
        """Takes an id; False when it was taken already."""
        with self._lock:
            now = self._clock()
            while self._used and (next(iter(self._used.values())) < now - 2 * TOLERANCE_S):
                self._used.popitem(last=False)
            if (source, webhook_id) in self._used:
                return False
            if len(self._used) >= self._most:
                self._used.popitem(last=False)
            self._used[source, webhook_id] = now
            return True

    def release(self, source: str, webhook_id: str) -> None:
        """Gives an id back: nothing was stored under it, so the sender may try again."""
        with self._lock:
            self._used.pop((source, webhook_id), None)


def hook(source: str, secret: Revealable) -> Webhook:
    """What signs and verifies with a secret (`whsec_` and base 64). Raises Refused, without showing it."""
    text = secret.reveal().strip().removeprefix(_PREFIX)
    if not _BASE64.fullmatch(text):
        raise Refused(f"the webhook secret of '{source}' is not of the form whsec_ and 24 to 64 bytes in base 64")
    try:
        return Webhook(text)
    except (ValueError, EmptyWebhookSecretError, RuntimeError):
        raise Refused(f"the webhook secret of '{source}' is not base 64") from None
