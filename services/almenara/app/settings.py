"""The settings: what there is to set, and how a file, the environment and the command line become one `Settings`.

Parsed once, passed in, never changed. Knows nothing of what the services do with it. Every setting is explained in
docs/settings.md.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, model_validator

from almenara.app import fields
from almenara.app.config_file import read_document, variables_of, without_planned
from almenara.app.environment import place, typed, values_in
from almenara.app.fields import Invalid, Section
from almenara.app.references import References
from almenara.app.secrets import Secret, SecretUrl
from almenara.app.validation import Origins, model_at, validate
from almenara.domain.errors import Fault, Faulty
from almenara.engine.reading.documents import Path as Keys

FILE: Final = "almenara.yaml"
DATABASE_FILE: Final = "almenara.db"
MIN_KEY: Final = 16
COMMAND_LINE: Final = "command line"
_NOT_SETTINGS: Final = frozenset({"ALMENARA_CONFIG", "ALMENARA_REQUIRE_SERVERS"})
_PLANNED: Final = (
    ("storage", "captures"),
    ("storage", "keep_captures"),
    ("watchlists", "*", "approvals"),
)


def _database(value: SecretUrl) -> SecretUrl:
    if value.scheme in ("postgresql", "postgres"):
        raise Invalid("names no driver", "write postgresql+psycopg://...")
    if value.scheme not in ("sqlite", "postgresql+psycopg"):
        raise Invalid("not a database URL that is supported", "write sqlite:///FILE or postgresql+psycopg://...")
    return value


def _long_enough(value: Secret) -> Secret:
    if value and len(value.reveal()) < MIN_KEY:
        raise Invalid(f"shorter than {MIN_KEY} characters", "make a random one: openssl rand -hex 32")
    return value


def _web_address(value: Secret) -> Secret:
    if value and not re.fullmatch(r"https?://[^\s/@?#]+(/[!-~]*)?", value.reveal(), re.ASCII):
        raise Invalid("not a web address", "write https://...")
    return value


def _schemas(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[a-z][a-z0-9]{1,19}", schema) for schema in value):
        raise Invalid("not a schema of an Apprise URL", "write what stands before ://, in small letters, such as tgram")
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Watch(Section):
    """What is watched. Countries are ISO 3166 alpha-3 codes."""

    countries: fields.Countries = ()
    targets: fields.Countries = ()
    region: fields.Countries = ()


class Defaults(Section):
    """What holds for a subscriber who says nothing else; `tlp` also for an event that says nothing of it."""

    language: fields.Language = "es"
    time_zone: fields.Zone = "UTC"
    tlp: fields.Tlp = "GREEN"


class Time(Section):
    """The clock of the log: how often it is written, and how late an event may come and still be counted."""

    tick: fields.LongerThanNothing = timedelta(seconds=30)
    allowed_lateness: fields.Duration = timedelta(days=2)


class Storage(Section):
    """Where positions, snapshots and (in the embedded mode) the log are kept."""

    database: Annotated[SecretUrl, AfterValidator(_database)] = SecretUrl(f"sqlite:///data/{DATABASE_FILE}")


class Kafka(Section):
    """The broker of the distributed mode. `partitions` is the log's in both modes, and is fixed at its creation."""

    bootstrap: fields.HostPorts = ""
    partitions: Annotated[StrictInt, Field(ge=1, le=1024)] = 8


class Mail(Section):
    """The mail server. No host: no mail is sent. `tlp`: the most confidential that may go by mail."""

    host: str = ""
    port: fields.Port = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: Secret = Secret("")
    sender: fields.MailAddress = Field(default="", alias="from")
    timeout: fields.LongerThanNothing = timedelta(seconds=20)
    tlp: fields.Tlp = "RED"


class Corrections(Section):
    """Whom a reader may write to about an error."""

    contact: str = ""


class Webhook(Section):
    """The signed webhook by which other systems hand in events. `secrets` maps a source to its signing secret."""

    listen: fields.HostPort = ""
    secrets: dict[fields.Name, Annotated[Secret, AfterValidator(_long_enough)]] = Field(default_factory=dict)


class Channels(Section):
    """What the channels of subscribers.yaml may do. Without a schema no Apprise URL is taken."""

    apprise_schemas: Annotated[fields.Texts, AfterValidator(_schemas)] = ()
    private_networks: fields.Networks = ()


class Heartbeat(Section):
    """The beacon that goes the whole way of an alert, and the dead-man's switch outside that hears of it.

    `canary_every` is how often it is lit, `ping` a web address; empty: none is lit.
    """

    canary_every: fields.LongerThanNothing = timedelta(minutes=15)
    ping: Annotated[Secret, AfterValidator(_web_address)] = Secret("")


class Rules(Section):
    """How rules go live. `watch`: how often the folder is looked at for changes; None = it is not watched."""

    watch: fields.LongerThanNothing | None = None


class Watchlist(Section):
    """What is said about a watchlist beside its entries."""

    owner: str = ""
    purpose: str = ""
    review_every: fields.LongerThanNothing | None = None


class AudienceKey(Section):
    """The key of the hashes by which the log names addresses. Empty: a random one, kept in the data folder."""

    key: Annotated[Secret, AfterValidator(_long_enough)] = Secret("")


class Links(Section):
    """Links from messages to the pages of the console. Empty `base`: none. An empty key: a random one, as above."""

    base: fields.LinkBase = ""
    key: Annotated[Secret, AfterValidator(_long_enough)] = Secret("")
    expire: fields.LongerThanNothing = timedelta(days=30)


class Console(Section):
    """Where the pages are served. Empty: they are not."""

    listen: fields.HostPort = ""


class Log(Section):
    """What the processes write about themselves."""

    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"


class Settings(Section):
    """All settings. Printing or dumping it shows no secret."""

    mode: Literal["embedded", "distributed"] = "embedded"
    data_dir: Path = Path("data")
    watch: Watch = Watch()
    defaults: Defaults = Defaults()
    time: Time = Time()
    storage: Storage = Storage()
    kafka: Kafka = Kafka()
    mail: Mail = Mail()
    corrections: Corrections = Corrections()
    webhook: Webhook = Webhook()
    channels: Channels = Channels()
    operator: fields.NameOrNone = ""
    heartbeat: Heartbeat = Heartbeat()
    rules: Rules = Rules()
    watchlists: dict[fields.Name, Watchlist] = Field(default_factory=dict)
    audience: AudienceKey = AudienceKey()
    links: Links = Links()
    console: Console = Console()
    log: Log = Log()

    @model_validator(mode="before")
    @classmethod
    def _database_in_data_dir(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("data_dir"), str | Path):
            return data
        storage = data.get("storage", {})
        if not isinstance(storage, dict) or "database" in storage:
            return data
        return {**data, "storage": {**storage, "database": f"sqlite:///{Path(data['data_dir']) / DATABASE_FILE}"}}


def load_settings(
    config_dir: Path, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None, *, required: bool = True
) -> Settings:
    """The settings of `config_dir`, overridden by the environment, overridden by `overrides` (dotted path to value).

    Overrides that are None count as not given. With `required` False a missing file means the defaults. Relative
    `data_dir`s start at the working directory. Raises Faulty with every fault found.
    """
    document, faults = read_document(config_dir / FILE, required=required)
    origins = Origins(document)
    raw = document.data if isinstance(document.data, dict) else {}
    given, unknown = values_in(environ, Settings, _NOT_SETTINGS | variables_of(config_dir))
    faults += unknown
    for path, (variable, value) in given.items():
        raw = _with(raw, path, value)
        origins.named[path] = place(variable)
    for dotted, value in (overrides or {}).items():
        if value is not None:
            path = tuple(dotted.split("."))
            raw = _with(raw, path, value)
            origins.named[path] = COMMAND_LINE
    resolved = References(environ, config_dir.absolute()).resolve(raw, origins.fault)
    origins.hidden, origins.missing = resolved.hidden, resolved.missing
    faults += resolved.faults
    raw, planned = without_planned(_numbers(resolved.data, resolved.hidden), _PLANNED, origins)
    if isinstance(raw.get("data_dir", ""), str | Path) and ("data_dir",) not in origins.missing:
        raw["data_dir"] = Path(raw.get("data_dir", "data")).expanduser().absolute()
    settings, wrong = validate(Settings, raw, origins)
    faults += planned + wrong + _contradictions(raw, origins)
    if faults or settings is None:
        raise Faulty(sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column)))
    return settings


def _numbers(data: dict[str, Any], hidden: set[Keys]) -> dict[str, Any]:
    """The data with the texts that references gave made numbers where a setting is one."""
    for path in hidden:
        if model_at(Settings, path) is int:
            text: Any = data
            for key in path:
                text = text[key]
            data = _with(data, path, typed(text, int))
    return data


def _with(data: dict[str, Any], path: Keys, value: Any) -> dict[str, Any]:
    """The data with the value at the path; what is no map on the way is left, for it is a fault of its own."""
    key, rest = str(path[0]), path[1:]
    if not rest:
        return {**data, key: value}
    below = data.get(key)
    if below is not None and not isinstance(below, dict):
        return data
    return {**data, key: _with(below or {}, rest, value)}


def _contradictions(raw: dict[str, Any], origins: Origins) -> list[Fault]:
    """Settings that are right one by one and wrong together; found in the raw data, so that all faults show at once."""

    def at(*path: str) -> Any:
        value: Any = raw
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    faults = []
    if at("mode") == "distributed":
        if not at("kafka", "bootstrap") and ("kafka", "bootstrap") not in origins.missing:
            what, cure = "the distributed mode needs a broker", "set it to host:port (ALMENARA_KAFKA__BOOTSTRAP)"
            faults.append(origins.fault(("kafka", "bootstrap"), what, cure))
        database = at("storage", "database")
        if database is None or (isinstance(database, str) and database.startswith("sqlite")):
            what = "the distributed mode needs PostgreSQL"
            cure = "set it to postgresql+psycopg://... (ALMENARA_STORAGE__DATABASE)"
            faults.append(origins.fault(("storage", "database"), what, cure))
    local = at("mail", "host") in ("localhost", "127.0.0.1", "::1")
    if at("mail", "password") and at("mail", "security") == "none" and not local:
        what = "would send the password in clear"
        faults.append(origins.fault(("mail", "security"), what, "use starttls or tls"))
    if at("mail", "host") and not at("mail", "from") and ("mail", "from") not in origins.missing:
        faults.append(origins.fault(("mail", "from"), "is missing; a mail needs a sender", "set mail.from"))
    return faults
