"""Settings: one reading, every fault at its place, the environment over the file, nothing secret in a fault."""

from datetime import timedelta
from pathlib import Path

import pytest

from almenara.app.environment import settings_of
from almenara.app.settings import Settings, load_settings
from almenara.domain.alert import LEVELS
from almenara.domain.errors import Fault, Faulty

ROOT = Path(__file__).parents[3]


def write(folder: Path, text: str) -> Path:
    (folder / "almenara.yaml").write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        load_settings(write(folder, text), environ or {})
    return caught.value.faults


def test_the_shipped_settings_are_valid_with_an_empty_environment() -> None:
    settings = load_settings(ROOT / "config", {})
    assert settings.mode == "embedded"
    assert settings.watch.countries == ("PER", "CHL")
    assert settings.watchlists["cn_contacts"].review_every == timedelta(days=180)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "# nothing\n"), {}, {"data_dir": tmp_path / "d"})
    assert settings.kafka.partitions == 8
    assert settings.time.allowed_lateness == timedelta(days=2)
    assert settings.storage.database.reveal() == f"sqlite:///{tmp_path}/d/almenara.db"


def test_six_faults_in_one_file_are_all_told_at_their_lines(tmp_path: Path) -> None:
    text = """\
mode: embeded
watch: {coutries: [PER]}
defaults:
  time_zone: Amerca/Lima
time: {tick: 30}
kafka: {partitions: "8"}
storage: {captures: ./captures}
"""
    found = faults(tmp_path, text)
    assert [(fault.line, fault.what.split(":")[0]) for fault in found] == [
        (1, "mode"),
        (2, "watch"),
        (4, "defaults.time_zone"),
        (5, "time.tick"),
        (6, "kafka.partitions"),
        (7, "storage.captures"),
    ]
    cures = [fault.cure for fault in found]
    assert cures[0] == "did you mean 'embedded'?"
    assert cures[1] == "did you mean 'countries'?"
    assert cures[2] == "did you mean 'America/Lima'?"
    assert "should be a whole number, is text" in found[4].what
    assert "not supported in this release" in found[5].what
    assert all(fault.file.endswith("almenara.yaml") and fault.cure for fault in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [x]\nb: *a\n", "alias"),
        ("mode: embedded\nmode: embedded\n", "twice"),
        ("[1, 2]\n", "should be a map"),
        ("mode: embedded\n---\nmode: embedded\n", "second document"),
        ("mode: !!python/name:os.system x\n", "tag"),
        ("kafka:\n", "is empty"),
        ("kafka: here\n", "should be a map of keys, is text"),
        ("watch: {countries: PER}\n", "should be a list, is text"),
        ("watch: {countries: [NO]}\n", "should be text, is true or false"),
        ("watch: {countries: [per]}\n", "not a country code"),
        ("time: {tick: 0s}\n", "longer than nothing"),
        ("mail: {port: 99999}\n", "less than or equal"),
        ("mail: {host: mail.example.org}\n", "needs a sender"),
        ("storage: {database: 'postgresql://h/x'}\n", "names no driver"),
        ("webhook: {secrets: {Ministry X: 0123456789abcdef}}\n", "not a name"),
        ("audience: {key: short}\n", "shorter than 16"),
        ("watchlists: {cn: {approvals: 2}}\n", "not supported in this release"),
        ("log: {level: '${nonsense}'}\n", "not a reference"),
        ("links: {base: 'http://alerts.example.org'}\n", "would send what people do in clear -- write https://"),
        ("links: {base: 'alerts.example.org'}\n", "not the address of a site"),
        ("links: {base: 'https://u:p@alerts.example.org'}\n", "not the address of a site"),
        ("links: {base: 'https://alerts.example.org/?a=b'}\n", "not the address of a site"),
        ("links: {base: 'https://'}\n", "not the address of a site"),
        ("links: {key: short}\n", "shorter than 16"),
        ("links: {expire: 0s}\n", "longer than nothing"),
        ("console: {listen: here}\n", "not a host and a port"),
    ],
)
def test_one_fault_in_plain_words(tmp_path: Path, text: str, said: str) -> None:
    assert said in str(faults(tmp_path, text)[0])


def test_a_missing_file_is_a_fault_unless_it_need_not_be_there(tmp_path: Path) -> None:
    with pytest.raises(Faulty, match="cannot be read"):
        load_settings(tmp_path, {})
    assert load_settings(tmp_path, {}, required=False).mode == "embedded"


def test_the_environment_is_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    environ = {
        "ALMENARA_MODE": "distributed",
        "ALMENARA_STORAGE__DATABASE": "postgresql+psycopg://u:p@db/almenara",
        "ALMENARA_KAFKA__BOOTSTRAP": "one:9092,two:9092",
        "ALMENARA_KAFKA__PARTITIONS": "4",
        "ALMENARA_WATCH__COUNTRIES": "PER, CHL",
        "ALMENARA_WEBHOOK__SECRETS__PE_PRESS": "0123456789abcdef",
        "ALMENARA_DATA_DIR": str(tmp_path / "from-environment"),
        "ALMENARA_CONFIG": "ignored",
        "ALMENARA_REQUIRE_SERVERS": "1",
        "PATH": "/bin",
    }
    overrides = {"data_dir": tmp_path / "from-line", "log.level": None}
    settings = load_settings(write(tmp_path, "mode: embedded\nkafka: {partitions: 2}\n"), environ, overrides)
    assert settings.mode == "distributed"
    assert settings.kafka.bootstrap == "one:9092,two:9092"
    assert settings.kafka.partitions == 4
    assert settings.watch.countries == ("PER", "CHL")
    assert settings.webhook.secrets["pe_press"].reveal() == "0123456789abcdef"
    assert settings.data_dir == tmp_path / "from-line"


def test_a_fault_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    environ = {"ALMENARA_MODDE": "x", "ALMENARA_KAFKA": "x", "ALMENARA_TIME__TICK": "soon", "ALMENARA_ODD_REF": "info"}
    found = {fault.file: fault for fault in faults(tmp_path, "log: {level: '${env:ALMENARA_ODD_REF}'}\n", environ)}
    assert set(found) == {
        "environment variable ALMENARA_MODDE",
        "environment variable ALMENARA_KAFKA",
        "environment variable ALMENARA_TIME__TICK",
    }
    assert found["environment variable ALMENARA_MODDE"].cure == "did you mean 'ALMENARA_MODE'?"
    assert "section" in found["environment variable ALMENARA_KAFKA"].what


def test_a_variable_that_another_file_refers_to_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "subscribers.yaml").write_text("people: {ana: {mail: '${env:ALMENARA_ANA_MAIL}'}}\n")
    load_settings(write(tmp_path, ""), {"ALMENARA_ANA_MAIL": "ana@example.org"})


def test_references_are_resolved_inside_texts(tmp_path: Path) -> None:
    (tmp_path / "pg").write_text("s3cret\n")
    text = "storage: {database: 'postgresql+psycopg://${env:U}:${file:pg}@db/x'}\nmail: {user: 'a$${b}'}\n"
    text += "kafka: {partitions: '${env:N}'}\n"
    settings = load_settings(write(tmp_path, text), {"U": "me", "N": "3"})
    assert settings.kafka.partitions == 3
    assert settings.storage.database.reveal() == "postgresql+psycopg://me:s3cret@db/x"
    assert settings.mail.user == "a${b}"


def test_missing_references_are_told_once_each(tmp_path: Path) -> None:
    text = "mail: {password: '${env:NOPE}', timeout: '${file:nothing}'}\nstorage: {database: '${env:NO_DB}'}\n"
    found = faults(tmp_path, text)
    assert [fault.line for fault in found] == [1, 1, 2]
    assert "NOPE is not set" in found[0].what
    assert "nothing cannot be read" in found[1].what


def test_the_distributed_mode_needs_a_broker_and_postgresql(tmp_path: Path) -> None:
    said = "\n".join(map(str, faults(tmp_path, "mode: distributed\nlog: {level: loud}\n")))
    assert "needs a broker" in said
    assert "needs PostgreSQL" in said
    assert "log.level" in said


def test_a_password_is_not_sent_in_clear(tmp_path: Path) -> None:
    text = "mail: {host: mail.example.org, from: a@example.org, security: none, password: hunter2hunter2}\n"
    assert "in clear" in str(faults(tmp_path, text)[0])
    load_settings(write(tmp_path, text.replace("mail.example.org", "127.0.0.1")), {})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://alerts.example.org", "https://alerts.example.org"),
        ("https://alerts.example.org:8443/almenara/", "https://alerts.example.org:8443/almenara"),
        ("http://127.0.0.1:8402", "http://127.0.0.1:8402"),
        ("http://localhost:8402/", "http://localhost:8402"),
        ("http://[::1]:8402", "http://[::1]:8402"),
    ],
)
def test_where_links_may_lead(tmp_path: Path, given: str, kept: str) -> None:
    settings = load_settings(write(tmp_path, f"links: {{base: '{given}', expire: 7d}}\n"), {})
    assert settings.links.base == kept
    assert settings.links.expire == timedelta(days=7)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().mode = "distributed"  # type: ignore[misc]


def test_every_setting_stands_in_the_docs_with_its_variable() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in settings_of(Settings):
        assert f"`{setting.path}`" in text
        assert f"`{setting.variable}`" in text


def test_levels_are_those_of_the_domain() -> None:
    from almenara.app.fields import Level

    assert Level.__args__ == LEVELS
