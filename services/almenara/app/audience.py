"""The audience of `subscribers.yaml`: who is told what, ready for the log; and apart from it the real addresses.

The log gets keyed hashes only, so an address cannot be read or guessed from it. Knows nothing of sending.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from almenara.app import fields
from almenara.app.addresses import AddressBook, address_hash, audience_key
from almenara.app.config_file import read_document, without_planned
from almenara.app.fields import Invalid, Section, nearest
from almenara.app.references import References
from almenara.app.secrets import Secret
from almenara.app.settings import Settings
from almenara.app.validation import Origins, validate
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.errors import Fault, Faulty
from almenara.engine.reading.documents import Document
from almenara.engine.reading.documents import Path as Keys

FILE: Final = "subscribers.yaml"
MAIL: Final = "mail"
SLACK: Final = "slack"
_SLACK_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LATER: Final = ("quiet", "digest", "limit", "tlp", "on_duty", "escalate")
_PLANNED: Final = (
    *((section, "*", key) for section in ("people", "teams") for key in _LATER),
    *((section, "*", "slack", "channel") for section in ("people", "teams")),
    ("channels", "*", "token"),
)


def _mail_address(value: Secret) -> Secret:
    if not fields.MAIL.fullmatch(value.reveal()):
        raise Invalid("not a mail address", "write name@example.org")
    return value


def _slack_url(value: Secret) -> Secret:
    try:
        url = urlsplit(value.reveal())
        secure, local = url.scheme == "https", url.scheme == "http" and url.hostname in _LOCAL_HOSTS
        known = local or (secure and url.hostname in _SLACK_HOSTS and url.port in (None, 443))
    except ValueError:
        known = False
    if not known or url.username is not None or any(c.isspace() for c in value.reveal()):
        cure = "write https://hooks.slack.com/services/... (or http:// to this machine, for a test)"
        raise Invalid("not a Slack webhook URL", cure)
    return value


class _Want(Section):
    countries: fields.Countries = ()
    rules: fields.Texts = ()
    levels: fields.Levels = ()
    tags: fields.Texts = ()
    entities: fields.Texts = ()


class _Slack(Section):
    via: str


class _Subscriber(Section):
    mail: Annotated[Secret, AfterValidator(_mail_address)] | None = None
    slack: _Slack | None = None
    language: fields.Language | None = None
    time_zone: fields.Zone | None = None
    wants: Annotated[tuple[_Want, ...], fields.AS_LIST]


class _Channel(Section):
    kind: Literal["slack"]
    url: Annotated[Secret, AfterValidator(_slack_url)]


class _File(Section):
    people: dict[fields.Name, _Subscriber] = Field(default_factory=dict)
    teams: dict[fields.Name, _Subscriber] = Field(default_factory=dict)
    channels: dict[fields.Name, _Channel] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadedAudience:
    """What one reading of the file gave: the audience for the log, and the addresses that stay here."""

    audience: Audience
    addresses: AddressBook


def load_audience(
    document: Document,
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    rules: Iterable[str] | None = None,
    key: bytes | None = None,
) -> LoadedAudience:
    """The audience that a document describes. Raises Faulty with every fault.

    `environ` (default: the process's) is what `${env:..}` names. With `rules` a want that names another rule is a
    fault. `key` keys the hashes; by default the settings' own, or the key file in the data folder, which is made at
    the first use.
    """
    file, faults = _parsed(document, settings, os.environ if environ is None else environ, rules)
    if faults or file is None:
        raise Faulty(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    used = audience_key(settings) if key is None else key
    subscribers: list[Subscriber] = []
    entries: dict[tuple[str, str], tuple[str, Secret]] = {}
    for name, team, one in _everyone(file):
        targets = []
        for kind, via, address in _ways(one, file):
            hashed = address_hash(used, kind, address)
            entries[name, via] = (hashed, address)
            targets.append(Target(kind=kind, via=via, address_hash=hashed))
        subscribers.append(_subscriber(name, one, team, tuple(targets), settings))
    return LoadedAudience(Audience(subscribers=tuple(subscribers)), AddressBook(entries))


def read_audience(
    config_dir: Path,
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    rules: Iterable[str] | None = None,
    key: bytes | None = None,
) -> LoadedAudience:
    """As `load_audience`, from `subscribers.yaml` in a folder."""
    document, faults = read_document(config_dir / FILE)
    if faults:
        raise Faulty(faults)
    return load_audience(document, settings, environ=environ, rules=rules, key=key)


def _parsed(
    document: Document, settings: Settings, environ: Mapping[str, str], rules: Iterable[str] | None
) -> tuple[_File | None, list[Fault]]:
    origins = Origins(document)
    if not isinstance(document.data, dict):
        return None, [origins.fault((), "should be a map of keys", "write people:, teams: and channels:")]
    base = Path(document.file).absolute().parent
    resolved = References(environ, base).resolve(document.data, origins.fault)
    origins.hidden, origins.missing = resolved.hidden, resolved.missing
    raw, planned = without_planned(resolved.data, _PLANNED, origins)
    file, wrong = validate(_File, raw, origins)
    across = _across(raw, settings, None if rules is None else frozenset(rules), origins)
    return file, resolved.faults + planned + wrong + across


def _across(raw: dict[str, Any], settings: Settings, rules: frozenset[str] | None, origins: Origins) -> list[Fault]:
    """What is wrong between parts of the file, and with the settings and rules; found in the raw data."""
    channels, people = _map(raw, "channels"), _map(raw, "people")
    faults: list[Fault] = []
    if MAIL in channels:
        cure = "set mail.* in almenara.yaml; a subscriber's `mail` goes by it"
        faults.append(origins.fault(("channels", MAIL), "mail is no channel of its own", cure))
    for section in ("people", "teams"):
        for name, one in _map(raw, section).items():
            path = (section, name)
            if section == "teams" and name in people:
                faults.append(origins.fault(path, "a person has this name", "rename one of the two"))
            if not isinstance(one, dict):
                continue
            if MAIL in one and not settings.mail.host:
                faults.append(origins.fault((*path, MAIL), "there is no mail server", "set mail.host in almenara.yaml"))
            via = _map(one, SLACK).get("via")
            if isinstance(via, str) and via not in channels:
                faults.append(_unknown("channel", via, channels, origins, (*path, SLACK, "via")))
            if one.get("wants") == []:
                faults.append(origins.fault((*path, "wants"), "nothing is wanted", "write [{}] to be told everything"))
            if rules is not None:
                faults += _unknown_rules(one, rules, origins, path)
    return faults


def _unknown_rules(one: dict[str, Any], rules: frozenset[str], origins: Origins, path: Keys) -> list[Fault]:
    wants = one.get("wants")
    faults = []
    for index, want in enumerate(wants if isinstance(wants, list) else ()):
        named = want.get("rules") if isinstance(want, dict) else None
        for at, rule in enumerate(named if isinstance(named, list) else ()):
            if isinstance(rule, str) and rule not in rules:
                faults.append(_unknown("rule", rule, rules, origins, (*path, "wants", index, "rules", at)))
    return faults


def _unknown(kind: str, name: str, known: Iterable[str], origins: Origins, path: Keys) -> Fault:
    if path in origins.hidden:
        return origins.fault(path, f"there is no such {kind}", f"name a {kind} that there is")
    return origins.fault(path, f"there is no {kind} '{name}'", nearest(name, known) or f"add a {kind} of that name")


def _map(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _everyone(file: _File) -> Iterator[tuple[str, bool, _Subscriber]]:
    for name in sorted({*file.people, *file.teams}):
        team = name in file.teams
        yield name, team, (file.teams if team else file.people)[name]


def _ways(one: _Subscriber, file: _File) -> Iterator[tuple[str, str, Secret]]:
    if one.mail is not None:
        yield MAIL, MAIL, one.mail
    if one.slack is not None:
        yield SLACK, one.slack.via, file.channels[one.slack.via].url


def _subscriber(name: str, one: _Subscriber, team: bool, targets: tuple[Target, ...], settings: Settings) -> Subscriber:
    return Subscriber(
        id=name,
        team=team,
        wants=tuple(Want(**want.model_dump()) for want in one.wants),
        targets=targets,
        language=one.language or settings.defaults.language,
        time_zone=one.time_zone or settings.defaults.time_zone,
    )
