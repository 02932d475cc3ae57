"""Messages in both languages: true first lines, what was searched, what changed; and no data that breaks them."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from almenara.domain.alert import Change, Matched, Reason, State
from almenara.domain.message import Message
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.compose import compose
from told import absence, evidence, meeting, notice, other, visit


def told(message: Message, label: str) -> str:
    """The text under a label; empty when there is none."""
    return next((p.text for p in message.paragraphs if p.label == label), "")


def everything(message: Message) -> str:
    """All texts of a message, one a line."""
    lines = [message.mark, message.headline, message.change, message.caution, message.reference, message.why_you]
    return "\n".join([*lines, *(p.label + p.text for p in message.paragraphs), *message.earlier])


def unread(**more):
    alert = absence(checked=False, level="medium", **more)
    return replace(alert, search=replace(alert.search, readings=(), unread=("pe_palace_visits",)))


def test_absence_in_english():
    message = compose(notice(absence(), language="en"), contact="editor@example.org")
    assert message.headline == (
        "🟠 HIGH · Peru · No register entry found for a reported meeting: José Jerí – Zhihua Yang, 26 Dec 2025"
    )
    assert told(message, "Checked") == (
        "No entry of the two from 25 Dec 12:00 to 28 Dec 2025 12:00 (Lima) in pe_palace_visits (212 rows) or "
        "pe_president_agenda, last read 12 Jan 2026 00:30. As of 12 Jan 2026 02:00."
    )
    assert "Became known on 11 Jan 2026, 16 days later." in told(message, "Reported")
    assert told(message, "Nearest entries").startswith("29 Dec 2025 09:20 and 5 Jan 2026 10:08. None lies between")
    assert "no link to a state enterprise or the party is recorded" in told(message, "List")
    assert told(message, "Sources") == "elcomercio.pe (F), jurist.org (F); common origin not excluded."
    assert message.caution.startswith("A missing entry is not evidence of wrongdoing")
    assert message.reference.startswith("ALM-4K7Q-9XTD · rule v3")
    assert message.why_you == "Sent to ana: filter 1 of their list matches. An error? Write to editor@example.org."
    assert (message.change, message.earlier, message.mark) == ("", (), "")


def test_absence_in_spanish():
    message = compose(notice(absence(), language="es"))
    assert message.headline == (
        "🟠 ALTA · Perú · Sin registro hallado de una reunión informada: José Jerí – Zhihua Yang, 26 dic 2025"
    )
    assert told(message, "Se buscó").startswith(
        "Ninguna anotación de ambos del 25 dic 12:00 al 28 dic 2025 12:00 (hora de Lima) en pe_palace_visits"
    )
    assert "Una dice «dos días antes» del 29 dic." in told(message, "Las fuentes difieren")
    assert message.caution.startswith("La falta de anotación no prueba irregularidad")
    assert message.reference.startswith("ALM-4K7Q-9XTD · regla v3")


def test_rows_that_are_not_known_are_left_out():
    text = told(compose(notice(absence(), language="en")), "Checked")
    assert "pe_president_agenda," in text
    assert "-1" not in text


@pytest.mark.parametrize(
    ("language", "lead", "never"),
    [("en", "Could not be checked: ", "No register entry found"), ("es", "No se pudo comprobar: ", "Sin registro")],
)
def test_an_absence_that_nobody_checked_never_says_not_found(language, lead, never):
    # the rule's title claims it, for the rule has no other words
    message = compose(notice(unread(), language=language))
    assert message.headline.split(" · ")[2].startswith(lead)
    assert never not in everything(message)
    assert "pe_palace_visits" in told(message, "Not checked" if language == "en" else "Sin comprobar")
    assert message.dot == "🟡"


def test_registered_late_closes_and_keeps_the_claim_visible():
    entry = visit("2025-12-26", "20:00", recorded=datetime(2026, 1, 20, 15, tzinfo=UTC))
    closed = absence(state=State.RESOLVED)
    message = compose(
        notice(closed, Change.RESOLVED, Reason.REGISTERED_LATE, joined=(entry,), at_=entry.recorded, language="en")
    )
    assert message.headline == (
        "⚪ CLOSED, registered late · Peru · Entry now found: José Jerí – Zhihua Yang, 26 Dec 2025"
    )
    assert message.change.startswith("What changed: an entry (visit 26 Dec 2025 15:00) became known on 20 Jan 2026;")
    assert "was true when sent and stays on record" in message.change
    assert "No register entry found" in message.earlier[0]
    assert message.earlier[0].startswith("Raised on 12 Jan 2026 02:00 (Lima).")
    assert "A missing entry" not in message.caution


@pytest.mark.parametrize(
    ("language", "first", "change"),
    [
        ("en", "⚪ RETRACTED · Peru · No longer stands: No register", "our reader missed it. The error is ours"),
        ("es", "⚪ RETIRADA · Perú · Ya no vale: Sin registro", "nuestro lector no la vio. El error es nuestro"),
    ],
)
def test_retracted(language, first, change):
    fallen = absence(state=State.RETRACTED)
    message = compose(notice(fallen, Change.RETRACTED, Reason.LATE_READING, language=language))
    assert message.headline.startswith(first)
    assert change in message.change
    assert "ALM-4K7Q-9XTD" in message.change
    assert len(message.earlier) == 1


@pytest.mark.parametrize(
    ("language", "first", "change"),
    [
        ("en", "⚪ CLOSED, rule changed · Peru · No longer followed: ", "the rule looks for something else now"),
        ("es", "⚪ CERRADA, regla modificada · Perú · Ya no se sigue: ", "la regla busca ahora otra cosa"),
    ],
)
def test_closed_because_its_rule_became_another_one(language, first, change):
    closed = absence(state=State.RESOLVED)
    message = compose(notice(closed, Change.RESOLVED, Reason.RULE_CHANGED, language=language))
    assert message.headline.startswith(first)
    assert change in message.change


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("change", list(Change))
@pytest.mark.parametrize("reason", list(Reason))
def test_every_change_and_reason_has_words(language, change, reason):
    message = compose(notice(absence(), change, reason, joined=(meeting(),), by="ana", note="why", language=language))
    assert message.headline
    assert bool(message.earlier) == (change != Change.RAISED)
    assert message.change or change == Change.RAISED
    if change in (Change.RESOLVED, Change.RETRACTED):
        assert message.dot == "⚪"
        assert not message.headline.startswith(f"⚪ {message.level_word}")


def test_a_source_that_was_read_since_says_what_was_claimed_before():
    message = compose(notice(absence(), Change.UPDATED, Reason.SOURCE_READ, language="en"))
    assert message.headline.startswith("🟠 HIGH, updated · Peru · No register entry found")
    assert message.change.startswith("Updated: what could not be checked has been checked since")
    assert "The claim was: Could not be checked: José Jerí" in message.earlier[0]


def test_commands_name_who_and_why():
    judged = absence(judgement="false")
    said = notice(judged, Change.JUDGED, Reason.COMMAND, by="ana", note="another person", language="en")
    message = compose(said)
    assert message.headline.startswith("🟠 HIGH, judged a false alarm · Peru · ")
    assert message.change == "Updated: ana judged it: a false alarm. Reason: another person"
    assert "As of" not in told(message, "Checked")  # judging searched nothing


def test_a_day_is_told_as_its_own_place_has_it_and_hours_in_the_readers_zone():
    for zone in ("Pacific/Honolulu", "Asia/Tokyo", "Europe/Madrid"):
        late = absence(state=State.RESOLVED)
        closed = notice(late, Change.RESOLVED, Reason.REGISTERED_LATE, time_zone=zone, language="en")
        assert compose(closed).headline.endswith("26 Dec 2025")
    madrid = compose(notice(absence(), time_zone="Europe/Madrid", language="en"))
    assert "from 25 Dec 18:00 to 28 Dec 2025 18:00 (Madrid)" in told(madrid, "Checked")


def test_days_east_and_west_of_greenwich():
    def day(start: str, until: str) -> str:
        edges = (datetime.fromisoformat(edge) for edge in (start, until))
        return words.day_known(*edges, "en", words.zone_of("UTC"))

    assert day("2025-12-26T05:00+00:00", "2025-12-27T05:00+00:00") == "26 Dec 2025"  # Lima
    assert day("2025-12-25T16:00+00:00", "2025-12-26T16:00+00:00") == "26 Dec 2025"  # Beijing
    assert day("2025-03-29T23:00+00:00", "2025-03-30T22:00+00:00") == "30 Mar 2025"  # Madrid, a day of 23 hours


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "\0", "America", "x" * 5000])
def test_an_unknown_zone_is_utc(zone):
    assert "(UTC)" in told(compose(notice(absence(), time_zone=zone, language="en")), "Checked")


def test_reports_that_differ_in_the_day_say_so():
    second = replace(meeting(), id="e-2", time=meeting().until, until=datetime(2025, 12, 28, 5, tzinfo=UTC))
    message = compose(notice(absence(events=(meeting(), second)), language="en"))
    assert "The reports give different days: 26 Dec 2025 and 27 Dec 2025." in told(message, "Sources differ")


@pytest.mark.parametrize(
    ("link", "says"),
    [("soe", "linked to a state enterprise"), ("unknown", "not recorded"), ("nonsense", "not recorded")],
)
def test_the_list_says_no_more_than_its_entry(link, says):
    entry = {"id": "x", "name": "Contact B", "link": link}
    alert = absence(matched=(Matched(field="f", value="x", watchlist="contacts", entry=entry),))
    assert says in told(compose(notice(alert, language="en")), "List")


def test_a_quote_keeps_its_language():
    data = {
        "speaker": {"name": "Minister A", "country": "XAL"},
        "text": "Esto es una vergüenza",
        "language": "es",
        "rhetoric": {"usa": {"score": 0.914, "spans": ["vergüenza"]}},
    }
    message = compose(notice(other("statement.made", data), language="en"))
    quote = next(p for p in message.paragraphs if p.quote_language)
    assert (quote.text, quote.quote_language) == ("“Esto es una vergüenza”", "es")
    assert told(message, "Said by") == "Minister A (Almoria), 3 Mar 2030, score 0.91."
    assert "puntaje 0,91" in told(compose(notice(other("statement.made", data), language="es")), "Dicho por")


def test_a_list_tells_changes_printings_and_who_is_not_on_it():
    data = {
        "summary": {"en": "Visas paused for 75 countries", "es": "Pausa a 75 países"},
        "changes": [{"country": "BRA", "change": "added"}, {"country": "LAO", "change": "moved"}, {"country": 5}, "x"],
        "counts": {"before": 19, "after": 39},
        "printings": [
            {"source": "gulfnews.com", "says": 75, "prints": 74, "missing": ["COD"]},
            {"source": "mondaq.com", "prints": 75},
        ],
        "countries": {"checked_absent": ["PER", "CHL"]},
        "provisional": True,
    }
    message = compose(notice(other("list.changed", data), language="en"))
    assert told(message, "Changes") == "19 → 39 countries; added (1): Brazil; moved within the list (1): Laos."
    assert told(message, "Checked, not on it") == "Chile and Peru."
    assert told(message, "Printings") == (
        "gulfnews.com says 75, prints 74 (without Democratic Republic of the Congo); mondaq.com prints 75."
    )
    assert "official text has not been captured" in told(message, "Provisional")


def test_a_silent_source_is_no_missing_entry():
    silent = absence(
        events=(evidence("source.checked", {"source": {"id": "xal_visits"}, "outcome": "new"}),),
        title={"en": "Source silent: xal_visits has not been read for 3 hours"},
        matched=(),
    )
    message = compose(notice(silent, language="en"))
    assert "entry" not in everything(message).lower()
    assert told(message, "Reported") == "The last reading of xal_visits was on 4 Mar 2030 04:00."
    closed = compose(notice(silent, Change.RESOLVED, Reason.REGISTERED_LATE, joined=silent.events, language="en"))
    assert closed.headline == "⚪ CLOSED, read again · Peru · No longer silent: xal_visits"
    assert closed.change == "What changed: the source was read again on 4 Mar 2030 04:00."


def test_a_possible_duplicate_is_marked():
    assert compose(notice(absence(), language="en"), possible_duplicate=True).mark.startswith("POSSIBLE DUPLICATE")
    assert compose(notice(absence(), language="es"), possible_duplicate=True).mark.startswith("POSIBLE DUPLICADO")


def test_the_same_notice_gives_the_same_message():
    assert compose(notice(absence())) == compose(notice(absence()))


ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    (
        "official",
        "counterpart",
        "host",
        "visitor",
        "place",
        "speaker",
        "summary",
        "sources",
        "differences",
        "text",
        "quote",
        "language",
        "rhetoric",
        "list",
        "edition",
        "changes",
        "counts",
        "printings",
        "countries",
        "provisional",
        "designation",
        "affected",
        "office",
        "holder",
        "change",
        "vote",
        "position",
        "target",
    )
)
TYPES = st.sampled_from(
    ["meeting.held", "meeting.registered", "statement.made", "list.changed", "designation.made", "office.changed",
     "policy.changed", "poll.published", "", "\x00"]
)  # fmt: skip
PARTS = st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "name", "en", "es", "country", "score", "usa"), JSON))
DATA = st.dictionaries(FIELDS, JSON | PARTS | st.lists(PARTS, max_size=2), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=DATA,
    type_=TYPES,
    title=st.dictionaries(st.sampled_from(["en", "es"]), ANY_TEXT),
    name=ANY_TEXT,
    language=st.sampled_from(["en", "es", "xx"]),
    change=st.sampled_from(list(Change)),
    reason=st.sampled_from(list(Reason)),
    checked=st.booleans(),
    with_search=st.booleans(),
)
def test_no_data_breaks_a_message(data, type_, title, name, language, change, reason, checked, with_search):
    event = evidence(type_, data, source=name)
    entry = {"id": name, "name": name, "basis": name, "link": name}
    alert = absence(
        title=title, events=(event, event), country=name, rule=name, level="high", checked=checked,
        matched=(Matched(field=name, value=data, watchlist="w", entry=entry),),
        countries={"actor": ("PER", name), "target": (name,)},
    )  # fmt: skip
    if not with_search:
        alert = replace(alert, search=None)
    message = compose(notice(alert, change, reason, joined=(event,), by=name, note=name, language=language))
    text = everything(message)
    assert message.headline.strip(f"{message.dot} ·")
    assert message.caution
    bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not [c for c in bad if c not in "\u200c\u200d"]
    text.encode()
    assert len(text) < 40_000


def test_a_list_that_was_not_fully_captured_proves_no_absence() -> None:
    data = {"countries": {"checked_absent": ["PER"]}, "counts": {"before": 13, "after": 38}}
    for captured, label in (("full", "Checked, not on it"), ("partial", "Not named, list not fully captured")):
        message = compose(notice(other("list.changed", {**data, "captured": captured}), language="en"))
        assert told(message, label) == "Peru."
