"""Alerts as the notifier meets them, the same in every run, and as Prometheus Alertmanager takes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from almenara.domain.alert import Alert, AlertChanged, Change, Evidence, Reason, State
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.event import AUDIENCE, Event
from almenara.domain.ids import cite
from almenara.ports.log import ALERTS, Entry
from almenara.ports.store import Store
from almenara.ports.wire import encode, encode_event

START: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANNEL: Final = "hook"
_RULE: Final = "named_in_a_designation"
_COUNTRIES: Final = ("PER", "CHL", "BOL", "ECU", "COL", "ARG")
_TITLE: Final = {
    "en": "Company {n} of the port of Chancay was named in a designation by the ministry of trade",
    "es": "La empresa {n} del puerto de Chancay fue nombrada en una designación del ministerio de comercio",
}
_SUMMARY: Final = {
    "en": "the ministry of trade designated company {n}, which runs a terminal in the port of Chancay, with two of its "
    "officers, for deliveries of which the customs register holds no entry",
    "es": "el ministerio de comercio designó a la empresa {n}, que opera un terminal en el puerto de Chancay, con dos "
    "de sus directivos, por entregas de las que el registro de aduanas no tiene anotación",
}


def announced(store: Store) -> None:
    """One subscriber who wants everything, by the webhook: told to every partition."""
    target = Target(kind="webhook", via=CHANNEL, address_hash="00")
    who = Subscriber(id="desk", wants=(Want(),), targets=(target,), language="en", tlp="RED")
    digest = store.put(encode(Audience(subscribers=(who,))))
    entries = []
    for partition in range(store.partitions):
        event = Event(
            id=f"audience/{partition}", source="bench", type=AUDIENCE, time=START, recorded=START, country="ZZZ",
            data={"hash": digest},
        )  # fmt: skip
        entries.append(Entry(ALERTS, "", event.id, encode_event(event), partition))
    store.append(entries)


def name_of(number: int) -> str:
    """By which an alert is known at the receiver."""
    return cite(f"bench-{number}")


def raised(number: int) -> Entry:
    """A record of `alerts`: one more alert, of one event."""
    at = START + timedelta(seconds=number)
    event = Evidence(
        id=f"e-{number}",
        position=f"events/0/{number + 1}",
        type="designation.made",
        source="timeline/bench",
        time=at,
        recorded=at,
        data={"summary": _with(_SUMMARY, number), "sources": [{"name": "gazette.example.org", "grade": "A"}]},
    )
    alert = Alert(
        uid=f"bench-{number}",
        cite=name_of(number),
        rule=_RULE,
        rule_version=1,
        level="high",
        country=_country(number),
        countries={"key": (_country(number),)},
        key={"name": f"company {number}"},
        state=State.OPEN,
        title=_with(_TITLE, number),
        raised_at=at,
        updated_at=at,
        events=(event,),
        event_count=1,
    )
    changed = AlertChanged(
        id=f"c-{number}", change=Change.RAISED, reason=Reason.DETECTED, at=at, cause=event.position, by="", alert=alert
    )
    return Entry(ALERTS, alert.country, changed.id, encode(changed))


def for_alertmanager(numbers: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    """The same alerts as the body of `POST /api/v2/alerts`: labels that tell them apart, and the same texts."""
    return [
        {
            "labels": {
                "alertname": _RULE,
                "cite": name_of(number),
                "severity": "high",
                "country": _country(number),
                "company": f"company {number}",
            },
            "annotations": {
                "summary": _with(_TITLE, number)["en"],
                "description": _with(_SUMMARY, number)["en"],
                "source": "gazette.example.org",
            },
            "startsAt": at.isoformat(),
        }
        for number in numbers
    ]


def _country(number: int) -> str:
    return _COUNTRIES[number % len(_COUNTRIES)]


def _with(texts: dict[str, str], number: int) -> dict[str, str]:
    return {language: text.format(n=number) for language, text in texts.items()}
