"""`channels:` of subscribers.yaml: the ways that messages go, each with its address or token; and what is wrong there.

Mail is no channel of the file: it goes by `mail.*` of the settings. Knows nothing of subscribers or of sending.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from almenara.app.fields import Section, Tlp
from almenara.app.secrets import Secret
from almenara.app.settings import Settings
from almenara.app.validation import Origins
from almenara.domain.errors import Fault
from almenara.domain.notice import HEARTBEAT

MAIL: Final = "mail"
SLACK: Final = "slack"
WEBHOOK: Final = "webhook"
APPRISE: Final = "apprise"
KINDS: Final = (SLACK, WEBHOOK, APPRISE)
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_HOOKS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_APIS: Final = frozenset({"slack.com", "slack-gov.com"})
_SIGNING: Final = re.compile(r"(whsec_)?[A-Za-z0-9+/]{32,90}={0,2}", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]{1,500}", re.ASCII)
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    SLACK: ("url", "token", "api"),
    WEBHOOK: ("url", "secret"),
    APPRISE: ("url",),
}


class Channel(Section):
    """One channel. Which keys it has depends on its kind; `faults_of` tells. `tlp`: the most confidential for it."""

    kind: Literal["slack", "webhook", "apprise"]
    url: Secret | None = None
    token: Secret | None = None
    api: str = ""
    secret: Secret | None = None
    tlp: Tlp = "RED"

    @property
    def by_token(self) -> bool:
        """Whether it is Slack's bot: then each subscriber names a channel of Slack."""
        return self.token is not None


def faults_of(channels: Mapping[str, Any], settings: Settings, origins: Origins) -> Iterator[Fault]:
    """What is wrong in the channels beyond their types; found in the raw data, so that all faults show at once."""
    if MAIL in channels:
        cure = "set mail.* in almenara.yaml; a subscriber's `mail` goes by it"
        yield origins.fault(("channels", MAIL), "mail is no channel of its own", cure)
    if HEARTBEAT in channels:
        yield origins.fault(("channels", HEARTBEAT), "this name is taken by the beacon", "rename it")
    for name, one in channels.items():
        kind = one.get("kind") if isinstance(one, dict) else None
        if kind not in KINDS:
            continue  # the types tell
        path = ("channels", name)
        for key in sorted(one.keys() & {"url", "token", "api", "secret"} - set(_KEYS[kind])):
            yield origins.fault((*path, key), f"a channel of kind {kind} has no {key}", "remove it")
        for key, what, cure in _checks(kind, one, settings):
            if (*path, key) not in origins.missing:
                yield origins.fault((*path, key) if key in one else path, what, cure)


def _checks(kind: str, one: dict[str, Any], settings: Settings) -> Iterable[tuple[str, str, str]]:
    """The key, what is wrong and the cure, for each text of a channel that is not as it should be."""
    texts = {key: one[key] for key in _KEYS[kind] if isinstance(one.get(key), str)}
    if kind == SLACK:
        yield from _slack(one, texts)
    elif "url" not in one:
        yield "url", "'url' is missing", "add it"
    if kind == WEBHOOK:
        if "url" in texts and not _web(texts["url"]):
            yield "url", "not a web address", "write https://..."
        if "secret" not in one or ("secret" in texts and not _SIGNING.fullmatch(texts["secret"])):
            cure = "make one: echo whsec_$(openssl rand -base64 32)"
            yield "secret", "'secret' should be whsec_ and 24 to 64 bytes in base 64", cure
    if kind == APPRISE and "url" in texts:
        yield from _apprise(texts["url"], settings)


def _slack(one: dict[str, Any], texts: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    if ("url" in one) == ("token" in one):
        yield "url", "Slack needs a url or a token, and not both", "an incoming webhook has a url, a bot has a token"
    if "url" in texts and not at_slack(texts["url"], _HOOKS):
        cure = "write https://hooks.slack.com/services/... (or http:// to this machine, for a test)"
        yield "url", "not a Slack webhook URL", cure
    if "token" in texts and not _TOKEN.fullmatch(texts["token"]):
        yield "token", "not a token", "copy the bot's token (xoxb-...) from Slack"
    if "api" in texts and not at_slack(texts["api"], _APIS):
        yield "api", "not an address of Slack's API", "remove it, or write https://slack-gov.com/api"


def _apprise(url: str, settings: Settings) -> Iterator[tuple[str, str, str]]:
    schema = url.partition("://")[0]
    allowed = settings.channels.apprise_schemas
    if "://" not in url or not re.fullmatch(r"[a-z][a-z0-9]{1,19}", schema):
        yield "url", "not an Apprise URL", "write SCHEMA://..., one URL"
    elif schema not in allowed:
        cure = f"add it to channels.apprise_schemas in almenara.yaml (now: {', '.join(allowed) or 'none'})"
        yield "url", "its schema is not allowed", cure


def at_slack(text: str, hosts: frozenset[str]) -> bool:
    """Whether a URL leads to one of Slack's hosts, or to this machine."""
    try:
        url = urlsplit(text)
        secure, local = url.scheme == "https", url.scheme == "http" and url.hostname in LOCAL_HOSTS
        known = local or (secure and url.hostname in hosts and url.port in (None, 443))
    except ValueError:
        return False
    return known and url.username is None and not any(c.isspace() for c in text)


def _web(text: str) -> bool:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname) and url.username is None and text.isprintable()
