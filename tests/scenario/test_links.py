"""Links from a mail to the record, over SQLite on a virtual clock: opening changes nothing, a button works once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.adapters.sinks.slack import SlackSink
from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.settings import load_settings
from almenara.app.stores import open_store
from almenara.audit.explain import all_notices, changes, deliveries, records
from almenara.console.links import Action
from almenara.domain.alert import Alert, Change, State
from almenara.domain.event import ACKNOWLEDGE, UNSUBSCRIBE
from almenara.domain.notice import Dropped, NotSent
from almenara.ports.commands import Command
from almenara.ports.log import STREAMS
from cli_calls import small_config
from linked import BASE, Installation, links_of, mail_of, urls_in

START = datetime(2026, 2, 3, 12, tzinfo=UTC)
ALL = "[{countries: [PER], levels: [high, critical]}]"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackSink]:
    with SlackSink(tmp_path / "slack") as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, sink: SmtpSink, slack: SlackSink) -> Iterator[Installation]:
    config = small_config(tmp_path / "config", mail_port=sink.port)
    with (config / "almenara.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f'links: {{base: "{BASE}"}}\n')
    (config / "subscribers.yaml").write_text(
        "people:\n"
        f"  ana: {{mail: ana@example.org, language: es, time_zone: America/Lima, wants: {ALL}}}\n"
        f"  ben: {{mail: ben@example.org, language: en, wants: {ALL}}}\n"
        "teams:\n"
        f"  desk-lima: {{slack: {{via: desk}}, language: en, wants: {ALL}}}\n"
        f'channels:\n  desk: {{kind: slack, url: "{slack.url()}"}}\n'
    )
    found = load_settings(config, {}, {"data_dir": str(tmp_path / "data")})
    with closing(open_store(found, create=True)) as store:
        yield Installation(store, config, found, START)


def raised(here: Installation, sink: SmtpSink) -> dict[str, dict[str, str]]:
    """Raises one alert; the links of its mails, by subscriber."""
    here.publish()
    here.go()
    found = {}
    for path in sink.mails():
        to = str(mail_of(path)["To"]).partition("@")[0]
        found.setdefault(to, links_of(path))
    return found


def alert_of(here: Installation) -> Alert:
    return list(changes(here.store))[-1].alert


def test_a_mail_has_links_and_the_unsubscribe_header(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)
    assert list(links["ana"]) == ["Por qué", "Tomar a cargo", "Valorar", "Asignar", "Silenciar", "Dejar de recibir"]
    assert list(links["ben"]) == ["Why", "Acknowledge", "Judge", "Assign", "Mute", "Unsubscribe"]
    assert all(url.startswith(f"{BASE}/l/") for one in links.values() for url in one.values())
    assert len({url for one in links.values() for url in one.values()}) == 12
    mail = next(mail_of(path) for path in sink.mails() if b"ben@" in path.read_bytes())
    assert mail["List-Unsubscribe"] == f"<{links['ben']['Unsubscribe']}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert urls_in(mail.get_body(("plain",)).get_content()) == list(links["ben"].values())


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_opening_twice_changes_nothing(here: Installation, sink: SmtpSink, method: str) -> None:
    links = raised(here, sink)
    before = here.lengths()
    for _ in range(2):
        for url in [*links["ana"].values(), *links["ben"].values()]:
            assert here.reading.get(url, method).status_code in (200, 204)
    here.go(0)  # the same tick: dropped
    assert here.lengths() == before
    assert alert_of(here).state == State.OPEN


def test_acknowledged_by_one_press_and_everyone_is_told(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ana"]["Tomar a cargo"]
    page = here.reading.get(url)
    assert 'lang="es"' in page.text
    assert page.text.count("<button") == 1
    done = here.reading.press(url, note="lo miro")
    assert done.status_code == 200
    assert "Registrado" in done.text
    here.go()
    alert, last = alert_of(here), list(changes(here.store))[-1]
    assert (alert.state, last.by, last.note) == (State.ACKNOWLEDGED, "ana", "lo miro")
    told = {mail_of(path)["To"] for path in sink.mails() if "a cargo" in str(mail_of(path)["Subject"]).lower()}
    assert {str(to) for to in told} == {"ana@example.org"}  # ben is told in English
    assert len(sink.mails()) == 4

    again = here.reading.press(url)
    assert again.status_code == 409
    assert "Ya se hizo con este enlace: 3 feb 2026 07:01 (Lima), por ana" in again.text
    opened = here.reading.get(url)
    assert "Ya se hizo" in opened.text
    assert "<button" not in opened.text
    assert len(here.commands("alert.acknowledge")) == 1


def test_pressed_twice_at_once_is_recorded_once(here: Installation, sink: SmtpSink) -> None:
    """Before the services have read the first press, the log itself drops the second."""
    url = raised(here, sink)["ana"]["Tomar a cargo"]
    assert here.reading.press(url).status_code == 200
    again = here.reading.press(url, note="otra vez")
    assert again.status_code == 409
    assert "Ya se hizo" in again.text
    assert len(here.commands("alert.acknowledge")) == 1


def test_of_many_presses_at_once_one_is_recorded(here: Installation, sink: SmtpSink) -> None:
    raised(here, sink)
    for about in (alert_of(here), None):
        command = Command(type=ACKNOWLEDGE if about else UNSUBSCRIBE, id="one", data={"by": "ana"}, alert=about)
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda _, one=command: here.record.append(one, here.clock.now()), range(16)))
        assert done.count(None) == 1
        assert {one.by for one in done if one} == {"ana"}


def test_of_two_who_take_it_on_at_once_the_first_counts(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)
    assert here.reading.press(links["ben"]["Acknowledge"]).status_code == 200
    assert here.reading.press(links["ana"]["Tomar a cargo"]).status_code == 200
    here.go()
    assert len(here.commands("alert.acknowledge")) == 2
    (taken,) = [one for one in changes(here.store) if one.change == Change.ACKNOWLEDGED]
    assert taken.by == "ben"
    told = [str(mail_of(path)["To"]) for path in sink.mails()[2:]]
    assert sorted(told) == ["ana@example.org", "ben@example.org"]
    late = here.reading.get(links["ana"]["Tomar a cargo"])
    assert "ben ya la tomó a cargo" in late.text
    assert "<button" not in late.text


def test_a_judgement_needs_a_choice(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ben"]["Judge"]
    wrong = here.reading.press(url, note="kept")
    assert wrong.status_code == 400
    assert "choose one of the three" in wrong.text
    assert ">kept</textarea>" in wrong.text
    assert here.commands("alert.judge") == []
    assert here.reading.press(url, judgement="false", note="a namesake").status_code == 200
    here.go()
    last = list(changes(here.store))[-1]
    assert (last.change, last.alert.judgement, last.by, last.note) == (Change.JUDGED, "false", "ben", "a namesake")
    assert "done already by this link" in here.reading.get(url).text


def test_an_alert_is_given_to_somebody_who_is_known(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ben"]["Assign"]
    assert "ana" not in here.reading.get(url).text.partition("<form")[2]  # who else is told is nobody's business
    for nobody in ("", "nobody", "<b>ana</b>"):
        wrong = here.reading.press(url, to=nobody)
        assert wrong.status_code == 400
        assert "Nobody of that name" in wrong.text
    assert here.commands("alert.assign") == []
    assert here.reading.press(url, to="ana", note="yours").status_code == 200
    here.go()
    last = list(changes(here.store))[-1]
    assert (last.change, last.alert.assignee, last.by, last.note) == (Change.ASSIGNED, "ana", "ben", "yours")
    assert sorted(str(mail_of(path)["To"]) for path in sink.mails()[2:]) == ["ana@example.org", "ben@example.org"]
    assert here.reading.press(url, to="ben").status_code == 409


def test_a_mute_is_a_silence_for_this_alert_in_every_partition(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ben"]["Mute"]
    assert "held back from everyone" in here.reading.get(url).text
    assert here.reading.press(url).status_code == 200
    found = here.commands("silence.add")
    assert len(found) == here.store.partitions
    assert {event.id.rpartition("/")[2] for event in found} == {str(n) for n in range(here.store.partitions)}
    until = datetime.fromisoformat(found[0].data["until"])
    assert until == here.clock.now() + timedelta(days=7)
    assert found[0].data["alert"] == alert_of(here).uid
    assert here.reading.press(url).status_code == 409
    assert len(here.commands("silence.add")) == here.store.partitions


def test_unsubscribed_by_one_click_nothing_more_comes_by_that_channel(
    here: Installation, sink: SmtpSink, slack: SlackSink
) -> None:
    url = raised(here, sink)["ben"]["Unsubscribe"]
    path = url.removeprefix(BASE)
    done = here.reading.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (done.status_code, done.text) == (200, "")
    assert len(here.commands("subscription.end")) == here.store.partitions
    assert here.reading.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert len(here.commands("subscription.end")) == here.store.partitions
    here.go()
    here.publish(id="d-2", time="2026-02-04T12:00:00Z")
    here.go(24 * 60)
    later = [str(mail_of(path)["To"]) for path in sink.mails()[2:]]
    assert "ben@example.org" not in later
    assert "ana@example.org" in later
    reasons = [one.reason for one in all_notices(here.store) if one.subscriber == "ben"]
    assert reasons[-1] == NotSent.UNSUBSCRIBED

    page = here.reading.get(url)
    assert "were ended" in page.text
    assert "Resume the messages" in page.text
    assert here.reading.client.post(path, data={"do": "resume"}).status_code == 200
    here.publish(id="d-3", time="2026-02-05T12:00:00Z")
    here.go(24 * 60)
    assert "ben@example.org" in [str(mail_of(path)["To"]) for path in sink.mails()[2:]]


def test_one_click_as_multipart_and_on_a_link_of_another_kind(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    files = {"List-Unsubscribe": (None, "One-Click")}
    wrong = here.reading.client.post(links["Acknowledge"].removeprefix(BASE), files=files)
    assert wrong.status_code == 400
    done = here.reading.client.post(links["Unsubscribe"].removeprefix(BASE), files=files)
    assert done.status_code == 200
    assert len(here.commands("subscription.end")) == here.store.partitions
    assert here.commands("alert.acknowledge") == []


def test_a_page_ends_messages_and_offers_to_resume_at_once(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ana"]["Dejar de recibir"]
    done = here.reading.press(url)
    assert "Volver a recibirlos" in done.text
    assert "vuelve a enviar" in here.reading.press(url, do="resume").text
    assert "Ya se hizo" in here.reading.press(url).text  # a link ends once; the next mail has another


def test_a_shared_channel_asks_for_a_name(here: Installation, sink: SmtpSink, slack: SlackSink) -> None:
    raised(here, sink)
    (post,) = slack.posts()
    (actions,) = [block for block in post["payload"]["blocks"] if block["type"] == "actions"]
    buttons = {one["text"]["text"]: one["url"] for one in actions["elements"]}
    assert list(buttons) == ["Why", "Acknowledge", "Judge", "Assign", "Mute"]
    url = buttons["Acknowledge"]
    assert 'name="name" required' in here.reading.get(url).text
    assert here.reading.press(url, name="   ").status_code == 400
    assert here.commands("alert.acknowledge") == []
    assert here.reading.press(url, name="Ruth <b>Q</b>").status_code == 200
    here.go()
    assert list(changes(here.store))[-1].by == "Ruth <b>Q</b> (desk-lima)"
    again = here.reading.get(url)
    assert "Ruth &lt;b&gt;Q&lt;/b&gt; (desk-lima)" in again.text


def test_why_shows_the_alert_as_it_stands(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    here.reading.press(links["Acknowledge"], note="asking")
    here.go()
    alert, page = alert_of(here), here.reading.get(links["Why"]).text
    first = alert.events[0]
    for text in (alert.cite, alert.title["en"], alert.ruleset, first.position, first.id, alert.rule, "acknowledged"):
        assert text in page
    assert "«asking»" in page
    assert page.count("delivered") >= 2
    assert "desk-lima" not in page  # what others were told is not shown
    assert here.reading.press(links["Why"]).status_code == 405


def test_a_closed_alert_is_only_explained(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    here.publish(id="w-1", type="event.withdrawn", data={"of": "d-1"})
    here.go()
    assert alert_of(here).state == State.RETRACTED
    last = [links_of(path) for path in sink.mails() if "ben@" in str(mail_of(path)["To"])][-1]
    assert list(last) == ["Why", "Unsubscribe"]
    for name in ("Acknowledge", "Mute"):
        assert "Nothing to do" in here.reading.get(links[name]).text
        assert here.reading.press(links[name]).status_code == 409
    assert here.commands("alert.acknowledge") == []


def test_who_left_can_do_nothing_any_more(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    file = here.config / "subscribers.yaml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if " ben:" not in line))
    here.parts.reload()
    for url in links.values():
        assert here.reading.get(url).status_code == 410
        assert here.reading.press(url).status_code in (410, 405)
    assert here.commands("alert.acknowledge") == []


def test_what_became_too_confidential_is_not_shown_any_more(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    title = alert_of(here).title["en"]
    assert title in here.reading.get(links["Why"]).text
    event = {"type": "designation.made", "time": "2026-02-03T12:00:00Z"}
    data = {"designation": {"kind": "major_non_nato_ally"}, "affected": {"country": "PER"}, "tlp": "RED",
            "summary": {"en": "A secret of the second telling."}}  # fmt: skip
    here.publish(id="c-1", type="event.corrected", data={"of": "d-1", "event": {**event, "data": data}})
    here.go()
    page = here.reading.get(links["Why"]).text
    assert "more confidential" in page
    assert "second telling" not in page


@pytest.mark.parametrize("token", ["x", "a.b", "." * 50, "A" * 900, "%00", "é.é"])
def test_what_is_no_link_is_refused_in_both_languages(here: Installation, token: str) -> None:
    page = here.reading.get(f"/l/{token}")
    assert page.status_code == 403
    assert 'lang="es"' in page.text
    assert here.reading.press(f"/l/{token}").status_code == 403


def test_an_expired_link_is_gone(here: Installation, sink: SmtpSink) -> None:
    raised(here, sink)
    url = here.token(Action.ACKNOWLEDGE, alert_of(here).uid, expires=here.clock.now() + timedelta(seconds=1))
    assert here.reading.get(url).status_code == 200
    here.clock.set(here.clock.now() + timedelta(seconds=1))
    assert here.reading.get(url).status_code == 410
    assert here.reading.press(url).status_code == 410


def test_other_addresses_and_methods(here: Installation, sink: SmtpSink) -> None:
    url = raised(here, sink)["ben"]["Acknowledge"]
    assert here.reading.get("/").status_code == 404
    assert here.reading.get("/l/").status_code == 404
    assert here.reading.get("/l/a/b").status_code == 404
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        refused = here.reading.get(url, method)
        assert refused.status_code == 405
        assert "GET" in refused.headers["Allow"]
    assert here.reading.get("/healthz").json() == {"status": "ok"}
    assert here.reading.client.post("/slack", data={"payload": "{}"}).status_code == 200


def test_every_answer_has_the_headers(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)["ben"]
    answers = [here.reading.get(links["Why"]), here.reading.press(links["Judge"]), here.reading.get("/nothing")]
    answers += [here.reading.get("/l/x.y"), here.reading.get(links["Why"], "OPTIONS"), here.reading.get("/healthz")]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers


def test_no_record_holds_a_token(here: Installation, sink: SmtpSink) -> None:
    links = raised(here, sink)
    for url in links["ben"].values():
        here.reading.press(url, judgement="true")
    here.go()
    tokens = [url.rpartition("/")[2] for one in links.values() for url in one.values()]
    bodies = b"".join(record.body for stream in STREAMS for record in records(here.store, stream))
    for token in tokens:
        said, _, mac = token.partition(".")
        assert said.encode() not in bodies
        assert mac.encode() not in bodies


def test_what_waited_and_every_digest_ends_with_the_subscription(here: Installation, sink: SmtpSink) -> None:
    """Held for the night, then unsubscribed: neither that nor an empty digest is sent any more, until they resume."""
    file = here.config / "subscribers.yaml"
    hours = 'quiet: {daily: "11:00-20:00"}, digest: {at: "21:00", when_empty: send}'
    file.write_text(f"people:\n  ana: {{mail: ana@example.org, language: en, time_zone: UTC, wants: {ALL}, {hours}}}\n")
    here.parts.reload()
    here.publish()
    here.go()
    url = here.token(Action.UNSUBSCRIBE)
    assert here.reading.press(url).status_code == 200
    for _ in range(36):
        here.go(60)
    assert sink.mails() == []
    assert [step.detail for step in deliveries(here.store)] == ["quiet_hours", Dropped.UNSUBSCRIBED]
    assert here.reading.press(url, do="resume").status_code == 200
    for _ in range(24):
        here.go(60)
    (digest,) = sink.mails()
    assert list(links_of(digest)) == ["Unsubscribe"]
