"""The audience: every fault of the file at once, hashes in place of addresses, and an address book that shows none."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from almenara.app.addresses import audience_key
from almenara.app.audience import LoadedAudience, load_audience, read_audience
from almenara.app.settings import Settings, load_settings
from almenara.domain.audience import Want
from almenara.domain.errors import Fault, Faulty
from almenara.engine.reading.documents import read

ROOT = Path(__file__).parents[3]
KEY = b"k" * 32
HOOK = "https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/notARealTokenAtAll"

GOOD = """\
people:
  zoe: {mail: "${env:ZOE_MAIL}", language: en, time_zone: Europe/Madrid, wants: [{}]}
teams:
  desk:
    mail: desk@example.org
    slack: {via: workspace}
    wants: [{countries: [PER], levels: [high], rules: [known], tags: [t], entities: [p-a]}]
channels:
  workspace: {kind: slack, url: "${env:HOOK}"}
"""
ENVIRON = {"ZOE_MAIL": "zoe@example.org", "HOOK": HOOK}


def settings(host: str = "127.0.0.1") -> Settings:
    return Settings.model_validate({"mail": {"host": host}, "defaults": {"time_zone": "America/Lima"}})


def load(text: str, environ: Mapping[str, str] = ENVIRON, **more: object) -> LoadedAudience:
    documents, faults = read(text, "subscribers.yaml")
    assert not faults
    return load_audience(documents[0], settings(), environ=environ, key=KEY, **more)  # type: ignore[arg-type]


def faults(text: str, **more: object) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        load(text, **more)  # type: ignore[arg-type]
    return caught.value.faults


def test_people_and_teams_become_subscribers_in_the_order_of_their_ids() -> None:
    desk, zoe = load(GOOD, rules=["known"]).audience.subscribers
    assert (desk.id, desk.team, desk.language, desk.time_zone) == ("desk", True, "es", "America/Lima")
    assert desk.wants == (Want(countries=("PER",), levels=("high",), rules=("known",), tags=("t",), entities=("p-a",)),)
    assert [(target.kind, target.via) for target in desk.targets] == [("mail", "mail"), ("slack", "workspace")]
    assert (zoe.team, zoe.language, zoe.time_zone, zoe.wants) == (False, "en", "Europe/Madrid", (Want(),))


def test_the_audience_holds_hashes_and_the_book_the_addresses() -> None:
    loaded = load(GOOD)
    desk, zoe = loaded.audience.subscribers
    assert all(re.fullmatch(r"[0-9a-f]{32}", target.address_hash) for target in (*desk.targets, *zoe.targets))
    assert not re.search(r"example\.org|hooks\.slack", repr(loaded))
    mail, slack = desk.targets
    found = loaded.addresses.lookup("desk", "workspace", slack.address_hash)
    assert found is not None
    assert found.reveal() == HOOK
    assert loaded.addresses.lookup("desk", "mail", slack.address_hash) is None
    assert loaded.addresses.lookup("nobody", "mail", mail.address_hash) is None


def test_a_changed_address_or_key_is_not_found_by_the_old_hash() -> None:
    before = load(GOOD).audience.subscribers[1].targets[0]
    after = load(GOOD, {**ENVIRON, "ZOE_MAIL": "zoe2@example.org"})
    assert after.addresses.lookup("zoe", before.via, before.address_hash) is None
    documents, _ = read(GOOD, "subscribers.yaml")
    other = load_audience(documents[0], settings(), environ=ENVIRON, key=b"another key")
    assert other.audience.subscribers[1].targets[0].address_hash != before.address_hash


def test_every_fault_is_told_at_its_line() -> None:
    text = """\
people:
  ana:
    mail: not-an-address
    language: fr
    time_zone: America/Limma
    wants: [{countries: [pe], levels: [hihg], ruels: [x]}, {rules: [knwon]}]
    quiet: {daily: "22:00-22:00"}
  Ben B: {wants: []}
  desk: {slack: {via: workspac}, mail: "${env:NOT_SET}"}
teams:
  desk: {wants: [{}], escalate: [{after: 1h, to: on_duty}], slack: {via: workspace, channel: C0}}
channels:
  workspace: {kind: slack, url: "https://evil.example.org/services/x"}
  mail: {kind: mail}
"""
    said = [f"{fault.line} {fault.what} / {fault.cure}" for fault in faults(text, rules=["known"])]
    expected = (
        "3 people.ana.mail: not a mail address",
        "4 people.ana.language: not one of es, en",
        "5 people.ana.time_zone: not a time zone / did you mean 'America/Lima'?",
        "6 people.ana.wants.0.countries.0: not a country code",
        "6 people.ana.wants.0.levels.0: not one of informational, low, medium, high, critical / did you mean 'high'?",
        "6 people.ana.wants.0: unknown key 'ruels' / did you mean 'rules'?",
        "6 people.ana.wants.1.rules.0: there is no rule 'knwon' / did you mean 'known'?",
        "7 people.ana.quiet.daily: begins and ends at the same time",
        "8 people.Ben B: not a name that can be used",
        "8 people.Ben B.wants: nothing is wanted",
        "9 people.desk: 'wants' is missing",
        "9 people.desk.slack.via: there is no channel 'workspac' / did you mean 'workspace'?",
        "9 people.desk.mail: the environment variable NOT_SET is not set",
        "11 teams.desk: a person has this name",
        "11 teams.desk.escalate.0.to: there is no on_duty",
        "11 teams.desk.slack.channel: an incoming webhook has its own channel",
        "13 channels.workspace.url: not a Slack webhook URL",
        "14 channels.mail: mail is no channel of its own",
    )
    missing = [one for one in expected if not any(line.startswith(one) for line in said)]
    assert not missing, "\n".join(said)


WAYS = """\
people:
  a: {slack: {via: bot}, wants: [{}]}
  b: {slack: {via: bot, channel: "#desk"}, wants: [{}]}
  c: {slack: {via: erp, channel: C0}, webhook: {via: erp}, wants: [{}]}
  d: {apprise: {via: hook}, wants: [{}]}
  e: {apprise: {via: pager}, wants: [{}]}
channels:
  bot: {kind: slack, token: "${env:TOKEN}"}
  both: {kind: slack, token: x, url: "${env:HOOK}"}
  none: {kind: slack}
  api: {kind: slack, token: x, api: "https://evil.example/api"}
  hook: {kind: slack, url: "${env:HOOK}", secret: s}
  erp: {kind: webhook, url: "ftp://x", secret: short}
  bare: {kind: webhook}
  pager: {kind: apprise, url: "exec://rm"}
  plain: {kind: apprise, url: "no url"}
"""


def test_every_fault_of_channels_and_of_ways_by_them_is_told() -> None:
    found = faults(WAYS, environ={**ENVIRON, "TOKEN": "xoxb-canary-7"})
    said = [f"{fault.line} {fault.what}" for fault in found]
    assert said == [
        "2 people.a.slack: 'channel' is missing",
        "3 people.b.slack.channel: not the id of a Slack channel",
        "4 people.c.slack.via: this channel is of kind webhook",
        "5 people.d.apprise.via: this channel is of kind slack",
        "9 channels.both.url: Slack needs a url or a token, and not both",
        "10 channels.none: Slack needs a url or a token, and not both",
        "11 channels.api.api: not an address of Slack's API",
        "12 channels.hook.secret: a channel of kind slack has no secret",
        "13 channels.erp.url: not a web address",
        "13 channels.erp.secret: 'secret' should be whsec_ and 24 to 64 bytes in base 64",
        "14 channels.bare: 'url' is missing",
        "14 channels.bare: 'secret' should be whsec_ and 24 to 64 bytes in base 64",
        "15 channels.pager.url: its schema is not allowed",
        "16 channels.plain.url: not an Apprise URL",
    ]
    assert "canary-7" not in "\n".join(map(str, found))


def test_a_bots_address_is_the_channel_that_a_subscriber_names() -> None:
    text = (
        "people:\n  a: {slack: {via: bot, channel: C0DESK}, wants: [{}]}\n"
        'channels:\n  bot: {kind: slack, token: "${env:TOKEN}"}\n'
    )
    loaded = load(text, {"TOKEN": "xoxb-canary-7"})
    [target] = loaded.audience.subscribers[0].targets
    found = loaded.addresses.lookup("a", "bot", target.address_hash)
    assert (target.kind, target.via) == ("slack", "bot")
    assert found is not None
    assert found.reveal() == "C0DESK"
    assert not re.search("canary|C0DESK", repr(loaded))


def test_faults_show_no_address() -> None:
    canary = "canary-7f3a"
    text = GOOD.replace("via: workspace", 'via: "${env:VIA}"').replace("[known]", '["${env:VIA}"]')
    environ = {"ZOE_MAIL": f"{canary} x", "HOOK": f"https://{canary}.example.org", "VIA": canary}
    found = faults(text, environ=environ, rules=["known"])
    assert len(found) == 4
    assert canary not in "\n".join(map(str, found))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/T/B/x",
        "https://hooks.slack.com.evil.example.org/x",
        "https://u:p@hooks.slack.com/x",
        "http://10.0.0.1/x",
        "https://hooks.slack.com:8443/x",
        "file:///etc/passwd",
        "https://[x",
    ],
)
def test_only_slack_itself_is_a_slack_webhook(url: str) -> None:
    assert "not a Slack webhook URL" in str(faults(GOOD, environ={**ENVIRON, "HOOK": url})[0])


@pytest.mark.parametrize("url", [HOOK, "http://127.0.0.1:4000/hook", "http://localhost:4000/hook", "http://[::1]:4/x"])
def test_slack_and_this_machine_are_taken(url: str) -> None:
    assert load(GOOD, {**ENVIRON, "HOOK": url}).addresses.addresses()


def test_mail_needs_a_mail_server() -> None:
    documents, _ = read(GOOD, "subscribers.yaml")
    with pytest.raises(Faulty, match="no mail server"):
        load_audience(documents[0], settings(host=""), environ=ENVIRON, key=KEY)


def test_a_bad_file_raises_and_leaves_the_earlier_audience_usable(tmp_path: Path) -> None:
    file = tmp_path / "subscribers.yaml"
    file.write_text(GOOD)
    loaded = read_audience(tmp_path, settings(), environ=ENVIRON, key=KEY)
    target = loaded.audience.subscribers[1].targets[0]
    for bad in (GOOD.replace("wants", "wnats"), "a: &a x\nb: *a\n", "people: {\n", ""):
        file.write_text(bad)
        if bad:
            with pytest.raises(Faulty, match=r"subscribers\.yaml"):
                read_audience(tmp_path, settings(), environ=ENVIRON, key=KEY)
        else:
            assert read_audience(tmp_path, settings(), environ={}, key=KEY).audience.subscribers == ()
        assert loaded.addresses.lookup("zoe", target.via, target.address_hash) is not None


def test_the_shipped_subscribers_are_valid_with_an_empty_environment() -> None:
    shipped = load_settings(ROOT / "config", {})
    loaded = read_audience(ROOT / "config", shipped, environ={}, key=KEY)
    assert [one.id for one in loaded.audience.subscribers] == ["ana", "ben", "desk-lima"]


def test_the_key_is_made_once_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    here = Settings.model_validate({"data_dir": tmp_path / "new"})
    key = audience_key(here)
    file = tmp_path / "new" / "audience.key"
    assert audience_key(here) == key == file.read_bytes()
    assert len(key) == 64
    assert file.stat().st_mode & 0o077 == 0
    assert os.listdir(file.parent) == ["audience.key"]


def test_a_set_key_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    here = Settings.model_validate({"data_dir": tmp_path, "audience": {"key": "0123456789abcdef"}})
    assert audience_key(here) == b"0123456789abcdef"
    assert not os.listdir(tmp_path)


def test_a_key_that_cannot_be_kept_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Faulty, match=r"set audience\.key"):
        audience_key(Settings.model_validate({"data_dir": tmp_path / "file" / "below"}))
