"""`channels`, `alerts test`: how the ways to people stand, and messages marked TEST by each; no secret is shown."""

import base64
import email
import email.policy
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.adapters.sinks.hook import HookSink
from almenara.adapters.sinks.slack import TOKEN, SlackSink
from almenara.adapters.sinks.smtp import Reply, SmtpSink
from almenara.adapters.sql.store import SqlStore, sqlite_url
from almenara.domain.circuit import Sign
from almenara.ports.log import EVENTS
from almenara.ports.queue import Refusal, Send, Settlement
from almenara.ports.unit import Batch
from cli_calls import Calls, small_config

SECRET = "whsec_" + base64.b64encode(b"made up, thirty-two bytes long..").decode()
SUBSCRIBERS = """\
people:
  ana: {mail: ana@example.org, slack: {via: workspace, channel: C0ANA}, language: es, wants: [{}]}
  ben: {mail: ben@example.org, webhook: {via: erp}, language: en, wants: [{}]}
teams:
  desk: {slack: {via: hook}, apprise: {via: pager}, language: en, wants: [{}]}
channels:
  workspace: {kind: slack, token: "%(token)s", api: "%(api)s"}
  hook: {kind: slack, url: "%(hook)s"}
  erp: {kind: webhook, url: "%(erp)s", secret: "%(secret)s"}
  pager: {kind: apprise, url: "json://127.0.0.1:1/"}
"""


@dataclass
class Sinks:
    mail: SmtpSink
    slack: SlackSink
    hook: HookSink


@pytest.fixture
def sinks(almenara: Calls, tmp_path: Path) -> Iterator[Sinks]:
    """The servers, and a configuration that leads to them."""
    with ExitStack() as stack:
        mail = stack.enter_context(SmtpSink(tmp_path / "mails"))
        slack = stack.enter_context(SlackSink(tmp_path / "slack"))
        hook = stack.enter_context(HookSink(tmp_path / "hooks", SECRET))
        almenara.config = small_config(tmp_path / "other", mail_port=mail.port)
        given = {"token": TOKEN, "api": slack.api(), "hook": slack.url(), "erp": hook.url(), "secret": SECRET}
        (almenara.config / "subscribers.yaml").write_text(SUBSCRIBERS % given, "utf-8")
        with (almenara.config / "almenara.yaml").open("a", encoding="utf-8") as settings:
            settings.write('channels: {apprise_schemas: [json], private_networks: ["127.0.0.0/8"]}\noperator: ana\n')
        yield Sinks(mail, slack, hook)


def test_each_channel_is_tested_by_its_name(almenara: Calls, sinks: Sinks) -> None:
    for name, to in (("workspace", "ana"), ("hook", "desk"), ("erp", "ben")):
        found = almenara.json("channels", "test", name)
        assert (found.code, found.one["to"], found.one["outcome"]) == (0, to, "delivered"), found.err
    [post] = sinks.slack.shown("C0ANA")
    assert post["text"].startswith("TEST (prueba)")
    assert sinks.hook.posts()[0]["payload"]["data"]["headline"].startswith("⚪ TEST ·")
    assert not (almenara.data / "almenara.db").exists()


def test_mail_reaches_several_so_one_is_named(almenara: Calls, sinks: Sinks) -> None:
    assert almenara("channels", "test", "mail").code == 2
    assert almenara("channels", "test", "mail", "--to", "desk").code == 2
    assert almenara("channels", "test", "nothing").code == 2
    assert sinks.mail.mails() == []
    assert almenara("channels", "test", "mail", "--to", "ben").code == 0
    mail = email.message_from_bytes(sinks.mail.mails()[0].read_bytes(), policy=email.policy.default)
    assert mail["Subject"] == "[Almenara] TEST · This channel works; nothing has happened"
    assert mail.get_body(("plain",)).get_content().startswith("*** TEST: this is a test")


@pytest.mark.parametrize(("who", "word"), [("ana", "Sin registro hallado"), ("ben", "No register entry found")])
def test_an_alert_is_tested_at_every_address_of_somebody(almenara: Calls, sinks: Sinks, who: str, word: str) -> None:
    found = almenara.json("alerts", "test", "--to", who)
    assert found.code == 0, found.err
    assert {one["channel"] for one in found.lines} == {"mail", "workspace" if who == "ana" else "erp"}
    mail = email.message_from_bytes(sinks.mail.mails()[0].read_bytes(), policy=email.policy.default)
    assert mail["Subject"].startswith("[Almenara] TEST · Almoria · ")
    assert word in mail["Subject"]
    assert mail.get_body(("plain",)).get_content().startswith("*** TEST")
    assert almenara("alerts", "test", "--to", "cleo").code == 2


def test_what_is_refused_and_what_is_not_reached(almenara: Calls, sinks: Sinks) -> None:
    sinks.slack.revoked = True
    assert almenara("channels", "test", "workspace").code == 1
    sinks.mail.reply_with(Reply("451 later"))
    assert almenara("channels", "test", "mail", "--to", "ana").code == 4
    assert almenara("channels", "test", "pager").code == 4


def test_the_list_without_a_record(almenara: Calls, sinks: Sinks) -> None:
    lines = almenara.json("channels", "list").lines
    assert [(one["channel"], one["kind"], one["subscribers"], one["state"]) for one in lines] == [
        ("erp", "webhook", ["ben"], "closed"),
        ("hook", "slack", ["desk"], "closed"),
        ("mail", "mail", ["ana", "ben"], "closed"),
        ("pager", "apprise", ["desk"], "closed"),
        ("workspace", "slack", ["ana"], "closed"),
    ]


def test_an_open_circuit_and_a_refusal_are_seen_everywhere(almenara: Calls, sinks: Sinks) -> None:
    assert almenara("migrate").code == 0
    now = datetime.now(UTC)
    trouble(almenara.data / "almenara.db", now)
    listed = almenara.json("channels", "list")
    found = {one["channel"]: one for one in listed.lines}
    assert listed.code == 1
    assert (found["erp"]["state"], found["erp"]["error"], found["hook"]["state"]) == ("open", "webhook 503", "closed")
    assert found["mail"]["refusals"] == [
        {"to": "ana", "cause": "smtp 550 at recipient", "at": found["mail"]["refusals"][0]["at"], "delivery": "d1"}
    ]
    assert {one["channel"] for one in almenara.json("status").one["channels"]} == {"erp", "mail"}
    said = almenara("status").out
    assert "open since" in said
    assert "refuses ana since" in said
    checks = {one["check"]: one for one in almenara.json("doctor").lines}
    assert checks["channel erp"]["state"] == checks["channel mail"]["state"] == "failed"
    assert "almenara channels test mail" in checks["channel mail"]["cure"]
    assert checks["operator"]["state"] == "ok"


def test_an_operator_whom_nobody_knows_is_told_by_doctor(almenara: Calls, sinks: Sinks) -> None:
    settings = almenara.config / "almenara.yaml"
    settings.write_text(settings.read_text().replace("operator: ana", "operator: zoe"))
    checks = {one["check"]: one for one in almenara.json("doctor").lines}
    assert checks["operator"]["state"] == "failed"


@pytest.mark.parametrize("verb", [("channels", "list"), ("channels", "test", "workspace"), ("config", "show")])
def test_no_secret_is_shown(almenara: Calls, sinks: Sinks, verb: tuple[str, ...]) -> None:
    for found in (almenara(*verb), almenara.json(*verb)):
        secrets = (TOKEN, SECRET.removeprefix("whsec_"), sinks.slack.url(), sinks.hook.url(), "C0ANA")
        assert [secret for secret in secrets if secret in found.out + found.err] == []


def trouble(file: Path, now: datetime) -> None:
    """Notes in a record that `erp` asked to wait and that `mail` refused ana."""
    store = SqlStore(sqlite_url(file))
    lease = store.claim("plan", EVENTS, 0)
    sends = [Send("d0", "t0", "1", now, b"", "erp"), Send("d1", "t1", "1", now, b"", "mail")]
    store.commit(lease, Batch(lease.after + 1, (), sends))
    refusal = Refusal(destination="mail", subscriber="ana", cause="smtp 550 at recipient", at=now, delivery="d1")
    for claim in store.take(now, now + timedelta(minutes=1), 9):
        if claim.send.destination == "erp":
            sign = Sign(at=now, up=False, error="webhook 503", wait_s=600)
            assert store.settle(claim, Settlement(now + timedelta(hours=1), sign=sign), [])
        else:
            assert store.settle(claim, Settlement(refusal=refusal), [])
    store.close()
