"""Alerts, notices and messages that tests tell: the meeting of the Peru case, and made-up ones of Almoria."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from almenara.domain.alert import Alert, AlertChanged, Change, Evidence, Matched, Reading, Reason, Search, State
from almenara.domain.message import Message, Paragraph
from almenara.domain.notice import Decision, DigestNotice, Notice, SilentSource


def at(text: str) -> datetime:
    """A UTC moment of `2026-01-12 07:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def evidence(type_: str = "meeting.held", data: Mapping[str, Any] | None = None, **more: Any) -> Evidence:
    """One event of an alert; by default on 3 March 2030, known on the 4th."""
    given: dict[str, Any] = {
        "id": "e-1",
        "position": "events/1/17",
        "type": type_,
        "source": "timeline/almoria",
        "time": at("2030-03-03 15:00"),
        "recorded": at("2030-03-04 09:00"),
        "data": data or {},
    }
    return Evidence(**(given | more))


MEETING_DATA: Mapping[str, Any] = {
    "official": {"id": "p-jeri", "name": "José Jerí", "office": "president"},
    "counterpart": {"id": "p-yang", "name": "Zhihua Yang"},
    "place": {"en": "a closed restaurant in San Borja, Lima", "es": "un restaurante cerrado de San Borja, Lima"},
    "summary": {
        "en": "President José Jerí met the businessman Zhihua Yang at night in a closed restaurant in San Borja, Lima",
        "es": "el presidente José Jerí se reunió de noche con el empresario Zhihua Yang en San Borja, Lima",
    },
    "sources": [{"name": "elcomercio.pe", "grade": "F"}, {"name": "jurist.org", "grade": "F"}],
    "differences": {
        "en": ['One says "two days before" 29 Dec', "One says San Luis"],
        "es": ["Una dice «dos días antes» del 29 dic", "Una dice San Luis"],
    },
    "countries": {"actor": ["PER"], "affected": ["PER"], "target": ["CHN"]},
}


def meeting() -> Evidence:
    """The meeting of 26 December 2025, known only to the day, first told on 11 January 2026."""
    return evidence(
        data=MEETING_DATA,
        time=at("2025-12-26 05:00"),
        until=at("2025-12-27 05:00"),
        recorded=at("2026-01-11 17:00"),
        source="timeline/peru",
    )


def visit(day: str, hour: str = "14:20", **more: Any) -> Evidence:
    """An entry of the same visitor in the register."""
    data = {"host": {"name": "José Jerí"}, "visitor": {"name": "Zhihua Yang"}, "register": {"id": "pe_palace_visits"}}
    return evidence("meeting.registered", data, id=f"r-{day}", time=at(f"{day} {hour}"), **more)


def absence(**more: Any) -> Alert:
    """No register entry found for the meeting, both registers read."""
    readings = tuple(
        Reading(
            source=source,
            outcome="new",
            covers_from=at("2025-12-01 00:00"),
            covers_until=at("2026-01-10 00:00"),
            recorded=at("2026-01-12 05:30"),
            rows=rows,
            position=f"events/1/{rows}",
        )
        for source, rows in (("pe_palace_visits", 212), ("pe_president_agenda", -1))
    )
    search = Search(
        start=at("2025-12-25 17:00"),
        end=at("2025-12-28 17:00"),
        coverage=("pe_palace_visits", "pe_president_agenda"),
        readings=readings,
        nearest=(visit("2025-12-29"), visit("2026-01-05", "15:08")),
    )
    entry = {"id": "p-yang", "name": "Zhihua Yang", "link": "private", "basis": "press: Chinese businessman"}
    given: dict[str, Any] = {
        "uid": "u1",
        "cite": "ALM-4K7Q-9XTD",
        "rule": "unregistered_meeting",
        "rule_version": 3,
        "level": "high",
        "country": "PER",
        "countries": {"key": ("PER",), "actor": ("PER",), "target": ("CHN",)},
        "key": {"official": "p-jeri", "contact": "p-yang"},
        "state": State.OPEN,
        "title": {
            "en": "No register entry found for a reported meeting: José Jerí – Zhihua Yang, 26 Dec 2025",
            "es": "Sin registro hallado de una reunión informada: José Jerí – Zhihua Yang, 26 dic 2025",
        },
        "raised_at": at("2026-01-12 07:00"),
        "updated_at": at("2026-01-12 07:00"),
        "events": (meeting(),),
        "matched": (Matched(field="counterpart.id", value="p-yang", watchlist="cn_contacts", entry=entry),),
        "search": search,
    }
    return Alert(**(given | more))


def other(type_: str, data: Mapping[str, Any], title: str = "Something happened", **more: Any) -> Alert:
    """An alert on one event of another type, of Almoria."""
    given: dict[str, Any] = {
        "country": "XAL",
        "countries": {"key": ("XAL",)},
        "title": {"en": title, "es": title},
        "events": (evidence(type_, data),),
        "matched": (),
        "search": None,
        "rule": "some_rule",
    }
    return replace(absence(), **(given | more))


def notice(alert: Alert, change: Change = Change.RAISED, reason: Reason = Reason.DETECTED, **more: Any) -> Notice:
    """The notice of a change to one subscriber; keyword arguments of AlertChanged (joined, by, note) go there."""
    own = {key: more.pop(key) for key in ("joined", "by", "note") if key in more}
    when = more.pop("at_", alert.updated_at)
    changed = AlertChanged(id="c1", change=change, reason=reason, at=when, cause="events/1/20", alert=alert, **own)
    given: dict[str, Any] = {
        "id": "n1",
        "subscriber": "ana",
        "decision": Decision.PLANNED,
        "changed": changed,
        "at": alert.updated_at,
        "due": alert.updated_at,
        "delivery": "dlv1",
        "thread": "dlv1",
        "time_zone": "America/Lima",
        "filter_index": 0,
    }
    return Notice(**(given | more))


def digest(language: str = "en", **more: Any) -> DigestNotice:
    """A digest of a week: an absence, a statement, one that was registered late; three more, and a silent source."""
    said = other(
        "statement.made", {}, "A spokesman called a statement a smear", uid="u3", cite="ALM-3333-4444", level="medium"
    )
    late = absence(uid="u4", cite="ALM-4444-5555", state=State.RESOLVED)
    notices = (
        notice(absence(), language=language),
        notice(said, language=language),
        notice(late, Change.RESOLVED, Reason.REGISTERED_LATE, language=language),
    )
    given: dict[str, Any] = {
        "delivery": "dg1", "subscriber": "ana", "channel": "mail", "via": "mail", "address_hash": "00",
        "language": language, "time_zone": "America/Lima", "team": False, "why": "digest",
        "since": at("2026-01-11 12:30"), "at": at("2026-01-18 12:30"), "notices": notices,
        "more": 3, "levels": {"high": 1, "medium": 4}, "open": 5,
        "closed": 1, "held_back": {"silenced": 2, "inhibited": 1},
        "silent": (SilentSource(source="pe_gestion", since=at("2026-01-18 02:00")),),
    }  # fmt: skip
    return DigestNotice(**(given | more))


def message(**more: Any) -> Message:
    """A short message."""
    given: dict[str, Any] = {
        "id": "dlv1",
        "thread": "dlv1",
        "language": "en",
        "level": "high",
        "level_word": "HIGH",
        "dot": "🟠",
        "country": "Almoria",
        "headline": "🟠 HIGH · Almoria · No register entry found: Official A – Contact B, 3 Mar 2030",
        "paragraphs": (
            Paragraph(label="Reported", text="Official A met Contact B."),
            Paragraph(label="Quote", text="«Esto no puede seguir así»", quote_language="es"),
        ),
        "caution": "A missing entry is not evidence of wrongdoing.",
        "reference": "ALM-4K7Q-9XTD · rule v3",
        "why_you": "Sent to ana: filter 1 of their list matches.",
    }
    return Message(**(given | more))
