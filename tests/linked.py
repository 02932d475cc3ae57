"""Links of messages in tests: taken from the mails that a sink kept, opened over HTTP without a network."""

import email
import email.message
import email.policy
import html
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from almenara.app.clock import VirtualClock
from almenara.app.console import ConsoleRecord
from almenara.app.intake import DraftIntake
from almenara.app.links import links_key
from almenara.app.publish import publish_jsonl
from almenara.app.settings import Settings
from almenara.app.standalone import Standalone
from almenara.audit.explain import records
from almenara.console.links import Action, LinkTo, sign
from almenara.console.pages import console_app
from almenara.domain.event import Event
from almenara.ports.log import EVENTS, STREAMS
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from cli_calls import DESIGNATION

BASE = "https://alerts.example.org"
_URL = re.compile(r"https?://[^\s\"<>]+/l/[A-Za-z0-9_.-]+")


def mail_of(path: Path) -> email.message.EmailMessage:
    """A mail that a sink kept."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def links_of(path: Path) -> dict[str, str]:
    """The links of a mail's HTML, by label."""
    page = mail_of(path).get_body(("html",)).get_content()
    found = re.findall(r'<a[^>]*href="([^"]+)"[^>]*>([^<]+)</a>', page)
    return {html.unescape(label): html.unescape(url) for url, label in found}


def urls_in(text: str) -> list[str]:
    """Every link in a text."""
    return _URL.findall(text)


@dataclass
class Reading:
    """Somebody with a browser, at the pages of one application."""

    client: TestClient
    base: str = BASE
    seen: list[int] = field(default_factory=list)

    def get(self, url: str, method: str = "GET"):
        """Opens a link."""
        return self.client.request(method, url.removeprefix(self.base))

    def press(self, url: str, **fields: str):
        """Presses the button of a page."""
        return self.client.post(url.removeprefix(self.base), data={"do": "it", **fields})


class Installation:
    """The embedded services with their pages over one store, moved step by step on a virtual clock."""

    def __init__(self, store: Store, config: Path, settings: Settings, at: datetime) -> None:
        self.store, self.settings, self.config = store, settings, config
        self.clock = VirtualClock(at)
        self.parts = Standalone(store, config, settings, self.clock)
        self.parts.start()
        self.record = ConsoleRecord(store)
        self.key = links_key(settings)
        self.reading = Reading(TestClient(console_app(self.key, self.record, self.record, self.clock)))

    def publish(self, **changed: Any) -> None:
        """An event that raises an alert."""
        event = {**DESIGNATION, **changed}
        publish_jsonl(DraftIntake(self.store, self.clock), json.dumps(event).encode(), "test")

    def go(self, minutes: float = 1) -> None:
        """Time passes; everything is folded and sent."""
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))
        self.parts.tick()
        self.parts.pump()
        self.parts.send()

    def lengths(self) -> dict[str, int]:
        """How many records each stream has."""
        return {name: sum(self.store.end(name, n) for n in range(self.store.partitions)) for name in STREAMS}

    def commands(self, type_: str) -> list[Event]:
        """The commands of a type in the record."""
        found = [decode_event(one.body, one.position) for one in records(self.store, EVENTS) if type_ in one.id]
        return [event for event in found if event.type == type_]

    def token(self, action: Action, alert: str = "", **more: Any) -> str:
        """A link that we could have sent."""
        given: dict[str, Any] = {"subscriber": "ana", "via": "mail", "expires": self.clock.now() + timedelta(days=30)}
        return f"/l/{sign(LinkTo(action=action, alert=alert, **(given | more)), self.key)}"
